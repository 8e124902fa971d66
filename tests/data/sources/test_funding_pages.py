"""Funding through ccxt, against the venue of this machine, with every fault and from wherever it stopped."""

import json
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from tests.data.sources.loopback import Fault

from tradsys.core.errors import ConfigError, SourceError
from tradsys.core.time import to_ms
from tradsys.data.audit import audit
from tradsys.data.store import SeriesId

FUNDING = SeriesId.parse("binance:BTC/USDT:USDT:funding")
BEGAN = datetime(2024, 11, 20, 8, tzinfo=UTC)
CHANGED = datetime(2025, 1, 10, tzinfo=UTC)


def settlements():
    """Every eight hours, then every four, each stamp a few milliseconds late, until the venue's clock."""
    at, found = BEGAN, []
    while at <= datetime(2025, 2, 3, 4, tzinfo=UTC):
        found.append(at)
        at += timedelta(hours=8 if at < CHANGED else 4)
    return found


@pytest.fixture
def told(venue):
    """The venue with its settlements, thirty a page."""
    venue.most_settlements = 30
    venue.tables["fundingRate"] = json.dumps(
        [
            {"symbol": "BTCUSDT", "fundingTime": to_ms(at) + i % 9, "fundingRate": f"{(i % 7 - 2) * 1e-5:.8f}"}
            for i, at in enumerate(settlements())
        ]
    )
    return venue


@pytest.fixture
def fetch(fetch):
    def run(**how):
        return fetch(FUNDING, source="ccxt", **how)

    return run


def asked(venue):
    return sum(path.endswith("/fundingRate") for path in venue.asked)


def test_everything_from_the_first_settlement_to_the_last(told, store, fetch):
    report = fetch()
    kept = store.read(FUNDING)
    assert kept["ts"].to_list() == settlements()
    assert kept["funding_rate"][:4].to_list() == pytest.approx([-2e-5, -1e-5, 0.0, 1e-5])
    assert (report.n_new, report.flaws, report.notes) == (len(kept), (), ())
    assert audit(store, FUNDING).findings == ()
    (manifest, *_) = store.manifests(FUNDING)
    assert [(one.source, one.item) for one in manifest.origins] == [("ccxt binance", "fetch_funding_rate_history")]


def test_it_goes_on_forward_and_backward_and_fills_what_lies_between(told, store, fetch):
    fetch(start=datetime(2024, 12, 20, tzinfo=UTC), end=datetime(2025, 1, 5, tzinfo=UTC))
    fetch(start=datetime(2025, 1, 15, tzinfo=UTC), end=datetime(2025, 1, 20, tzinfo=UTC))
    fetch()
    assert store.read(FUNDING)["ts"].to_list() == settlements()
    told.asked.clear()
    assert fetch().n_new == 0
    assert asked(told) <= 2  # where it began, and whether there is more


@pytest.mark.parametrize(
    "fault",
    [
        Fault("/fundingRate", status=429, headers={"Retry-After": "0"}),
        Fault("/fundingRate", n=2, status=503),
        Fault("/fundingRate", is_cut=True),
        Fault("/fundingRate", body=b'[{"symbol": "BTCUSDT"'),
    ],
    ids=["429", "5xx", "cut body", "cut JSON"],
)
def test_what_another_attempt_cures_is_cured(told, store, fetch, fault):
    told.faults.append(fault)
    fetch()
    assert fault.n == 0
    assert store.read(FUNDING)["ts"].to_list() == settlements()


def test_what_was_fetched_before_a_venue_fell_silent_is_kept_and_gone_on_from(told, store, fetch):
    fetch(end=datetime(2024, 12, 10, tzinfo=UTC))
    before = len(store.read(FUNDING))
    told.faults.append(Fault("/fundingRate", n=99, status=503))
    with pytest.raises(SourceError, match="what was fetched is kept, run the same command again to go on"):
        fetch()
    assert len(store.read(FUNDING)) == before > 0
    told.faults.clear()
    fetch()
    assert store.read(FUNDING)["ts"].to_list() == settlements()


@pytest.mark.parametrize("how", ["is_reordered", "is_endless"])
def test_pages_out_of_order_or_without_an_end_are_put_right(told, store, fetch, how):
    setattr(told, how, True)
    fetch()
    assert store.read(FUNDING)["ts"].to_list() == settlements()
    assert asked(told) < 20


def test_a_hole_that_the_venue_has_is_told(told, store, fetch):
    kept = [one for one in json.loads(told.tables["fundingRate"]) if not _in_hole(one["fundingTime"])]
    told.tables["fundingRate"] = json.dumps(kept)
    report = fetch()
    assert report.notes == ("no settlement from 2024-12-10 16:00 to 2024-12-11 08:00",)


def _in_hole(ms):
    return to_ms(datetime(2024, 12, 10, 10, tzinfo=UTC)) < ms < to_ms(datetime(2024, 12, 11, 2, tzinfo=UTC))


def test_pages_fill_what_the_archive_left_out(told, store, series, settings):
    """Without ccxt: monthly files first, then the same pages for every settlement that they lack."""
    from tradsys.data.download import download
    from tradsys.data.sources.venue import venue_of

    december = [at for at in settlements() if at.month == 12 and at.day != 5]
    lines = [f"{to_ms(at)},8,0.0001" for at in december]
    told.tables["BTCUSDT-fundingRate-2024-12"] = "\n".join(
        ["calc_time,funding_interval_hours,last_funding_rate", *lines]
    )
    told.most_settlements = 1000
    download(store, FUNDING, venue_of(FUNDING, settings))
    assert store.read(FUNDING)["ts"].to_list() == settlements()
    assert store.read(FUNDING).filter(pl.col("interval_hours").is_not_null()).height == len(december)


def test_only_perpetuals_have_any(settings):
    from tradsys.data.sources.venue import venue_of

    with pytest.raises(ConfigError, match="only perpetuals settle funding, such as kraken:BTC/USDT:USDT:funding"):
        venue_of(SeriesId.parse("kraken:BTC/USD:funding"), settings, "ccxt")
