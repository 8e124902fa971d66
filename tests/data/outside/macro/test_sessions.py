"""No bar knows a close before its session has ended and the lag has passed: the look-ahead battery of macro data.

The rule is written out here by hand: New York closes at 16:00 local time, at 13:00 on half-days, never on holidays.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest

from tradsys.core.bars import TS
from tradsys.core.errors import ConfigError, DataError
from tradsys.data.outside.align import attach
from tradsys.data.outside.macro.bars import refuse_early, session_closes, with_availability

NEW_YORK = ZoneInfo("America/New_York")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FIRST, LAST = date(2023, 10, 30), date(2024, 3, 22)
HOLIDAYS = {date(2023, 11, 23), date(2023, 12, 25), date(2024, 1, 1), date(2024, 1, 15), date(2024, 2, 19)}
HALF_DAYS = {date(2023, 11, 24)}
DAYS = [FIRST + k * DAY for k in range((LAST - FIRST).days + 1)]
SESSIONS = [day for day in DAYS if day.weekday() < 5 and day not in HOLIDAYS]


def closes_at(day: date) -> datetime:
    return datetime.combine(day, time(13 if day in HALF_DAYS else 16), NEW_YORK).astimezone(UTC)


def bars() -> pl.DataFrame:
    first = datetime.combine(FIRST, time(0), UTC)
    times = [first + k * HOUR for k in range(24 * len(DAYS))]
    return pl.DataFrame({"ts": pl.Series(times, dtype=TS), "close": np.ones(len(times))})


def closes(days=SESSIONS, values=None, **extra) -> pl.DataFrame:
    """The value of a session is its ordinal, so that a bar's value tells which session it knows."""
    given = [float(day.toordinal()) for day in days] if values is None else values
    return pl.DataFrame({"date": days, "close": given, "source": ["file"] * len(days), **extra})


def joined(published: pl.DataFrame, *, tolerance=timedelta(days=7)) -> pl.DataFrame:
    return attach(bars(), published, interval=HOUR, columns=["close"], tolerance=tolerance, age="macro_age_h")


def ahead(frame: pl.DataFrame, lag: timedelta) -> list[str]:
    """Bars that know a session not closed for `lag` yet, or that miss one which was, by the hand rule."""
    wrong = []
    for ts, value in frame.select("ts", "close").iter_rows():
        by = ts + HOUR
        out = [day for day in SESSIONS if closes_at(day) + lag <= by]
        expected = float(out[-1].toordinal()) if out else float("nan")
        if value != expected and not (np.isnan(value) and np.isnan(expected)):
            wrong.append(f"{by:%Y-%m-%d %H:%M}")
    return wrong


@pytest.mark.parametrize("lag", [timedelta(0), HOUR / 2, DAY, 3 * DAY], ids=str)
def test_every_bar_knows_the_last_session_that_was_out_and_no_later_one(lag):
    assert ahead(joined(with_availability("x", closes(), "XNYS", lag)), lag) == []


@pytest.mark.parametrize(
    ("day", "hour"),
    [
        (date(2023, 11, 3), 20),
        (date(2023, 11, 6), 21),
        (date(2023, 11, 24), 18),
        (date(2024, 3, 8), 21),
        (date(2024, 3, 11), 20),
    ],
    ids=["before autumn DST", "after autumn DST", "half-day", "before spring DST", "after spring DST"],
)
def test_the_close_follows_the_clock_in_new_york(day, hour):
    assert session_closes("XNYS", pl.Series([day])).to_list() == [datetime.combine(day, time(hour), UTC)]


def test_a_long_weekend_carries_the_last_close_and_its_age():
    frame = joined(with_availability("x", closes(), "XNYS", DAY))
    tuesday = frame.filter(pl.col("ts") == datetime(2024, 1, 16, 20, tzinfo=UTC))
    assert tuesday["close"][0] == date(2024, 1, 12).toordinal()
    assert (
        tuesday["macro_age_h"][0] == 72.0
    )  # Friday 12 January closed at 21:00, was out on Saturday, and Monday was no session
    after = frame.filter(pl.col("ts") == datetime(2024, 1, 17, 20, tzinfo=UTC))
    assert (after["close"][0], after["macro_age_h"][0]) == (date(2024, 1, 16).toordinal(), 0.0)


def test_beyond_the_tolerance_nothing_is_known():
    known = with_availability("x", closes(SESSIONS[:5]), "XNYS", DAY)
    frame = joined(known, tolerance=2 * DAY)
    last = closes_at(SESSIONS[4]) + DAY
    assert frame.filter(pl.col("ts") + HOUR > last + 2 * DAY)["close"].is_nan().all()
    assert frame.filter((pl.col("ts") + HOUR).is_between(last, last + 2 * DAY))["close"].is_not_nan().all()


