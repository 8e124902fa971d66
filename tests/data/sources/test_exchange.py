"""Bars through ccxt, against the same venue, with every fault."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from tests.data.sources.loopback import Fault

from tradsys.core.errors import ConfigError, SourceError
from tradsys.core.time import to_ms
from tradsys.data.sources.venue import venue_of
from tradsys.data.store import SeriesId

COLUMNS = ["ts", "open", "high", "low", "close", "volume"]


@pytest.fixture
def fetch(fetch):
    def run(of=None, **how):
        return fetch(**({"of": of} if of else {}), source="ccxt", **how)

    return run


@pytest.mark.parametrize("name", ["binance:BTC/USDT:1h", "binance:BTC/USDT:USDT:1h"])
def test_everything_from_the_listing_to_the_last_closed_bar(venue, store, fetch, closed, name):
    series = SeriesId.parse(name)
    report = fetch(series)
    assert store.read(series).equals(closed)
    assert (report.n_new, report.holes, report.flaws) == (len(closed), (), ())
    assert not [path for path in venue.asked if path.endswith(".zip")]


def test_it_goes_on_forward_and_backward_and_then_asks_for_little(venue, store, series, fetch):
    fetch(start=datetime(2024, 12, 10, tzinfo=UTC), end=datetime(2024, 12, 20, tzinfo=UTC))
    fetch(start=datetime(2024, 12, 1, tzinfo=UTC))
    venue.now += timedelta(days=3)
    fetch()
    assert store.read(series).equals(venue.bars.filter(pl.col("ts") < venue.now.replace(minute=0)))
    venue.asked.clear()
    assert fetch().n_new == 0
    assert sum(path.endswith("/klines") for path in venue.asked) == 1  # when was it listed?


@pytest.mark.parametrize(
    "fault",
    [
        Fault("/klines", status=429, headers={"Retry-After": "0"}),
        Fault("/klines", n=2, status=503),
        Fault("/klines", is_cut=True),
        Fault("/klines", body=b'[[17000'),
        Fault("/time", status=500),
    ],
    ids=["429", "5xx", "cut body", "cut JSON", "5xx of the clock"],
)  # fmt: skip
def test_what_another_attempt_cures_is_cured(venue, store, series, fetch, closed, fault):
    venue.faults.append(fault)
    fetch()
    assert fault.n == 0
    assert store.read(series).equals(closed)


def test_reordered_pages_are_put_in_order(venue, store, series, fetch, closed):
    venue.is_reordered = True
    fetch()
    assert store.read(series).equals(closed)
    assert sum(path.endswith("/klines") for path in venue.asked) < 6


def test_an_endless_last_page_ends_and_leaves_its_hole(venue, store, series, fetch):
    venue.is_endless = True
    venue.not_in_rest = [datetime(2025, 2, 3, hour, tzinfo=UTC) for hour in range(3, 8)]
    report = fetch()
    assert report.n_missing == 4
    assert sum(path.endswith("/klines") for path in venue.asked) < 8


@pytest.mark.parametrize("skew", [timedelta(hours=-5), timedelta(hours=30)])
def test_the_venues_clock_says_what_has_closed(venue, store, series, fetch, skew):
    venue.now += skew
    report = fetch()
    last = store.read(series)["ts"][-1]
    assert last + timedelta(hours=1) <= venue.now < last + timedelta(hours=2)
    assert "this machine's clock is" in report.notes[0]


def test_an_exchange_without_a_clock_is_read_by_the_date_of_its_answer(venue, series, settings):
    exchange = venue_of(series, settings, "ccxt")
    exchange._api.has["fetchTime"] = False
    assert exchange.now(series) == to_ms(venue.now)


def test_a_bar_that_changes_after_it_closed_is_seen_at_the_next_download(venue, store, series, fetch):
    fetch()
    last = store.read(series)["ts"][-1]
    venue.corrections[last] = 321.0
    venue.now += timedelta(hours=2)
    report = fetch()
    assert (report.n_new, report.n_changed) == (2, 1)
    assert store.manifests(series)[-1].defects[0].kind == "changed after close"


def test_what_was_stored_before_a_failure_stays(venue, store, series, fetch, closed):
    fetch(end=datetime(2024, 12, 1, tzinfo=UTC))
    venue.faults.append(Fault("/klines", n=99, status=503))
    with pytest.raises(SourceError, match=r"failed 3 times.*run the same command again"):
        fetch()
    assert store.read(series)["ts"][-1] == datetime(2024, 11, 30, 23, tzinfo=UTC)
    venue.faults.clear()
    fetch()
    assert store.read(series).equals(closed)


def test_pages_that_came_before_a_failure_are_stored(venue, store, series, fetch):
    seen = []
    right = venue.answer

    def answer(path, query):
        if path.endswith("/klines"):
            seen.append(path)
            if len(seen) > 2:
                return 503, {}, b"{}", False
        return right(path, query)

    venue.answer = answer
    with pytest.raises(SourceError):
        fetch()
    assert len(store.read(series)) == 1000


def test_what_cannot_be_cured_is_an_error_at_once(venue, fetch):
    venue.faults.append(Fault("/klines", n=9, status=400, body=b'{"code":-1102,"msg":"Mandatory parameter"}'))
    with pytest.raises(SourceError, match="retrying would not help"):
        fetch(start=datetime(2024, 12, 1, tzinfo=UTC))
    assert sum(path.endswith("/klines") for path in venue.asked) <= 2


def test_names_that_the_exchange_does_not_have_get_the_nearest(venue, fetch):
    with pytest.raises(ConfigError, match=r"no market BTC/USDC; did you mean BTC/USDT"):
        fetch(SeriesId.parse("binance:BTC/USDC:1h"))
    with pytest.raises(ConfigError, match=r"no 7m bars, it has 1s, 1m"):
        fetch(SeriesId.parse("binance:BTC/USDT:7m"))
    with pytest.raises(ConfigError, match=r"no exchange 'binanse'; did you mean binance"):
        fetch(SeriesId.parse("binanse:BTC/USDT:1h"))
