"""Lifetimes (start, end] of labels, laid over a common row of time segments."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.errors import DataError

type TimeArray = ArrayLike | pl.Series
"""Times of any kind that sorts: numbers, datetime64, aware datetimes, or a Polars column of them."""


@dataclass(frozen=True, slots=True)
class Lives:
    """Label i lives through the segments `first[i]` to `after[i] - 1`, each of shape (n_labels,).

    `length` (n_segments,) is what a segment weighs in a mean over a life.
    """

    first: IntArray
    after: IntArray
    length: FloatArray

    @classmethod
    def of(cls, start: TimeArray, end: TimeArray, times: TimeArray | None = None) -> Self:
        """With `times` (closes of bars) a segment is a bar of weight 1; else the time between neighbouring ends."""
        starts, ends = time_numbers(start), time_numbers(end)
        if starts.shape != ends.shape or starts.ndim != 1 or starts.dtype != ends.dtype:
            raise DataError(
                "start and end must be times of one kind and shape (n_labels,), "
                f"were {starts.dtype} of shape {starts.shape} and {ends.dtype} of shape {ends.shape}"
            )
        if not (ends > starts).all():
            rows = np.flatnonzero(~(ends > starts))
            raise DataError(f"a label must end after it starts; {len(rows)} do not, the first in row {rows[0]}")
        if times is None:
            points = _sorted_unique(starts, ends)
            first, after = np.searchsorted(points, starts), np.searchsorted(points, ends)
            return cls(first, after, np.diff(points).astype(np.float64))
        grid = time_numbers(times)
        if grid.dtype != starts.dtype or not (grid[1:] > grid[:-1]).all():
            raise DataError(
                f"times must be sorted, unique and of the kind of start ({starts.dtype}), were {grid.dtype}; "
                "sort them and drop repeats"
            )
        first, after = np.searchsorted(grid, starts, side="right"), np.searchsorted(grid, ends, side="right")
        if (first == after).any():
            rows = np.flatnonzero(first == after)
            raise DataError(
                f"every label must live through one of the times; {len(rows)} do not, the first in row {rows[0]}; "
                "give the closes of all bars"
            )
        return cls(first, after, np.ones(len(grid)))


def _sorted_unique(starts: IntArray, ends: IntArray) -> IntArray:
    points = np.sort(np.concatenate([starts, ends]))
    is_new = np.ones(len(points), np.bool_)
    is_new[1:] = points[1:] != points[:-1]
    return points[is_new]


def time_numbers(times: TimeArray) -> IntArray:
    """Times as numbers that sort and subtract: microseconds for anything that is a date."""
    values = np.asarray(times)
    if values.dtype == object:
        values = pl.Series(values.tolist()).to_numpy()
    if values.dtype.kind == "M":
        values = values.astype("datetime64[us]").astype(np.int64)
    numbers: IntArray = values.astype(np.int64 if values.dtype.kind in "iu" else np.float64, copy=False)
    return numbers
