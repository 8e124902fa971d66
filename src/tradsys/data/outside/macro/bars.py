"""A macro series joined to bars: each carries what was out when it closed: a session's close, and a lag after it."""

import warnings
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Final

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray
from tradsys.core.bars import TS
from tradsys.core.errors import ConfigError, DataError
from tradsys.data.outside.align import AVAILABLE, attach

SESSIONS = 60
"""Sessions that say what is usual: a quarter of a year."""

WEEK = 5

CHANGES = ("r1", "r5", "z", "vol")
"""Endings of a series' columns; its age in hours ends in `age_h`."""


def column(series: str, what: str) -> str:
    """Name of a bars' column: `macro_dxy_r5`."""
    return f"macro_{series}_{what}"


def changes(series: str, published: pl.DataFrame) -> pl.DataFrame:
    """A row a publication: `available_at`, and what was known then of the last `SESSIONS` sessions, NaN before.

    `r1`, `r5` are the log returns of the last session and week over the usual deviation of as long a time; `z` is how
    many deviations the last close stands from the sessions' mean log close; `vol` the log of the week's root mean
    square return over the usual one. A late or revised close changes what is known from its own time on. A close of
    zero or less has no logarithm: returns from and to it are NaN, and the others are read without it.
    """
    days: list[date] = []
    logs: list[float] = []
    values = np.full((len(published), len(CHANGES)), np.nan)
    closes = published["close"].to_numpy()
    known = np.log(closes, out=np.full(len(closes), np.nan), where=closes > 0)
    for row, (day, value) in enumerate(zip(published["date"].to_list(), known.tolist(), strict=True)):
        at = bisect_left(days, day)
        if at < len(days) and days[at] == day:
            logs[at] = value
        else:
            days.insert(at, day)
            logs.insert(at, value)
        if len(days) > SESSIONS:
            values[row] = _summary(np.array(logs[-SESSIONS - 1 :]))
    columns = {column(series, what): values[:, k] for k, what in enumerate(CHANGES)}
    return published.select(AVAILABLE).with_columns(**{name: pl.Series(part) for name, part in columns.items()})


def _summary(logs: FloatArray) -> FloatArray:
    """The four numbers of `SESSIONS + 1` log closes; NaN where the series never moved."""
    returns, last = np.diff(logs), logs[1:]
    is_known, has_close = np.isfinite(returns), np.isfinite(last)
    if is_known.sum() < SESSIONS // 2:
        return np.full(len(CHANGES), np.nan)
    usual = float(np.sqrt(np.mean(returns[is_known] ** 2)))
    spread = float(last[has_close].std())
    week = returns[-WEEK:][is_known[-WEEK:]]
    if usual == 0.0 or spread == 0.0 or not len(week):
        return np.full(len(CHANGES), np.nan)
    return np.array(
        [
            returns[-1] / usual,
            (logs[-1] - logs[-1 - WEEK]) / (usual * np.sqrt(WEEK)),
            (logs[-1] - last[has_close].mean()) / spread,
            np.log(max(float(np.sqrt(np.mean(week**2))), 0.05 * usual) / usual),
        ]
    )


AGE: Final = "age_h"

WARM_UP: Final = timedelta(days=2 * SESSIONS + 30)
"""Enough days before the first bar for `SESSIONS` sessions, closures and lag included."""


@dataclass(frozen=True, slots=True)
class MacroSeriesColumns:
    """What one series had done by each `available_at` (`changes`), the same for every symbol."""

    series: str
    changes: pl.DataFrame
    tolerance: timedelta
    origin: str

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(column(self.series, what) for what in (*CHANGES, AGE))

    @property
    def sentence(self) -> str:
        return f"macro {self.origin}"

    def join(self, bars: pl.DataFrame, interval: timedelta) -> pl.DataFrame:
        return attach(
            bars,
            self.changes,
            interval=interval,
            columns=[column(self.series, what) for what in CHANGES],
            tolerance=self.tolerance,
            age=column(self.series, AGE),
        )


AROUND_THE_CLOCK: Final = "24/7"
"""Days that end at midnight UTC, without a calendar."""

_CLOSE = "session_close"


def with_availability(series: str, closes: pl.DataFrame, calendar: str, lag: timedelta) -> pl.DataFrame:
    """The closes with `session_close` and `available_at`, both ms UTC, sorted by the latter.

    Where the source says when a row came out, that time counts and must not lie before the session's close: a value
    that is stamped earlier has been stamped by its day. Elsewhere `available_at = session close + lag`. A day on which
    the calendar has no session is refused: what a vendor writes there is a copy of an earlier day.
    """
    ends = session_closes(calendar, closes["date"])
    unknown = closes["date"].filter(ends.is_null())
    if len(unknown):
        shown = ", ".join(map(str, unknown[:3].to_list()))
        raise DataError(
            f"{series} has closes on {len(unknown):,} days without a session of {calendar}, such as {shown}; remove "
            f"copies of earlier days, or name the venue's own calendar: ?calendar=..."
        )
    frame = closes.with_columns(ends.alias(_CLOSE))
    if AVAILABLE not in frame.columns:
        frame = frame.with_columns((pl.col(_CLOSE) + lag).alias(AVAILABLE))
    refuse_early(series, frame)
    return frame.sort(AVAILABLE, "date", maintain_order=True)


def refuse_early(series: str, frame: pl.DataFrame) -> None:
    """A DataError where rows would be known before their session has closed: that looks ahead."""
    too_soon = frame.filter(pl.col(AVAILABLE).is_null() | (pl.col(AVAILABLE) < pl.col(_CLOSE)))
    if len(too_soon):
        row = too_soon.row(0, named=True)
        raise DataError(
            f"{series}: {len(too_soon):,} closes would be known before their session ended, first that of "
            f"{row['date']}, stamped {row[AVAILABLE]}, which closed at {row[_CLOSE]}; give the time at which each "
            "could be read"
        )


def session_closes(calendar: str, days: pl.Series) -> pl.Series:
    """The close (ms, UTC) of each day's session, null where the calendar has none."""
    if calendar == AROUND_THE_CLOCK:
        return (days + timedelta(days=1)).cast(pl.Datetime("ms")).dt.replace_time_zone("UTC").alias(_CLOSE)
    if not len(days):
        return pl.Series(_CLOSE, [], dtype=TS)
    sessions, closes = _schedule(calendar, days.min(), days.max())  # type: ignore[arg-type]
    table = pl.DataFrame({"date": sessions, _CLOSE: closes}, schema={"date": pl.Date, _CLOSE: TS})
    return pl.DataFrame({"date": days}).join(table, on="date", how="left", maintain_order="left")[_CLOSE]


@lru_cache(maxsize=16)
def _schedule(calendar: str, first: date, last: date) -> tuple[Sequence[date], pl.Series]:
    """Sessions and their closes from the year of the first day to that of the last."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # exchange_calendars calls pandas 3 as it was before
        warnings.simplefilter("ignore", FutureWarning)
        import exchange_calendars

        try:
            found = exchange_calendars.get_calendar(calendar, start=f"{first.year}-01-01", end=f"{last.year}-12-31")
        except exchange_calendars.errors.InvalidCalendarName:
            raise ConfigError(
                f"there is no calendar {calendar!r}; exchange_calendars knows XNYS, us_futures, XLON and others, and "
                f"{AROUND_THE_CLOCK} needs none"
            ) from None
        ms = found.closes.to_numpy(dtype="datetime64[ns]").astype("datetime64[ms]").astype(np.int64)
        days = [session.date() for session in found.sessions]
    return days, pl.Series(ms).cast(TS)
