"""Label intervals as the splitters read them: when a label was decided and when its outcome was known."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl

from tradsys.core.arrays import IntArray
from tradsys.core.errors import ConfigError, DataError

MS = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Intervals:
    """Start and end of n labels, int64 milliseconds, shape (n_labels,), in any order; `order` sorts them by start."""

    start: IntArray
    end: IntArray
    order: IntArray = field(init=False)

    def __post_init__(self) -> None:
        if self.start.shape != self.end.shape or self.start.ndim != 1:
            raise DataError(
                f"every label needs a start and an end, found shapes {self.start.shape} and {self.end.shape}"
            )
        if not len(self.start):
            raise DataError("intervals are empty; there is nothing to split")
        backward = np.flatnonzero(self.end < self.start)
        if len(backward):
            raise DataError(f"a label ends at or after its start; {len(backward)} do not, first at row {backward[0]}")
        object.__setattr__(self, "order", np.argsort(self.start, kind="stable"))

    def __len__(self) -> int:
        return len(self.start)


def read_intervals(intervals: Any, n_rows: int) -> Intervals:
    """Read `(start, end)`: numpy datetime64, polars Datetime or integers taken as milliseconds UTC, `n_rows` each."""
    if isinstance(intervals, Intervals):
        read = intervals
    else:
        if intervals is None:
            raise ConfigError("splitting needs the labels' intervals=(start, end), given to the splitter or to split()")
        if isinstance(intervals, (str, bytes)) or not hasattr(intervals, "__len__") or len(intervals) != 2:
            raise ConfigError(f"intervals must be the pair (start, end), found {type(intervals).__name__}")
        read = Intervals(_milliseconds("start", intervals[0]), _milliseconds("end", intervals[1]))
    if len(read) != n_rows:
        raise DataError(f"X has {n_rows} rows and intervals {len(read)} labels; give the interval of every row of X")
    return read


def milliseconds(duration: timedelta, name: str) -> int:
    """The duration in whole milliseconds; negative ones are refused."""
    if not isinstance(duration, timedelta):
        raise ConfigError(f"{name} must be a timedelta, found {duration!r}; row counts cannot measure a label's life")
    if duration < timedelta(0):
        raise ConfigError(f"{name} must not be negative, was {duration}")
    return -(-duration // MS)


def runs(flags: np.ndarray[Any, np.dtype[np.bool_]]) -> Iterator[tuple[int, int]]:
    """First and one-past-last position of every unbroken run of True."""
    edges = np.flatnonzero(np.diff(flags, prepend=False, append=False))
    return zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def _milliseconds(name: str, values: Any) -> IntArray:
    if isinstance(values, pl.Series):
        if values.null_count():
            raise DataError(f"{name} has {values.null_count()} nulls; every label needs both times")
        if values.dtype == pl.Datetime:
            values = values.dt.timestamp("ms")
        values = values.to_numpy()
    array = np.asarray(values)
    if array.dtype.kind == "M":
        if np.isnat(array).any():
            raise DataError(f"{name} has {int(np.isnat(array).sum())} missing times; every label needs both times")
        return array.astype("datetime64[ms]").astype(np.int64)
    if array.dtype.kind in "iu":
        return array.astype(np.int64)
    raise DataError(f"{name} must be datetime64, Datetime or int64 milliseconds, found {array.dtype}")
