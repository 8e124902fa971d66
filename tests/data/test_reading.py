"""What is said of files: their zone, their symbol and their columns; and what their hours say themselves."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from tests.data.made import file_of, times

from tradsys.core.errors import ConfigError, DataError
from tradsys.data import load_bars, load_market
from tradsys.data.imports import import_path
from tradsys.data.load import load
from tradsys.data.reading import Reading
from tradsys.data.store import SeriesId, SeriesStore

QUIET = {"log": lambda line: None}


def local(zone, n, start, interval="1h"):
    """Opens of so many bars as the clocks of the zone show them, and the true ones."""
    true = times((n, interval), start=start)
    return [f"{ts.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M:%S}" for ts in true], true


@pytest.mark.parametrize("interval", ["15m", "1h"])
@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin", "Australia/Sydney", "Asia/Tokyo", "UTC"])
def test_local_times_are_read_in_the_zone_that_is_said(tmp_path, zone, order, interval):
    shown, true = local(zone, 800, datetime(2024, 10, 25, tzinfo=UTC), interval)
    path = file_of(tmp_path / "x.csv", {"time": shown[::order]})
    assert load_bars(path, tz=zone, **QUIET)["ts"].to_list() == true
    told = {repair.kind: repair for repair in load(f"{path}?tz={zone}").repairs}["local times"]
    assert told.sentence == f"times that name no zone were read as those of {zone}"


def test_symbols_are_kept_apart_where_clocks_repeat_an_hour(tmp_path):
    shown, true = local("America/New_York", 200, datetime(2024, 10, 30, tzinfo=UTC))
    path = file_of(tmp_path / "x.csv", {"time": shown * 2, "symbol": ["AAA"] * 200 + ["BBB"] * 200})
    bars = load_bars(path, tz="America/New_York", **QUIET)
    assert bars.filter(pl.col("symbol") == "BBB")["ts"].to_list() == true


def test_times_that_clocks_skip_are_refused(tmp_path):
    path = file_of(tmp_path / "x.csv", {"time": [f"{ts:%Y-%m-%d %H:%M}" for ts in times((48, "1h"))]})
    load(f"{path}?tz=America/New_York")
    late = file_of(tmp_path / "y.csv", {"time": [f"2024-03-10 {hour:02d}:00" for hour in range(24)]})
    with pytest.raises(
        DataError, match=r"1 times are skipped by the clocks of America/New_York, such as 2024-03-10 02:00"
    ):
        load(f"{late}?tz=America/New_York")


def test_a_zone_changes_nothing_where_times_are_absolute(tmp_path):
    opens = times((48, "1h"))
    path = file_of(tmp_path / "x.parquet", {"time": opens})
    assert load_bars(path, tz="Asia/Tokyo", **QUIET)["ts"].to_list() == opens
    told = {repair.kind: repair.sentence for repair in load(f"{path}?tz=Asia/Tokyo").repairs}
    assert told["local times"] == "every time names its own offset or is an epoch: tz Asia/Tokyo changed nothing"


SIGNS = {
    "a year of New York": ("America/New_York", datetime(2024, 1, 1, tzinfo=UTC), 366, "2024-03-10 02:00"),
    "a year of Berlin": ("Europe/Berlin", datetime(2024, 1, 1, tzinfo=UTC), 366, "2024-03-31 02:00"),
    "a year of Chicago": ("America/Chicago", datetime(2024, 1, 1, tzinfo=UTC), 366, "2024-11-03 01:00 is there twice"),
    "an autumn of London": ("Europe/London", datetime(2024, 10, 1, tzinfo=UTC), 60, "2024-10-27 01:00 is there twice"),
    "two springs of Sydney": ("Australia/Sydney", datetime(2023, 9, 1, tzinfo=UTC), 430, "2023-10-01 02:00"),
}


@pytest.mark.parametrize(("zone", "start", "days", "words"), SIGNS.values(), ids=SIGNS)
def test_local_times_taken_as_utc_are_known_by_their_clocks(tmp_path, zone, start, days, words):
    shown, true = local(zone, 24 * days, start)
    path = file_of(tmp_path / "x.csv", {"time": shown})
    with pytest.raises(DataError, match=words) as refused:
        load(path)
    named = str(refused.value).split("--tz ")[1].split()[0]
    assert "clocks change as in" in str(refused.value)
    if zone != "America/Chicago":  # New York's clocks show the same
        assert named == zone
        assert load_bars(path, tz=named, **QUIET)["ts"].to_list() == true


@pytest.mark.parametrize("share", [0.7, 1.0])
def test_a_thin_market_in_minutes_shows_its_clocks_too(tmp_path, share):
    shown, _ = local("Europe/Berlin", 60 * 24 * 20, datetime(2024, 10, 15, tzinfo=UTC), "1m")
    kept = [text for i, text in enumerate(shown) if (i * 0.618) % 1 < share]
    with pytest.raises(DataError, match=r"2024-10-27 02:00 is there twice, as where clocks change as in Europe/Berlin"):
        load(file_of(tmp_path / "x.csv", {"time": kept}))


def test_a_single_skipped_hour_is_told(tmp_path):
    shown, _ = local("America/New_York", 24 * 40, datetime(2024, 2, 20, tzinfo=UTC))
    told = {r.kind: r for r in load(file_of(tmp_path / "x.csv", {"time": shown})).repairs}["clocks"]
    assert "2024-03-10 02:00 and what follows for an hour is missing" in told.sentence
    assert not told.changed


def test_hours_that_are_missing_for_another_reason_are_no_clocks(tmp_path):
    """An hour of maintenance on every Sunday, and a year without any hole."""
    opens = times((24 * 500, "1h"), start=datetime(2023, 1, 1, tzinfo=UTC))
    sundays = [ts for ts in opens if not (ts.weekday() == 6 and ts.hour == 2)]
    for kept in (opens, sundays):
        path = file_of(tmp_path / "x.csv", {"time": [f"{ts:%Y-%m-%d %H:%M}" for ts in kept]})
        assert "clocks" not in {repair.kind for repair in load(path).repairs}


def pooled(path):
    return file_of(path, {"time": times((40, "1h")) * 2, "symbol": ["AAA"] * 40 + ["BBB"] * 40})


def test_a_symbol_is_chosen_or_named(tmp_path):
    path = pooled(tmp_path / "x.parquet")
    assert load(f"{path}?symbol=BBB").symbol == "BBB"
    assert load_market([f"{path}?symbol=BBB&symbol=AAA"]).symbols == ("AAA", "BBB")
    one = file_of(tmp_path / "y.parquet", {"time": times((40, "1h"))})
    assert load(f"{one}?symbol=BTCUSDT").symbol == "BTCUSDT"
    with pytest.raises(DataError, match="holds bars of AAA, BBB and none of CCC"):
        load(f"{path}?symbol=CCC")
    with pytest.raises(ConfigError, match="names no symbols, wanted A, B; give one"):
        load(f"{one}?symbol=A&symbol=B")


def test_columns_are_what_they_are_said_to_be(tmp_path):
    path = tmp_path / "x.csv"
    file_of(path, {"time": times((40, "1h"))})
    other = pl.read_csv(path).rename({"close": "Last", "time": "When, local"}).with_columns(close=pl.lit(7.0))
    other.write_csv(path)
    assert load_bars(path, columns={"close": "Last", "time": "When, local"}, **QUIET)["close"].max() > 100
    spec = Reading.of(None, None, ["close=last", "time=When, local"]).behind(str(path))
    assert load(spec).bars.equals(load_bars(path, columns={"close": "Last", "time": "When, local"}, **QUIET))
    with pytest.raises(DataError, match=r"has no column 'Latest'; it holds 'When, local', 'open'"):
        load_bars(path, columns={"close": "Latest"})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tz": "New York"}, "tz must be a time zone such as America/New_York"),
        ({"tz": "../etc/passwd"}, "tz must be a time zone"),
        ({"columns": {"closing": "Last"}}, "columns are time, open, .* found closing"),
        ({"columns": {"close": ""}}, "each column is said once"),
        ({"tz": 5}, "tz must be a time zone"),
        ({"symbol": 5}, "symbol takes a name or a list of names, found 5"),
        ({"tz": ""}, "must not be empty"),
        ({"symbol": ["BBB", " "]}, "must not be empty"),
        ({"symbol": [5]}, "symbol takes a name or a list of names"),
        ({"span": ("2024-01-01", None)}, "span takes two times"),
        ({"span": None}, "span takes two times"),
        (
            {"span": (datetime(2025, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC))},
            "data.earliest must lie before",
        ),
    ],
)
def test_what_cannot_be_said_is_refused(tmp_path, options, words):
    with pytest.raises(ConfigError, match=words):
        load_bars(pooled(tmp_path / "x.parquet"), **options)


CELLS = {
    "lists": ("volume", [1.0], "column volume holds List"),
    "truths": ("close", True, "column close holds Boolean"),
    "bytes": ("close", b"100", "column close holds Binary"),
    "days": ("open", datetime(2024, 3, 1, tzinfo=UTC), "column open holds Datetime"),
    "lists of names": ("symbol", ["A"], "column symbol holds List.*, wanted names"),
}


@pytest.mark.parametrize(("column", "cell", "words"), CELLS.values(), ids=CELLS)
def test_columns_of_what_is_neither_number_nor_text_are_refused(tmp_path, column, cell, words):
    path = file_of(tmp_path / "x.parquet", {"time": times((40, "1h"))})
    frame = pl.read_parquet(path).with_columns(pl.Series(column, [cell] * 40))
    frame.write_parquet(path)
    for held in (path, frame):
        with pytest.raises(DataError, match=words):
            load_bars(held, **QUIET)


def test_numbers_in_categories_are_read(tmp_path):
    path = file_of(tmp_path / "x.parquet", {"time": times((40, "1h"))})
    frame = pl.read_parquet(path)
    categories = frame.with_columns(pl.col("close").cast(pl.String).cast(pl.Categorical))
    assert load_bars(categories, **QUIET).equals(load_bars(frame, **QUIET))


@pytest.mark.parametrize("spec", ["sample", "simulated:noise", "binance:BTC/USDT:1h"])
def test_what_is_no_file_takes_none_of_it(spec):
    with pytest.raises(ConfigError, match="is no file: tz, symbol and columns are for files alone"):
        load_bars(spec, tz="UTC")


@pytest.mark.parametrize(
    "reading",
    [
        Reading(tz="America/New_York"),
        Reading(symbols=("BTC/USDT", "A&B")),
        Reading(columns=(("close", "Last: price"), ("time", "a=b, c"))),
        Reading("UTC", ("A",), (("open", "O"),)),
    ],
)
def test_what_is_said_is_written_behind_the_file_and_read_again(reading):
    assert Reading.split(reading.behind("some/bars?.csv")) == ("some/bars?.csv", reading)
    assert Reading.split("some/bars?.csv") == ("some/bars?.csv", Reading())


def test_a_folder_joins_the_parts_of_a_symbol_and_pools_symbols(tmp_path):
    opens = times((90, "1h"))
    for name, part in (("AAA-1h-1", slice(0, 50)), ("AAA-1h-2", slice(45, 90)), ("BBB-1h", slice(0, 90))):
        frame = file_of(tmp_path / "all.csv", {"ts": opens})
        pl.read_csv(frame)[part].write_csv(tmp_path / f"{name}.csv")
    (tmp_path / "all.csv").unlink()
    (tmp_path / "notes.md").write_text("# not bars")
    market = load_market([tmp_path])
    assert market.symbols == ("AAA", "BBB")
    assert market.sources == (str(tmp_path),)
    assert all(frame["ts"].to_list() == opens for frame in market.frames().values())
    assert "bars of AAA joined from 2 files, 5 that are in two of them once" in [r.sentence for r in market.repairs]
    one = load(f"{tmp_path}/AAA-*.csv")
    assert (one.symbol, one.bars["ts"].to_list()) == ("AAA", opens)
    assert load_market([f"{tmp_path}/*?symbol=AAA"]).symbols == ("AAA",)
    assert load_market([f"{tmp_path}/AAA-*?symbol=BTCUSDT"]).symbols == ("BTCUSDT",)
    with pytest.raises(
        DataError, match=r"AAA-1h-1.csv, AAA-1h-2.csv, BBB-1h.csv holds bars of AAA, BBB and none of CCC"
    ):
        load(f"{tmp_path}?symbol=CCC")


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("", "the name of bars is empty"),
        ("?tz=UTC", "the name of bars is empty"),
        ("a" * 300 + "?tz=UTC", "found a text of 300 characters"),
        ("a" * 300 + "?x=1", "found a text of 304 characters"),
        ("~nobody-of-this-name/x.csv", "there is no home folder ~nobody-of-this-name"),
        ("~nobody-of-this-name/x.csv?tz=UTC", "there is no home folder"),
        ("x.csv?tz=UTC&tz=Asia/Tokyo", "names 2 time zones, wanted one"),
    ],
)
def test_names_that_no_file_has_are_refused(spec, words):
    with pytest.raises(ConfigError, match=words):
        load_bars(spec)


def test_a_hole_between_two_files_is_told(tmp_path):
    for name, day in (("AAA-1", 1), ("AAA-2", 4)):
        file_of(tmp_path / f"{name}.csv", {"ts": times((48, "1h"), start=datetime(2024, 3, day, tzinfo=UTC))})
    (gaps,) = (repair.sentence for repair in load(tmp_path).repairs if repair.kind == "gaps")
    assert "24 bars missing from 2024-03-03 00:00 to 2024-03-03 23:00" in gaps


def test_an_option_that_a_file_does_not_take_is_named(tmp_path):
    path = file_of(tmp_path / "x.csv", {"ts": times((40, "1h"))})
    with pytest.raises(ConfigError, match="a file takes tz, symbol, columns, found zone"):
        load(f"{path}?zone=UTC")


def test_files_that_disagree_are_not_joined(tmp_path):
    for name, start in (("AAA-1", 0), ("AAA-2", 20)):
        file_of(
            tmp_path / f"{name}.csv",
            {"ts": times((40, "1h"), start=datetime(2024, 3, 1, tzinfo=UTC) + timedelta(hours=start))},
        )
    with pytest.raises(DataError, match=r"bars of AAA disagree in AAA-1.csv and AAA-2.csv, first at 2024-03-01 20:00"):
        load(tmp_path)
    file_of(tmp_path / "AAA-2.csv", {"ts": times((40, "1d"))})
    with pytest.raises(ConfigError, match=r"must have one interval, found AAA-1.csv 1h, AAA-2.csv 1d"):
        load(tmp_path)


def test_symbols_of_which_a_folder_lacks_one_are_refused(tmp_path):
    for name in ("AAA", "BBB"):
        file_of(tmp_path / f"{name}.csv", {"ts": times((40, "1h"))})
    with pytest.raises(DataError, match="holds bars of AAA, BBB and none of CCC"):
        load(f"{tmp_path}?symbol=AAA&symbol=CCC")
    assert load_market([f"{tmp_path}?symbol=AAA&symbol=BBB"]).symbols == ("AAA", "BBB")


@pytest.mark.parametrize("last", ["AAA-2", "BBB"])
def test_an_open_bar_that_stands_alone_in_its_file_is_dropped(tmp_path, last):
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    opens = times((40, "1d"), start=today - timedelta(days=40))
    file_of(tmp_path / "AAA-1.csv", {"ts": opens})
    file_of(tmp_path / f"{last}.csv", {"ts": [today]})
    held = load(tmp_path)
    assert held.bars["ts"].to_list() == opens
    assert "still open" in {repair.kind: repair.sentence for repair in held.repairs}["open bar"]


def test_a_file_that_holds_another_symbol_than_its_name_is_not_passed_over(tmp_path):
    opens = times((80, "1h"))
    file_of(tmp_path / "AAA-1.csv", {"ts": opens[:40], "symbol": ["AAA/USD"] * 40})
    file_of(tmp_path / "AAA-2.csv", {"ts": opens[40:]})
    pooled(tmp_path / "XXX.csv")
    with pytest.raises(DataError, match=r"AAA-1.csv is named after AAA and says itself that it holds AAA/USD"):
        load(f"{tmp_path}?symbol=AAA")
    with pytest.raises(DataError, match="holds bars of AAA, BBB and none of XXX"):
        load(f"{tmp_path}?symbol=XXX")


def test_symbols_of_files_that_differ_by_case_alone_are_refused(tmp_path):
    for name in ("aaa-1", "AAA-2"):
        file_of(tmp_path / f"{name}.csv", {"ts": times((40, "1h"))})
    with pytest.raises(ConfigError, match="symbols AAA and aaa differ by case alone"):
        load(tmp_path)
    with pytest.raises(ConfigError, match="symbols aaa and AAA differ by case alone"):
        load_market([tmp_path / "aaa-1.csv", tmp_path / "AAA-2.csv"])


def test_files_that_show_only_together_that_their_times_are_local_are_refused(tmp_path):
    shown, true = local("America/New_York", 24 * 60, datetime(2023, 2, 1, tzinfo=UTC))
    later, also = local("America/New_York", 24 * 60, datetime(2024, 2, 1, tzinfo=UTC))
    for name, opens in (("AAA-2023", shown), ("AAA-2024", later)):
        path = file_of(tmp_path / f"{name}.csv", {"time": opens})
        assert "clocks" in {repair.kind for repair in load(path).repairs}
    with pytest.raises(DataError, match=r"bars of AAA from several files: 2023-03-12 02:00 .* America/New_York"):
        load(tmp_path)
    assert load_bars(tmp_path, tz="America/New_York", **QUIET)["ts"].to_list() == [*true, *also]


def test_files_whose_bars_open_at_other_times_are_not_pooled(tmp_path):
    for name, minute in (("AAA", 0), ("BBB", 30)):
        file_of(tmp_path / f"{name}.csv", {"ts": times((40, "1h"), start=datetime(2024, 3, 1, 2, minute, tzinfo=UTC))})
    with pytest.raises(ConfigError, match=r"AAA.csv from 2024-03-01 02:00 on and BBB.csv from 2024-03-01 02:30 on"):
        load_bars(tmp_path, **QUIET)


def test_a_name_without_files_is_refused(tmp_path):
    (tmp_path / "notes.md").write_text("x")
    with pytest.raises(ConfigError, match="is a folder without a file of bars"):
        load(tmp_path)
    with pytest.raises(ConfigError, match=r"no file matches .*\*\.csv"):
        load(f"{tmp_path}/*.csv")


def test_an_import_reads_as_it_is_told(tmp_path):
    shown, true = local("Asia/Tokyo", 60, datetime(2024, 3, 1, tzinfo=UTC))
    path = file_of(tmp_path / "x.csv", {"When": shown})
    store, series = SeriesStore(tmp_path / "store"), SeriesId.parse("tse:X/JPY:1h")
    import_path(store, path, series=series, reading=Reading.of("Asia/Tokyo", None, {"time": "When"}))
    assert store.read(series)["ts"].to_list() == true
