"""When a session's close could first be read: the close of its calendar, half-days and DST included, plus a lag."""

import warnings
from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache
from typing import Final

import numpy as np
import polars as pl

from tradsys.core.bars import TS
from tradsys.core.errors import ConfigError, DataError
from tradsys.data.outside.align import AVAILABLE

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
