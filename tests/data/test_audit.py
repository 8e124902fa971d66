"""What `tradsys data check` finds in stored series."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from tests.data.store.made import PAGES, some_bars

from tradsys.core.errors import DataError
from tradsys.data.audit import audit
from tradsys.data.store import SeriesId, SeriesStore
from tradsys.data.store.manifest import Flaw
from tradsys.data.store.resample import resample

START = datetime(2024, 1, 1, tzinfo=UTC)
HOUR, QUARTER = timedelta(hours=1), timedelta(minutes=15)
HOURS = SeriesId.parse("binance:BTC/USDT:1h")
QUARTERS = SeriesId.parse("binance:BTC/USDT:15m")
KRAKEN = SeriesId.parse("kraken:BTC/USDT:1h")


@pytest.fixture
def store(tmp_path):
    return SeriesStore(tmp_path / "store")


@pytest.fixture
def quarters():
    return some_bars(START, 4 * 300, QUARTER)


def changed(bars, rows, **columns):
    picked = pl.int_range(pl.len()).is_in(rows)
    return bars.with_columns(
        pl.when(picked).then(pl.col(name) * factor).otherwise(name).alias(name) for name, factor in columns.items()
    )


def found(store, series=HOURS, **how):
    return {finding.kind: finding for finding in audit(store, series, **how).findings}


def test_a_good_series_has_its_span_and_nothing_else(store, quarters):
    store.write(QUARTERS, quarters, PAGES)
    store.write(HOURS, resample(quarters, QUARTER, HOUR), PAGES)
    looked = audit(store, HOURS)
    assert (looked.n_rows, looked.findings, looked.is_bad) == (300, (), False)
    assert looked.quality.n_missing == 0


def test_gaps_are_listed(store):
    store.write(HOURS, some_bars(START, 100).filter(~pl.col("ts").dt.hour().is_in([3, 4])), PAGES)
    quality = audit(store, HOURS).quality
    assert (len(quality.gaps), quality.n_missing) == (4, 8)


def test_bars_that_their_parts_contradict_are_named(store, quarters):
    store.write(QUARTERS, quarters, PAGES)
    hours = changed(resample(quarters, QUARTER, HOUR), [7], volume=0.5)
    store.write(HOURS, hours, PAGES)
    finding = found(store)["cross-interval disagreement"]
    assert finding.sentence == "1 bar: disagree with the 15m bars in volume: row 7 (2024-01-01 07:00)"
    assert found(store, QUARTERS) == {}


def test_closes_unlike_another_venues_are_named(store):
    bars = some_bars(START, 300)
    store.write(HOURS, changed(bars, [150], close=1.004, high=1.02), PAGES)
    store.write(KRAKEN, changed(bars, [40, 41], close=1.008, high=1.02), PAGES)
    finding = found(store)["outlier"]
    assert finding.n_rows == 2
    assert (
        "closes unlike those of kraken:BTC/USDT:1h, by over 0.50%: rows 40 (2024-01-02 16:00), 41" in finding.sentence
    )


def test_a_venue_that_trades_dearer_for_days_is_no_outlier(store):
    bars = some_bars(START, 300)
    store.write(HOURS, bars, PAGES)
    store.write(KRAKEN, changed(bars, range(200, 300), open=1.02, high=1.02, low=1.02, close=1.02), PAGES)
    assert found(store) == {}


def test_another_venue_may_be_named_and_must_overlap(store):
    store.write(HOURS, some_bars(START, 300), PAGES)
    store.write(KRAKEN, some_bars(START - timedelta(days=10), 250), PAGES)
    assert found(store, against=[KRAKEN])["not compared"].sentence.startswith("only 10 bars in common with kraken")


def test_impossible_and_doubled_rows_are_bad(store):
    """The store lets none in: these were written past its door."""
    bars = some_bars(START, 50)
    store.write(HOURS, changed(bars, [5], high=0.5), PAGES)
    looked = audit(store, HOURS)
    assert looked.is_bad
    assert looked.findings[0].sentence.startswith("impossible OHLC, high below max(open, close) (1 row): row 5")


def test_a_file_with_another_hash_is_bad(store):
    store.write(HOURS, some_bars(START, 50), PAGES)
    path = next(store.place.root.rglob("rows-*.parquet"))
    path.write_bytes(path.read_bytes() + b"x")
    looked = audit(store, HOURS)
    assert looked.is_bad and looked.quality is None
    assert "is not the file that was written" in looked.findings[0].sentence


def test_what_the_manifests_tell_is_told(store):
    flaw = Flaw("checksum differs", 1, (1704067200000,), "a.zip was taken although: checksum differs")
    store.write(HOURS, some_bars(START, 50), PAGES, [flaw])
    assert found(store)["checksum differs"].sentence == "2024: a.zip was taken although: checksum differs"


def test_a_series_that_is_not_there_is_an_error(store):
    with pytest.raises(DataError, match="tradsys data list shows what is"):
        audit(store, HOURS)
