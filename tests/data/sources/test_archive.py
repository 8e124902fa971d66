"""Binance's archive and REST, with every fault that was seen in them."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from tests.data.sources.loopback import Fault

from tradsys.core.errors import ConfigError, SourceError
from tradsys.data.store import SeriesId

COLUMNS = ["ts", "open", "high", "low", "close", "volume"]


def day(month, day, hour=0):
    return datetime(2024 if month > 6 else 2025, month, day, hour, tzinfo=UTC)


def hours(first, n):
    return [first + timedelta(hours=i) for i in range(n)]


def files(venue):
    return [path.rpartition("/")[2] for path in venue.asked if path.endswith(".zip")]


def test_everything_from_the_listing_to_the_last_closed_bar(venue, store, series, fetch, closed):
    report = fetch()
    kept = store.read(series)
    assert kept.select(COLUMNS).equals(closed)
    assert kept["n_trades"].to_list() == [7.0] * len(closed)
    assert (report.n_new, report.n_changed, report.holes, report.flaws) == (len(closed), 0, (), ())
    assert files(venue) == [
        "BTCUSDT-1h-2024-11.zip", "BTCUSDT-1h-2024-12.zip", "BTCUSDT-1h-2025-01.zip",
        "BTCUSDT-1h-2025-02-01.zip", "BTCUSDT-1h-2025-02-02.zip",
    ]  # fmt: skip
    origins = [origin for manifest in store.manifests(series) for origin in manifest.origins]
    assert [o.source for o in origins][-3:] == ["binance archive, daily"] * 2 + ["binance rest"]
    assert [len(o.sha256) for o in origins] == [64] * 5 + [0]


def test_the_unfinished_bar_is_dropped(store, series, fetch, venue):
    fetch()
    assert store.read(series)["ts"][-1] == datetime(2025, 2, 3, 6, tzinfo=UTC)


def test_microsecond_stamps_and_mixed_headers_are_read_alike(venue, store, series, fetch):
    """November has no header, December one, and January, with microseconds, one too."""
    fetch(start=day(11, 25), end=day(1, 31))
    kept = store.read(series, start=day(11, 30), end=day(1, 2))
    assert kept["ts"].to_list() == hours(day(11, 30), 24 * 33)
    venue.header_from = datetime(2030, 1, 1, tzinfo=UTC)


def test_a_perpetual_comes_from_its_own_archive(venue, store, fetch, closed):
    perpetual = SeriesId.parse("binance:BTC/USDT:USDT:1h")
    fetch(perpetual)
    assert store.read(perpetual).select(COLUMNS).equals(closed)
    assert all("/futures/um/" in path or path.startswith("/fapi/") for path in venue.asked)


def test_a_second_download_asks_for_nothing_it_has(venue, store, series, fetch):
    fetch()
    before = {p: p.read_bytes() for p in store.place.root.rglob("*.*")}
    venue.asked.clear()
    assert fetch().n_new == 0
    assert files(venue) == []
    assert {p: p.read_bytes() for p in store.place.root.rglob("*.*")} == before


def test_it_goes_on_forward_and_backward(venue, store, series, fetch, closed):
    fetch(start=day(12, 10), end=day(12, 20))
    fetch(start=day(12, 1))
    assert store.read(series)["ts"][0] <= day(12, 1)
    venue.now += timedelta(days=3)
    report = fetch()
    assert store.read(series).select(COLUMNS).equals(venue.bars.filter(pl.col("ts") < venue.now.replace(minute=0)))
    assert report.holes == ()


def test_a_start_before_the_listing_asks_only_from_the_listing_on(venue, fetch):
    report = fetch(start=datetime(2017, 1, 1, tzinfo=UTC))
    assert report.start == venue.bars["ts"][0]
    assert files(venue)[0] == "BTCUSDT-1h-2024-11.zip"


def test_a_missing_month_is_filled_from_its_days(venue, store, series, fetch, closed):
    venue.no_file.add("BTCUSDT-1h-2024-12.zip")
    assert fetch().holes == ()
    assert store.read(series).select(COLUMNS).equals(closed)
    assert sum(name.startswith("BTCUSDT-1h-2024-12-") for name in files(venue)) == 31


def test_a_missing_day_is_filled_from_daily_files_then_rest(venue, store, series, fetch, closed):
    venue.not_in_file["BTCUSDT-1h-2024-12"] = [*hours(day(12, 5), 24), *hours(day(12, 9, 3), 4)]
    venue.no_file.add("BTCUSDT-1h-2024-12-05.zip")
    report = fetch()
    assert report.holes == ()
    assert store.read(series).select(COLUMNS).equals(closed)
    origins = {o.source: o for o in store.manifests(series)[0].origins}
    assert origins["binance rest"].n_rows == 24
    assert "BTCUSDT-1h-2024-12-09.zip" in files(venue)


def test_each_hole_that_remains_is_listed(venue, store, series, fetch):
    gone = [*hours(day(12, 5, 2), 3), *hours(day(1, 7), 1)]
    venue.not_in_rest = gone
    venue.not_in_file = {name: gone for name in (
        "BTCUSDT-1h-2024-12", "BTCUSDT-1h-2024-12-05", "BTCUSDT-1h-2025-01", "BTCUSDT-1h-2025-01-07"
    )}  # fmt: skip
    report = fetch()
    assert [(hole.start, hole.end, hole.n_missing) for hole in report.holes] == [
        (day(12, 5, 2), day(12, 5, 4), 3),
        (day(1, 7), day(1, 7), 1),
    ]
    assert report.n_missing == 4
    assert [m.n_missing for m in store.manifests(series)] == [3, 1]
    venue.asked.clear()
    assert fetch().n_missing == 4
    assert files(venue) == []


def test_a_checksum_that_is_wrong_once_is_asked_for_again(venue, store, series, fetch):
    venue.wrong_checksums["BTCUSDT-1h-2024-12.zip"] = 1
    assert fetch().flaws == ()
    assert files(venue).count("BTCUSDT-1h-2024-12.zip") == 2


def test_a_checksum_that_stays_wrong_is_taken_with_a_flag(venue, store, series, fetch, closed):
    venue.wrong_checksums["BTCUSDT-1h-2024-12.zip"] = 99
    report = fetch()
    (flaw,) = report.flaws
    assert "BTCUSDT-1h-2024-12.zip was taken although: checksum differs" in flaw.sentence
    assert store.read(series).select(COLUMNS).equals(closed)
    manifest = store.manifests(series)[0]
    assert manifest.defects == (flaw,)
    assert [o.flags for o in manifest.origins if "2024-12" in o.item] == [("checksum differs",)]


def test_a_damaged_file_is_kept_aside_and_its_days_fetched(venue, store, series, fetch, closed):
    venue.damaged.add("BTCUSDT-1h-2024-12.zip")
    report = fetch()
    assert report.flaws[0].kind == "quarantined file"
    assert store.place.files("quarantine") == ["BTCUSDT-1h-2024-12.zip"]
    assert store.read(series).select(COLUMNS).equals(closed)
    assert sum("2024-12-" in name for name in files(venue)) == 31


def test_a_file_of_something_else_is_kept_out(venue, store, series, fetch, closed):
    venue.tables["BTCUSDT-1h-2024-12"] = "<html>maintenance</html>\n"
    report = fetch()
    assert report.flaws[0].kind == "quarantined file"
    assert store.read(series).select(COLUMNS).equals(closed)


def test_a_file_without_a_checksum_is_flagged(venue, fetch):
    venue.faults.append(Fault("2024-12.zip.CHECKSUM", n=9, status=404))
    (flaw,) = fetch().flaws
    assert flaw.kind == "no checksum"


def test_a_reissued_file_replaces_what_it_had_and_says_so(venue, store, series, fetch):
    fetch()
    when = day(12, 12, 7)
    venue.corrections[when] = 500.0
    assert fetch().n_changed == 0
    report = fetch(refresh=True)
    assert report.n_changed == 1
    assert store.read(series).filter(pl.col("ts") == when)["close"].to_list() == [500.0]
    (flaw,) = store.manifests(series)[0].defects
    assert flaw.kind == "changed after close"
    assert sum("2024-12.zip" in o.item for o in store.manifests(series)[0].origins) == 1
    venue.asked.clear()
    fetch(refresh=True)
    assert files(venue) == []


def test_a_bar_that_changes_after_it_closed_is_seen_at_the_next_download(venue, store, series, fetch):
    fetch()
    last = store.read(series)["ts"][-1]
    venue.corrections[last] = 321.0
    venue.now += timedelta(hours=2)
    report = fetch()
    assert (report.n_new, report.n_changed) == (2, 1)
    assert store.read(series).filter(pl.col("ts") == last)["close"].to_list() == [321.0]
    assert store.manifests(series)[-1].defects[0].sentence.startswith("1 row changed at the source")


def test_reordered_pages_are_put_in_order(venue, store, series, fetch, closed):
    venue.is_reordered = True
    fetch()
    assert store.read(series).select(COLUMNS).equals(closed)


def test_an_endless_last_page_ends(venue, store, series, fetch):
    gone = hours(day(12, 5), 24)
    venue.is_endless, venue.not_in_rest = True, gone
    venue.not_in_file["BTCUSDT-1h-2024-12"] = gone
    venue.no_file.add("BTCUSDT-1h-2024-12-05.zip")
    report = fetch()
    assert report.n_missing == 24
    assert sum(path.endswith("/klines") for path in venue.asked) < 6


@pytest.mark.parametrize("skew", [timedelta(hours=-5), timedelta(hours=30)])
def test_the_venues_clock_says_what_has_closed(venue, store, series, fetch, skew):
    """Ours is years ahead of it in any case."""
    venue.now += skew
    fetch()
    last = store.read(series)["ts"][-1]
    assert last + timedelta(hours=1) <= venue.now < last + timedelta(hours=2)


def test_impossible_bars_are_left_out_and_told(venue, store, series, fetch):
    when = day(12, 12, 7)
    venue.bars = venue.bars.with_columns(volume=pl.when(pl.col("ts") == when).then(-1.0).otherwise("volume"))
    report = fetch()
    assert {flaw.kind for flaw in report.flaws} == {"negative volume"}
    assert [hole.start for hole in report.holes] == [when]
    assert store.manifests(series)[0].defects[0].rows[0] == report.flaws[0].rows[0]


def test_an_unknown_symbol_is_an_error_at_once(venue, fetch):
    with pytest.raises(SourceError, match=r"HTTP 400 .*Invalid symbol.*retrying would not help"):
        fetch(SeriesId.parse("binance:BCT/USDT:1h"))
    assert sum(path.endswith("/klines") for path in venue.asked) == 1


def test_what_was_stored_before_a_failure_stays_and_is_gone_on_from(venue, store, series, fetch, closed):
    venue.faults.append(Fault("BTCUSDT-1h-2025-01.zip", n=3, status=500))
    with pytest.raises(SourceError, match=r"failed 3 times.* run the same command again to go on"):
        fetch()
    assert store.read(series)["ts"][-1] == day(12, 31, 23)
    venue.asked.clear()
    fetch()
    assert store.read(series).select(COLUMNS).equals(closed)
    assert "BTCUSDT-1h-2024-12.zip" not in files(venue)


def test_only_binance_has_an_archive(fetch):
    with pytest.raises(ConfigError, match="kraken:BTC/USD:1h has none"):
        fetch(SeriesId.parse("kraken:BTC/USD:1h"), source="archive")
