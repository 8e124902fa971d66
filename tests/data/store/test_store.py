"""What was written is read again, in order, once, with all that is known of it."""

import threading
from dataclasses import replace
from datetime import UTC, datetime

import polars as pl
import pytest
from tests.data.store.made import PAGES, some_bars

from tradsys.core.errors import DataError
from tradsys.data.store import SeriesId, SeriesStore
from tradsys.data.store.manifest import Flaw

NEW_YEAR = datetime(2024, 1, 1, tzinfo=UTC)


def content(store, series):
    """Every file of a series and its bytes."""
    folder = store.place.root / series.folder
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_each_year_is_a_file_and_a_manifest(store, series, bars):
    written = store.write(series, bars, PAGES)
    assert (written.n_new, written.n_changed, written.years) == (240, 0, (2023, 2024))
    assert store.read(series).equals(bars)
    assert store.series() == [series]
    first, second = store.manifests(series)
    assert (first.year, first.n_rows, second.n_rows, second.n_missing) == (2023, 120, 120, 0)
    assert first.columns == ("ts", "open", "high", "low", "close", "volume")
    assert (first.origins[0].n_rows, first.origins[0].last) == (120, first.last)
    assert sorted(name for name in content(store, series) if "2024" in name) == [
        "year=2024/manifest.json",
        f"year=2024/{second.file}",
    ]


def test_a_part_and_some_columns_are_read_alone(store, series, bars):
    store.write(series, bars, PAGES)
    part = store.read(series, start=datetime(2023, 12, 31, tzinfo=UTC), end=NEW_YEAR, columns=["ts", "close"])
    wanted = bars.filter(pl.col("ts").is_between(datetime(2023, 12, 31, tzinfo=UTC), NEW_YEAR, closed="left"))
    assert part.equals(wanted.select("ts", "close"))


def test_writing_the_same_again_changes_no_byte(store, series, bars):
    store.write(series, bars, PAGES)
    before = content(store, series)
    again = store.write(series, bars[100:200], replace(PAGES, item="other"))
    assert (again.n_new, again.years) == (0, ())
    assert content(store, series) == before


def test_any_order_of_writing_gives_the_same_rows(store, series, bars, tmp_path):
    for part in (bars[150:], bars[:60], bars[40:170].reverse()):
        store.write(series, part, PAGES)
    assert store.read(series).equals(bars)
    other = SeriesStore(tmp_path / "other")
    other.write(series, bars, PAGES)
    assert [m.sha256 for m in other.manifests(series)] == [m.sha256 for m in store.manifests(series)]


def test_a_row_that_changed_is_replaced_and_told(store, series, bars):
    store.write(series, bars, PAGES)
    later = bars[10:12].with_columns(close=pl.col("close") + 0.5)
    assert store.write(series, later, PAGES).n_changed == 2
    assert store.read(series)["close"][10] == bars["close"][10] + 0.5
    (flaw,) = store.manifests(series)[0].defects
    assert (flaw.kind, flaw.n_rows) == ("changed after close", 2)
    assert "2023-12-27 10:00 (close 105.0 to 105.5)" in flaw.sentence
    store.write(series, later, PAGES)
    assert len(store.manifests(series)[0].defects) == 1


def test_a_column_that_only_some_answers_hold_survives_the_others(store, series, bars):
    rich = bars.with_columns(n_trades=pl.lit(3.0))
    store.write(series, rich[:150], PAGES)
    store.write(series, bars[100:], PAGES)
    kept = store.read(series)
    assert kept["n_trades"].null_count() == 90
    assert kept["n_trades"][:150].null_count() == 0
    assert kept.drop("n_trades").equals(bars)


def test_an_empty_cell_neither_replaces_a_value_nor_counts_as_a_change(store, series, bars):
    store.write(series, bars.with_columns(n_trades=pl.lit(3.0)), PAGES)
    lacking = bars.with_columns(n_trades=pl.when(pl.int_range(pl.len()) < 5).then(3.0))
    assert store.write(series, lacking, PAGES).n_changed == 0
    assert store.read(series)["n_trades"].null_count() == 0
    assert all(manifest.defects == () for manifest in store.manifests(series))


def test_a_hole_is_counted(store, series, bars):
    store.write(series, bars.filter(pl.col("ts").dt.hour() != 5), PAGES)
    assert [m.n_missing for m in store.manifests(series)] == [5, 5]


def test_refused_rows_are_told_in_their_year(store, series, bars):
    store.write(series, bars, PAGES)
    flaw = Flaw("impossible bar", 1, (1703808000000,), "1 row left out")
    store.write(series, bars[:0], PAGES, [flaw])
    assert [m.defects for m in store.manifests(series)] == [(flaw,), ()]


def test_a_file_that_was_tampered_with_is_refused(store, series, bars):
    store.write(series, bars, PAGES)
    path = store.place.root / series.folder / "year=2023" / store.manifests(series)[0].file
    data = bytearray(path.read_bytes())
    data[200] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(DataError, match=r"year=2023/rows-\w+.parquet is not the file that was written"):
        store.read(series)


@pytest.mark.parametrize("text", ['{"year": 2023}', "3", "[" * 100_000, '{"year": 2023, "year": 2024}'])
def test_a_manifest_that_is_none_is_refused(text, store, series, bars):
    store.write(series, bars, PAGES)
    path = store.place.root / series.folder / "year=2023" / "manifest.json"
    path.write_text(text)
    with pytest.raises(DataError, match="is not a manifest of the store"):
        store.read(series)


def test_reading_what_is_not_there_gives_no_rows(store, series):
    assert store.read(series).is_empty()
    assert store.read(series).columns == ["ts", "open", "high", "low", "close", "volume"]
    assert store.series() == []


def test_writers_at_once_lose_nothing(store, series, bars):
    parts = [bars[i::8] for i in range(8)]
    threads = [
        threading.Thread(target=SeriesStore(store.place.root).write, args=(series, part, PAGES)) for part in parts
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.read(series).equals(bars)


def test_a_reader_whose_file_was_just_replaced_reads_the_new_one(store, series, bars):
    store.write(series, bars[:50], PAGES)
    (stale,) = store.manifests(series)
    store.write(series, bars[50:100], PAGES)
    assert pl.read_parquet(store._file(series, stale)).equals(bars[:100])


def test_duckdb_and_polars_read_the_folders_as_they_are(store, series, bars):
    store.write(series, bars, PAGES)
    store.write(SeriesId.parse("kraken:ETH/USD:1h"), some_bars(NEW_YEAR, 5), PAGES)
    frame = pl.read_parquet(store.place.root / "**/*.parquet", hive_partitioning=True)
    assert frame["symbol"].unique().sort().to_list() == ["BTC/USDT", "ETH/USD"]
    assert frame.filter(pl.col("exchange") == "binance").height == 240