def stamped(*changed: tuple[date, datetime, float], keep: bool) -> pl.DataFrame:
    """Closes that say when they came out: a day after the close, but for the changed rows, which may be added."""
    rows = {(day, closes_at(day) + DAY): float(day.toordinal()) for day in SESSIONS}
    for day, when, value in changed:
        if not keep:
            del rows[day, closes_at(day) + DAY]
        rows[day, when] = value
    days, times = zip(*rows, strict=True)
    return closes(list(days), list(rows.values()), available_at=pl.Series(times, dtype=TS))


def test_a_late_close_is_not_known_before_it_came_out():
    day, when = date(2024, 2, 1), datetime(2024, 2, 2, 23, tzinfo=UTC)
    late = stamped((day, when, float(day.toordinal())), keep=False)
    frame = joined(with_availability("x", late, "XNYS", DAY))
    before = frame.filter((pl.col("ts") + HOUR).is_between(closes_at(day) + DAY, when, closed="left"))
    assert len(before) == 2
    assert set(before["close"].to_list()) == {float(date(2024, 1, 31).toordinal())}
    assert frame.filter(pl.col("ts") + HOUR == when)["close"][0] == day.toordinal()


def test_a_revised_close_leaves_what_was_known_before_it():
    day, when = date(2024, 2, 1), datetime(2024, 2, 2, 22, tzinfo=UTC)
    revised = stamped((day, when, -1.0), keep=True)
    frame, plain = (joined(with_availability("x", one, "XNYS", DAY)) for one in (revised, stamped(keep=True)))
    past = pl.col("ts") + HOUR < when
    assert frame.filter(past).equals(plain.filter(past))
    assert frame.filter(pl.col("ts") + HOUR == when)["close"][0] == -1.0


def test_the_battery_sees_a_close_that_is_known_on_its_own_day():
    """Four mistakes: the day's midnight, a fixed hour in UTC, a half-day's close too soon, the lag left out."""
    table = with_availability("x", closes(), "XNYS", timedelta(0))
    midnight = table.with_columns(available_at=pl.col("date").cast(TS))
    fixed_hour = table.with_columns(available_at=pl.col("date").cast(TS) + 20 * HOUR)
    half_day = pl.col("date") == date(2023, 11, 24)
    no_half_day = table.with_columns(
        available_at=pl.col("session_close") + pl.when(half_day).then(-3 * HOUR).otherwise(0 * HOUR)
    )
    assert len(ahead(joined(midnight.drop("session_close")), timedelta(0))) > 1000
    assert "2023-11-06 20:00" in ahead(joined(fixed_hour.drop("session_close")), timedelta(0))
    assert ahead(joined(no_half_day), timedelta(0)) == [f"2023-11-24 {hour}:00" for hour in (15, 16, 17)]
    assert ahead(joined(table), DAY)


def test_same_day_stamps_are_refused_before_any_bar_sees_them():
    midnight = pl.Series([datetime.combine(day, time(0), UTC) for day in SESSIONS], dtype=TS)
    with pytest.raises(DataError, match=r"x: 100 closes would be known before their session ended, first that of 2023"):
        with_availability("x", closes(available_at=midnight), "XNYS", DAY)
    fixed = pl.Series([datetime.combine(day, time(20, 30), UTC) for day in SESSIONS], dtype=TS)
    with pytest.raises(DataError, match="first that of 2023-11-06, stamped 2023-11-06 20:30"):
        with_availability("x", closes(available_at=fixed), "XNYS", DAY)
    good = with_availability("x", closes(), "XNYS", timedelta(0))
    refuse_early("x", good)
    with pytest.raises(DataError, match="1 closes would be known"):
        refuse_early("x", good.with_columns(available_at=pl.col("available_at") - timedelta(milliseconds=1)).tail(1))


def test_a_close_on_a_day_without_a_session_is_refused():
    with pytest.raises(
        DataError, match=r"x has closes on 2 days without a session of XNYS, such as 2023-11-23, 2023-11-25"
    ):
        with_availability("x", closes([date(2023, 11, 22), date(2023, 11, 23), date(2023, 11, 25)]), "XNYS", DAY)


def test_around_the_clock_a_day_ends_at_midnight():
    assert session_closes("24/7", pl.Series([date(2024, 2, 28)])).to_list() == [datetime(2024, 2, 29, tzinfo=UTC)]


def test_a_calendar_that_is_not_known_is_named():
    with pytest.raises(ConfigError, match="there is no calendar 'NYSX'"):
        session_closes("NYSX", pl.Series([FIRST]))


@pytest.mark.needs_data
def test_the_development_series_fit_their_usual_calendars(development_data):
    from tradsys.data.outside.macro.macro_series import KNOWN, MacroSeries

    for name in KNOWN:
        fetched = MacroSeries.parse(f"{name}={development_data}/market/macro-{name}.parquet").fetch(
            date(2010, 1, 1), date(2024, 7, 1)
        )
        table = with_availability(name, fetched.closes, fetched.calendar, fetched.lag)
        assert (table["available_at"] >= table["session_close"] + DAY).all()
