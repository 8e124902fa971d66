"""When the bars of a file are known: closes are no opens, one interval a file, and nothing that has not closed."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from tests.data.made import START, file_of, times

from tradsys.core.errors import DataError
from tradsys.core.time import parse_interval, to_ms
from tradsys.data.imports import import_path
from tradsys.data.load import load, load_bars
from tradsys.data.settings import DataSettings
from tradsys.data.span import TimeSpan
from tradsys.data.store import SeriesId, SeriesStore

MS = timedelta(milliseconds=1)
BEFORE = {"999 ms": MS, "59 s": timedelta(seconds=1), "23:59": timedelta(minutes=1)}


def told(path):
    return {repair.kind: repair for repair in load(path).repairs}


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("before", BEFORE.values(), ids=BEFORE)
@pytest.mark.parametrize("interval", ["5m", "15m", "1h", "4h", "1d"])
def test_closing_stamps_are_read_as_the_opens_and_told(tmp_path, interval, before, kind):
    opens = times((60, interval))
    stamps = [ts + parse_interval(interval) - before for ts in opens]
    columns = {"time": [f"{ts:%Y-%m-%d %H:%M:%S.%f}" for ts in stamps] if kind == "csv" else stamps}
    path = file_of(tmp_path / f"x.{kind}", columns)
    assert load_bars(path, log=lambda line: None)["ts"].to_list() == opens
    repair = told(path)["closing stamps"]
    assert (repair.n_rows, repair.changed) == (60, True)
    assert f"are closes; read as the opens, {interval} earlier" in repair.sentence


@pytest.mark.parametrize("per_ms", [1, 1_000, 1_000_000])
def test_closing_stamps_of_epochs_are_read_too(tmp_path, per_ms):
    opens = times((60, "1d"))
    ends = [(to_ms(ts) + 86_400_000) * per_ms - 1 for ts in opens]
    path = file_of(tmp_path / "x.parquet", {"timestamp": ends})
    assert load_bars(path, log=lambda line: None)["ts"].to_list() == opens


@pytest.mark.parametrize(("interval", "shift_m"), [("2m", 1), ("3m", 2), ("1d", 18 * 60 + 29)])
def test_stamps_that_may_be_either_are_refused(tmp_path, interval, shift_m):
    path = file_of(tmp_path / "x.parquet", {"ts": times((60, interval), start=START + timedelta(minutes=shift_m))})
    with pytest.raises(DataError, match=r"may be closes of bars, or their opens .* a column open_time"):
        load(path)


def test_the_closing_stamp_of_a_single_bar_is_refused(tmp_path):
    path = file_of(tmp_path / "x.parquet", {"ts": [START - MS]})
    with pytest.raises(DataError, match="may be closes"):
        load(path)


def test_a_file_of_opens_and_closes_has_no_common_grid(tmp_path):
    opens = times((60, "1d"))
    path = file_of(tmp_path / "x.parquet", {"ts": [*opens[:25], *(ts + timedelta(days=1) - MS for ts in opens[25:])]})
    with pytest.raises(DataError, match="off any common grid"):
        load(path)


CHANGES = {
    "days, then hours": ([(40, "1d"), (100, "1h")], "rows 1d apart where most are 1h apart, .*(40 rows): row 0 "),
    "hours, then days": ([(100, "1h"), (40, "1d")], "rows 1d apart where most are 1h apart, .*(40 rows): row 100 "),
    "many days, some hours": ([(4_000, "1d"), (30, "1h")], "rows 1h apart where most are 1d apart, .*: row 4000 "),
    "quarters inside": ([(90, "1h"), (40, "15m"), (90, "1h")], "rows 15m apart where most are 1h apart, .*: row 90 "),
}


@pytest.mark.parametrize(("parts", "words"), CHANGES.values(), ids=CHANGES)
def test_an_interval_that_changes_is_refused_with_its_rows(tmp_path, parts, words):
    path = file_of(tmp_path / "x.parquet", {"ts": times(*parts, start=datetime(2010, 3, 1, tzinfo=UTC))})
    words = words.replace("(", r"\(").replace(")", r"\)")
    store = SeriesStore(tmp_path / "store")
    with pytest.raises(DataError, match=words):
        load(path)
    with pytest.raises(DataError, match=words):
        import_path(store, path, series=SeriesId.parse("x:A/B:1h"))
    assert store.series() == []


def test_a_pooled_file_has_one_interval(tmp_path):
    hours, days = times((100, "1h")), times((40, "1d"))
    symbols = ["HOURS"] * 100 + ["DAYS"] * 40
    path = file_of(tmp_path / "x.parquet", {"ts": [*hours, *days], "symbol": symbols})
    with pytest.raises(DataError, match=r"the interval changes, .*\(40 rows\): row 100 "):
        load(path)


def test_gaps_stay_gaps(tmp_path):
    kept = [ts for i, ts in enumerate(times((400, "1h"))) if i % 24 < 20 and i not in range(100, 130)]
    path = file_of(tmp_path / "x.parquet", {"ts": kept})
    assert load_bars(path, log=lambda line: None)["ts"].to_list() == kept


@pytest.fixture
def noon(monkeypatch):
    """A clock that stands at 12:20 on 2024-03-05."""
    monkeypatch.setattr("tradsys.core.time.now_ms", lambda: to_ms(datetime(2024, 3, 5, 12, 20, tzinfo=UTC)))


@pytest.mark.usefixtures("noon")
@pytest.mark.parametrize("stamped", ["opens", "closes"])
def test_the_bar_that_is_still_open_is_dropped_and_told(tmp_path, stamped):
    opens = times((4 * 24 + 13, "1h"))
    column = opens if stamped == "opens" else [ts + timedelta(hours=1) - MS for ts in opens]
    path = file_of(tmp_path / "x.parquet", {"ts": column})
    assert load_bars(path, log=lambda line: None)["ts"].to_list() == opens[:-1]
    assert (
        "still open at 2024-03-05 12:20, dropped (1 row): row 108 (2024-03-05 12:00)" in told(path)["open bar"].sentence
    )
    store, series = SeriesStore(tmp_path / "store"), SeriesId.parse("x:A/B:1h")
    (imported,) = import_path(store, path, series=series)
    assert imported.n_new == len(opens) - 1
    assert "open bar" in [repair.kind for repair in imported.repairs]


@pytest.mark.usefixtures("noon")
def test_each_symbol_may_have_one_open_bar(tmp_path):
    opens = times((4 * 24 + 13, "1h"))
    columns = {"ts": [*opens, *opens], "symbol": ["A"] * len(opens) + ["B"] * len(opens)}
    path = file_of(tmp_path / "x.parquet", columns)
    assert len(load_bars(path, log=lambda line: None)) == 2 * len(opens) - 2
    assert told(path)["open bar"].n_rows == 2


@pytest.mark.usefixtures("noon")
def test_bars_of_the_future_and_of_long_ago_are_refused_unless_told(tmp_path):
    opens = times((4 * 24 + 20, "1h"))
    path = file_of(tmp_path / "x.parquet", {"ts": opens})
    with pytest.raises(
        DataError, match=r"7 times lie before 1980-01-01 00:00 or after 2024-03-05 12:20, .*13:00.*span"
    ):
        load(path)
    later = datetime(2024, 3, 5, 19, 30, tzinfo=UTC)
    assert load_bars(path, span=(None, later), log=lambda line: None)["ts"].to_list() == opens[:-1]
    old = [ts - timedelta(days=365 * 50) for ts in opens]
    path = file_of(tmp_path / "y.parquet", {"ts": old})
    with pytest.raises(DataError, match=r"116 times lie before 1980-01-01 00:00 or after"):
        load(path)
    assert load_bars(path, span=(datetime(1970, 1, 1, tzinfo=UTC), None))["ts"].to_list() == old
    with pytest.raises(DataError, match="116 times lie before 2024-03-06"):
        load_bars(path, span=(datetime(2024, 3, 6, tzinfo=UTC), later + timedelta(days=2)))


@pytest.mark.usefixtures("noon")
def test_a_stored_bar_that_is_still_open_is_dropped_and_told(tmp_path):
    store, series = SeriesStore(tmp_path), SeriesId.parse("x:A/B:1h")
    path = file_of(tmp_path / "x.parquet", {"ts": times((4 * 24 + 20, "1h"))})
    import_path(store, path, series=series, span=TimeSpan(end=to_ms(datetime(2024, 3, 5, 13, tzinfo=UTC)) * 2))
    settings = DataSettings(root=str(tmp_path))
    with pytest.raises(DataError, match="7 times lie before"):
        load(str(series), settings=settings)
    allowed = settings.model_copy(update={"latest": datetime(2024, 3, 5, 19, 30, tzinfo=UTC)})
    loaded = load(str(series), settings=allowed)
    assert loaded.bars["ts"][-1] == datetime(2024, 3, 5, 18, tzinfo=UTC)
    assert "the last bar is still open at 2024-03-05 19:30 and dropped: row 115" in loaded.repairs[0].sentence


@pytest.mark.parametrize("opens", ["timeOpen", "time_period_start", "open_time", "start"])
@pytest.mark.parametrize("other", ["timestamp", "date", "time"])
def test_a_column_of_opens_wins_and_is_told(tmp_path, opens, other):
    at = times((60, "1d"))
    closes = [ts + timedelta(days=1) for ts in at]
    path = file_of(tmp_path / "x.parquet", {other: closes, "timeClose": closes, opens: at})
    assert load_bars(path, log=lambda line: None)["ts"].to_list() == at
    assert told(path)["two times"].sentence == f"the opens are those of {opens}; {other} was left out"


def test_a_time_that_equals_the_close_is_no_open(tmp_path):
    closes = pl.Series(times((60, "1d")))
    path = file_of(tmp_path / "x.csv", {"timestamp": closes, "close_time": closes})
    with pytest.raises(DataError, match="timestamp equals close_time, so it is when the bars close"):
        load(path)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("empty", [None, "  ", "None", "nan", "<NA>"], ids=repr)
def test_a_row_without_a_symbol_is_refused(tmp_path, kind, empty):
    names = ["AAA"] * 20 + [empty] + ["AAA"] * 9
    path = file_of(tmp_path / f"x.{kind}", {"ts": times((30, "1h")), "symbol": names})
    with pytest.raises(DataError, match=r"no symbol \(1 row\): (line 22|row 20)"):
        load(path)


def test_an_empty_column_of_symbols_names_none(tmp_path):
    path = file_of(tmp_path / "AAA-1h.csv", {"ts": times((30, "1h")), "symbol": [None] * 30})
    assert load(path).symbol == "AAA"
    assert "column symbol is empty in all 30 rows" in told(path)["incomplete column"].sentence


def test_blanks_around_a_symbol_are_no_part_of_it(tmp_path):
    path = file_of(tmp_path / "x.csv", {"ts": times((30, "1h")), "symbol": ["AAA ", " AAA"] * 15})
    assert load(path).symbol == "AAA"


def test_symbols_that_differ_by_case_alone_are_refused(tmp_path):
    path = file_of(tmp_path / "x.csv", {"ts": times((30, "1h")), "symbol": ["BTC"] * 29 + ["btc"]})
    with pytest.raises(DataError, match=r"symbols BTC and btc differ by case alone \(1 row\): line 31"):
        load(path)
