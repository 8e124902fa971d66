"""A book told to bars: each bar carries what was received by its close, the last state and the mean over the bar."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.time import interval_ms
from tradsys.data.outside.book.book import Book
from tradsys.data.outside.book.measures import (
    depth_slope,
    imbalance,
    microprice_bps,
    order_flow,
    spread_bps,
    top_depth,
)

LEVELS: Final = (1, 5, 10, 20)
"""Depths of the imbalances, where the book has as many levels."""

AGE: Final = "book_age_s"
FLOW: Final = "book_ofi"


def columns_of(n_levels: int) -> tuple[str, ...]:
    """Names of the columns that bars get from a book of so many levels."""
    both = [name for measure in _names(n_levels) for name in (measure, f"{measure}_mean")]
    return (*both, FLOW, AGE)


def told(bars: pl.DataFrame, book: Book, *, interval: timedelta, tolerance: timedelta) -> pl.DataFrame:
    """One symbol's bars with `columns_of` the book, Float64, NaN where it said nothing.

    A bar knows the states received after its open and by its close; each `book_<measure>` is the last of them, or an
    earlier one that is no older than the tolerance at the close, and NaN where the book has ended since. `_mean` is the
    mean over the known states of the bar itself; `book_ofi` the sum of its order flow over the mean size at the best
    prices; `book_age_s` the seconds since the last known state, however long ago.
    """
    close = bars["ts"].dt.epoch("ms").to_numpy().astype(np.int64) + interval_ms(interval)
    first = np.searchsorted(book.received, close - interval_ms(interval), side="right")
    end = np.searchsorted(book.received, close, side="right")
    known = book.is_known
    last_known = np.maximum.accumulate(np.where(known, np.arange(len(known)), -1)) if len(known) else np.zeros(0, int)
    has_any = end > 0
    seen = np.where(has_any, last_known[end - 1] if len(known) else -1, -1)
    age = np.where(seen >= 0, (close - book.received[seen]) / 1e3 if len(known) else np.nan, np.nan)
    is_current = (seen >= 0) & (seen == end - 1) & (age <= tolerance / timedelta(seconds=1))
    columns: dict[str, FloatArray] = {}
    for name, values in zip(_names(book.n_levels), _measures(book), strict=True):
        columns[name] = np.where(is_current, values[seen] if len(known) else np.nan, np.nan)
        columns[f"{name}_mean"] = _mean(values, first, end)
    flow, depth = order_flow(book), _mean(top_depth(book), first, end)
    columns[FLOW] = _sum(flow, first, end) / depth
    columns[AGE] = age
    return bars.with_columns(**{name: pl.Series(values) for name, values in columns.items()})


def _names(n_levels: int) -> tuple[str, ...]:
    imbalances = (f"book_imbalance_{level}" for level in LEVELS if level <= n_levels)
    return (*imbalances, "book_microprice", "book_spread", "book_slope")


def _measures(book: Book) -> Sequence[FloatArray]:
    imbalances = (imbalance(book, level) for level in LEVELS if level <= book.n_levels)
    return (*imbalances, microprice_bps(book), spread_bps(book), depth_slope(book))


def _mean(values: FloatArray, first: IntArray, end: IntArray) -> FloatArray:
    """Mean of what is known among the states [first, end) of each bar, (n_bars,)."""
    counts = _between(np.isfinite(values).astype(np.float64), first, end)
    sums = _between(np.nan_to_num(values), first, end)
    return np.asarray(np.divide(sums, counts, out=np.full(len(first), np.nan), where=counts > 0))


def _sum(values: FloatArray, first: IntArray, end: IntArray) -> FloatArray:
    known = _between(np.isfinite(values).astype(np.float64), first, end) > 0
    return np.asarray(np.where(known, _between(np.nan_to_num(values), first, end), np.nan))


def _between(values: FloatArray, first: IntArray, end: IntArray) -> FloatArray:
    """Sum of values[first:end] a bar: each its own sum, so that no bar depends on what came before it."""
    if not len(values):
        return np.zeros(len(first))
    edges = np.stack([first, np.maximum(end, first)], axis=1).ravel()
    sums = np.add.reduceat(np.append(values, 0.0), edges)[::2]
    return np.where(end > first, sums, 0.0)
