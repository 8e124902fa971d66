"""Bars that open beside the grid of whole intervals: never mixed with others, and never part of a longer bar."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from tests.data.made import file_of, times
from tests.data.store.made import PAGES, some_bars

from tradsys.core.bars import validate_bars
from tradsys.core.errors import ConfigError, DataError, NotEnoughBars
from tradsys.core.time import parse_interval
from tradsys.data import load_market
from tradsys.data.audit import audit
from tradsys.data.imports import import_path
from tradsys.data.load import load
from tradsys.data.settings import DataSettings
from tradsys.data.store import SeriesId, SeriesStore
from tradsys.data.store.resample import resample

START = datetime(2024, 1, 1, tzinfo=UTC)
HOUR, DAY, MINUTE = timedelta(hours=1), timedelta(days=1), timedelta(minutes=1)


@pytest.fixture
def store(tmp_path):
    return SeriesStore(tmp_path / "store")


def named(interval):
    return SeriesId.parse(f"x:A/B:{interval}")


def loaded(store, interval):
    return load(str(named(interval)), settings=DataSettings(root=str(store.place.root)))


def put(store, interval, shift_m, days=4):
    """So many days of bars that open so many minutes after midnight."""
    step = parse_interval(interval)
    bars = some_bars(START + shift_m * MINUTE, days * DAY // step, step)
    store.write(named(interval), bars, PAGES)
    return bars


def sessions(interval):
    """Days of six hours that begin at 09:15 in India."""
    step = parse_interval(interval)
    bars = some_bars(START + timedelta(hours=3, minutes=45), 30 * DAY // step, step)
    hour = (pl.col("ts") - timedelta(hours=3, minutes=45)).dt.hour()
    return bars.filter(hour < 6)


@pytest.mark.parametrize("shift_m", [15, 20, 30, 45])
@pytest.mark.parametrize("coarse", ["2h", "4h", "1d", "1w"])
def test_hours_beside_the_grid_make_no_longer_bar(store, coarse, shift_m):
    hours = put(store, "1h", shift_m, days=30)
    for made in (lambda: resample(hours, HOUR, parse_interval(coarse)), lambda: loaded(store, coarse)):
        with pytest.raises(DataError, match=r"1h open beside that grid \(such as 2024-01-01 00:\d\d\): made of them"):
            made()


def test_shorter_bars_on_the_grid_are_taken_in_their_place(store):
    put(store, "1h", 30)
    quarters = put(store, "15m", 0)
    assert loaded(store, "1d").bars.equals(resample(quarters, timedelta(minutes=15), DAY))
    assert loaded(store, "1h").bars["ts"].dt.minute().unique().to_list() == [30]


def test_hours_of_a_session_that_begins_at_a_quarter_are_refused_and_its_quarters_taken(store):
    store.write(named("1h"), sessions("1h"), PAGES)
    with pytest.raises(DataError, match="1h open beside that grid"):
        loaded(store, "4h")
    store.write(named("15m"), sessions("15m"), PAGES)
    ends = loaded(store, "4h").bars["ts"].unique()
    assert set(ends.dt.hour()) == {4}  # 04:00 to 08:00 is whole, what is around it is not
    with pytest.raises(NotEnoughBars, match="none of the 720 stored bars of x:A/B:15m make a whole bar of 1d"):
        loaded(store, "1d")


def test_a_series_has_one_grid(store, tmp_path):
    put(store, "1h", 0)
    with pytest.raises(DataError, match=r"open as 2024-01-01 00:00 does, found 96 rows .* such as 2024-01-01 00:30"):
        put(store, "1h", 30)
    path = file_of(tmp_path / "x.parquet", {"ts": times((50, "1h"), start=datetime(2025, 3, 1, 0, 30, tzinfo=UTC))})
    with pytest.raises(DataError, match="found 50 rows beside that grid"):
        import_path(store, path, series=named("1h"))
    assert len(store.read(named("1h"))) == 96


@pytest.mark.parametrize("shift_m", [0, 30, 16 * 60])
def test_a_series_may_have_a_grid_of_its_own(store, shift_m):
    days = put(store, "1d", shift_m, days=40)
    assert loaded(store, "1d").bars.equals(days)
    put(store, "1d", shift_m + 40 * 1440)
    assert len(loaded(store, "1d").bars) == 44


def test_rows_of_two_grids_that_an_older_version_stored_are_refused(store, monkeypatch):
    monkeypatch.setattr(SeriesStore, "_refuse_other_grid", lambda self, series, rows: None)
    put(store, "1h", 0)
    put(store, "1h", 30, days=2)
    with pytest.raises(DataError, match=r"x:A/B:1h is refused.*\n.*off-grid, .*48 rows"):
        loaded(store, "1h")
    assert audit(store, named("1h")).is_bad


def test_days_that_were_stored_among_hours_are_refused(store):
    hours = some_bars(START + 40 * DAY, 100)
    store.write(named("1h"), pl.concat([some_bars(START, 40, DAY), hours]), PAGES)
    with pytest.raises(DataError, match="the interval changes, 1d apart where most are 1h apart"):
        loaded(store, "1h")


def test_pooled_bars_open_together(tmp_path):
    for name, minute in (("AAA", 0), ("BBB", 30)):
        some_bars(START + minute * MINUTE, 100).write_parquet(tmp_path / f"{name}-1h.parquet")
    with pytest.raises(ConfigError, match=r"must open at the same times, .*00:00 on, .*00:30 on"):
        load_market([tmp_path / "AAA-1h.parquet", tmp_path / "BBB-1h.parquet"])


def test_bars_beside_the_grid_are_no_parts(store):
    days, hours = put(store, "1d", 0), put(store, "1h", 30)
    assert [found.kind for found in audit(store, named("1d")).findings] == ["not compared"]
    with pytest.raises(ConfigError, match="parts must open on the grid of the bars"):
        validate_bars(days, parts=hours)


@pytest.mark.parametrize("ahead_h", [1, 30])
def test_stored_bars_of_the_future_are_bad(store, monkeypatch, ahead_h):
    bars = put(store, "1h", 0)
    now = int((bars["ts"][-1] - timedelta(hours=ahead_h)).timestamp() * 1000)
    monkeypatch.setattr("tradsys.core.time.now_ms", lambda: now)
    (finding,) = audit(store, named("1h")).findings
    assert (finding.kind, finding.n_rows, finding.is_bad) == ("partial bar", ahead_h + 1, True)
