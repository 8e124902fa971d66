"""What every source of daily closes offers: a frozen spec that fetches one series, each row with where it came from."""

from collections.abc import Sequence
from datetime import date
from typing import Protocol

import polars as pl

from tradsys.core.bars import TS
from tradsys.core.errors import DataError
from tradsys.data.outside.align import AVAILABLE


class MacroSource(Protocol):
    """A frozen spec; fetching asks a file, a host or other bars, and keeps nothing."""

    @property
    def name(self) -> str:
        """What its rows carry in `source`."""

    def fetch(self, series: str, start: date, end: date) -> pl.DataFrame:
        """Closes of the sessions in [start, end): `date`, `close`, `source`, sorted by date, a session a row.

        `series` is what the source calls it. Where the source knows when a value could first be read, a column
        `available_at` (ms, UTC) says so, and a revision is a row of its own.
        """


def quotes(
    source: str,
    series: str,
    dates: pl.Series,
    closes: pl.Series,
    *,
    start: date,
    end: date,
    available: pl.Series | None = None,
    origin: pl.Series | None = None,
) -> pl.DataFrame:
    """Rows as `MacroSource.fetch` promises them; rows without a close are left out, what cannot be is refused."""
    columns = {"date": dates.cast(pl.Date), "close": closes.cast(pl.Float64)}
    columns["source"] = pl.repeat(source, len(dates), eager=True) if origin is None else origin.cast(pl.String)
    if available is not None:
        columns[AVAILABLE] = available.cast(TS)
    frame = pl.DataFrame(columns)
    keys = ["date"] if available is None else ["date", AVAILABLE]
    frame = frame.filter(pl.col("close").is_not_null() & pl.col("close").is_not_nan()).sort(keys, maintain_order=True)
    if frame["close"].is_infinite().any():
        raise DataError(f"{series} of {source} holds infinite closes; correct the file")
    twice = frame.filter(pl.struct(keys).is_duplicated())
    if len(twice):
        raise DataError(
            f"{series} of {source} has {_days(twice['date'])} twice; keep one row a session, or give the time at which "
            f"a revision came out in a column {AVAILABLE}"
        )
    frame = frame.filter(pl.col("date").is_between(start, end, closed="left"))
    if frame.is_empty():
        raise DataError(f"{source} has no close of {series} from {start} up to {end}; check the name and the range")
    return frame


def only_source(series: str, frame: pl.DataFrame) -> str:
    """The one source of all rows; a DataError where two were mixed, since their closes need not continue each other."""
    found = frame["source"].value_counts().sort("count", descending=True)
    if len(found) > 1:
        parts = ", ".join(f"{n:,} rows of {name}" for name, n in found.iter_rows())
        raise DataError(
            f"{series} must come from one source, found {parts}; keep the rows of one, or name the second as a "
            "fallback (first|second), which is taken whole and named"
        )
    return str(found["source"][0])


def _days(dates: pl.Series) -> str:
    days: Sequence[date] = dates.unique(maintain_order=True).to_list()
    return ", ".join(map(str, days[:3])) + (f" and {len(days) - 3} more" if len(days) > 3 else "")
