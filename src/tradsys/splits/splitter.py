"""What the splitters share: label intervals, scikit-learn's calls, the one purge and the one embargo."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from tradsys.core.arrays import BoolArray, IntArray
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
    """Read `(start, end)`, `n_rows` each: datetimes of numpy, Polars or pandas (UTC without a zone), or whole numbers.

    Whole numbers are an epoch in milliseconds, or in micro- or nanoseconds where they are too large for that.
    """
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
    if array.dtype == object:  # aware times of pandas, or a list of Python's
        array = _instants(name, array)
    if array.dtype.kind == "M":
        if np.isnat(array).any():
            raise DataError(f"{name} has {int(np.isnat(array).sum())} missing times; every label needs both times")
        return array.astype("datetime64[ms]").astype(np.int64)
    if array.dtype.kind in "iu":
        return array.astype(np.int64) // _ms_unit(name, array)
    raise DataError(f"{name} must be datetime64, Datetime or int64 milliseconds, found {array.dtype}")


def _instants(name: str, values: np.ndarray[Any, np.dtype[np.object_]]) -> np.ndarray[Any, np.dtype[Any]]:
    """Aware or naive datetimes as datetime64 UTC."""
    n = sum(not isinstance(value, datetime) or value != value for value in values)  # pandas' NaT is a datetime
    if n:
        raise DataError(f"{name} must hold times, found {n} of {len(values)} without one; every label needs both times")
    if len({value.tzinfo is None for value in values}) > 1:
        raise DataError(f"{name} mixes times with and without a zone; give all of them one")
    utc = [value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value for value in values]
    return np.array(utc, dtype="datetime64[us]")


_UNITS = ((10**17, 10**6), (10**14, 10**3))
"""Whole numbers from there on are finer than milliseconds (which reach the year 5138), by so many times."""


def _ms_unit(name: str, values: np.ndarray[Any, np.dtype[Any]]) -> int:
    """How many of the unit of epoch numbers make a millisecond: they are in ms, us or ns by their size."""
    size = np.abs(values.astype(np.float64))
    unit = next((per_ms for least, per_ms in _UNITS if len(size) and size.max() >= least), 1)
    if unit > 1 and size.min() < next(least for least, per_ms in _UNITS if per_ms == unit):
        raise DataError(
            f"{name} mixes epoch units, from {values.min()} to {values.max()}; give milliseconds throughout"
        )
    return unit


class Splitter(ABC):
    """A scikit-learn splitter over label intervals, usable as `cv=` wherever one is taken.

    `intervals=(start, end)` is given once to the constructor, to every `split`, or through scikit-learn's metadata
    routing (`params={"intervals": ...}`). Rows may be in any order; index arrays come back ascending.
    """

    __slots__ = ()

    intervals: Any

    @property
    @abstractmethod
    def n_splits(self) -> int:
        """Number of folds."""

    @abstractmethod
    def _folds(self, labels: Intervals) -> Iterator[tuple[BoolArray, BoolArray]]:
        """Train and test mask of every fold."""

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None, *, intervals: Any = None) -> int:
        """Number of folds; the arguments are scikit-learn's and do not matter."""
        return self.n_splits

    def split(
        self, X: Any, y: Any = None, groups: Any = None, *, intervals: Any = None
    ) -> Iterator[tuple[IntArray, IntArray]]:
        """Row indices to train on and to test on, fold after fold; of `X` only the number of rows counts."""
        labels = self._labels(X, intervals)
        for fold, (train, test) in enumerate(self._folds(labels), 1):
            for name, mask in (("training", train), ("test", test)):
                if not mask.any():
                    raise DataError(
                        f"fold {fold} of {self.n_splits} has no {name} labels left of {len(labels)}; "
                        "use fewer folds, a shorter embargo or a longer history"
                    )
            yield np.flatnonzero(train), np.flatnonzero(test)

    def _labels(self, X: Any, intervals: Any) -> Intervals:
        n_rows = X.shape[0] if hasattr(X, "shape") else len(X)
        return read_intervals(self.intervals if intervals is None else intervals, n_rows)

    def get_metadata_routing(self) -> Any:
        """Tell scikit-learn that `split` takes `intervals`."""
        from sklearn.utils.metadata_routing import MetadataRequest

        request = MetadataRequest(owner=type(self).__name__)
        request.split.add_request(param="intervals", alias=True)
        return request


def equal_groups(labels: Intervals, n_groups: int) -> IntArray:
    """Group of every label, shape (n_labels,): consecutive in time and as equal in number as possible."""
    if len(labels) < n_groups:
        raise DataError(f"{n_groups} groups need at least as many labels, found {len(labels)}")
    sizes = np.full(n_groups, len(labels) // n_groups)
    sizes[: len(labels) % n_groups] += 1
    group = np.empty(len(labels), np.int64)
    group[labels.order] = np.repeat(np.arange(n_groups), sizes)
    return group


def purged(labels: Intervals, is_test: BoolArray, embargo_ms: int) -> BoolArray:
    """Labels that may train while `is_test` are tested, shape (n_labels,).

    For every unbroken block of test labels, in order of start, a label is dropped if it ends after the block's first
    start and starts before the block's largest end plus the embargo.
    """
    keep = ~is_test
    end = labels.end[labels.order]
    for first, stop in runs(is_test[labels.order]):
        opens = labels.start[labels.order[first]]
        closes = end[first:stop].max() + embargo_ms
        keep &= (labels.end <= opens) | (labels.start >= closes)
    return keep


def known_before(labels: Intervals, time_ms: int, embargo_ms: int) -> BoolArray:
    """Labels whose outcome was known at least the embargo before `time_ms`, shape (n_labels,)."""
    return labels.end <= np.int64(time_ms - embargo_ms)
