"""Rows at which the future is taken away one by one: random ones, and those where a peek would pay or would show."""

from typing import Final

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.time import HOUR_MS, ts_ms

_HOURS_A_WEEK: Final = 168
_MONDAY: Final = 4 * 24
"""Hours from a Thursday, on which the count of milliseconds begins, to the next Monday."""


def random_rows(bars: pl.DataFrame, n: int, rng: np.random.Generator) -> IntArray:
    """Up to `n` rows (sorted, at most one a bar), spread evenly over the hours of the week; never the last row.

    A value that peeks at one time of the week alone is thus met as often as any other.
    """
    n_rows = len(bars) - 1
    if n >= n_rows:
        return np.arange(max(n_rows, 0))
    hour = (ts_ms(bars)[:-1] // HOUR_MS) % _HOURS_A_WEEK
    drawn = rng.permutation(n_rows)
    turn = _nth_of_its_kind(hour[drawn])
    return np.sort(drawn[np.argsort(turn, kind="stable")][:n])


def telling_rows(bars: pl.DataFrame, n: int, rng: np.random.Generator) -> IntArray:
    """Rows where a peek pays most: before and at the largest moves, around gaps, and where weeks and months begin.

    Up to `n` of each kind, sorted.
    """
    ts, close = ts_ms(bars), np.log(bars["close"].to_numpy())
    if len(ts) < 3:
        return np.empty(0, np.int64)
    moves = np.abs(np.diff(close))
    step = np.diff(ts)
    before_gap = np.flatnonzero(step > np.median(step))
    hours = ts // HOUR_MS
    is_opening = np.append(True, np.diff(hours // 24) != 0)
    monday = np.flatnonzero(is_opening & ((hours // 24) % 7 == _MONDAY // 24))
    first = np.flatnonzero(bars["ts"].dt.day().to_numpy() * is_opening == 1)
    largest = _highest(moves, n)
    kinds = [largest, largest + 1, *(_some(rows, n, rng) for rows in (before_gap, before_gap + 1, monday, first))]
    return _inside(np.concatenate(kinds), len(ts))


def outstanding_rows(values: FloatArray, bars: pl.DataFrame, n: int) -> IntArray:
    """Rows in which a column (n_bars,) stands out: extremes, spikes, where values come and go, and where it is right.

    Right are rows whose value goes best with the next bar's return. Up to `n` of each kind, sorted.
    """
    if len(values) < 3:
        return np.empty(0, np.int64)
    known = np.isfinite(values)
    centred = np.where(known, values - np.median(values[known]) if known.any() else 0.0, 0.0)
    step = np.abs(np.diff(centred))
    spike = np.append(0.0, np.minimum(step[:-1], step[1:]))
    ahead = np.diff(np.log(bars["close"].to_numpy()))
    product = centred[:-1] * ahead
    turns = np.flatnonzero(np.diff(known))
    kinds = [_highest(score, n) for score in (centred, -centred, spike, product, -product)]
    return _inside(np.concatenate([*kinds, turns[:n], turns[:n] + 1, turns[-n:]]), len(values))


def _inside(rows: IntArray, n_bars: int) -> IntArray:
    """Each row once, without the last bar, after which nothing is left to take away."""
    return np.unique(rows[(rows >= 0) & (rows < n_bars - 1)])


def _highest(score: FloatArray, n: int) -> IntArray:
    return np.argpartition(-score, n)[:n] if n < len(score) else np.arange(len(score))


def _some(rows: IntArray, n: int, rng: np.random.Generator) -> IntArray:
    return rows if len(rows) <= n else rng.choice(rows, n, replace=False)


def _nth_of_its_kind(kind: IntArray) -> IntArray:
    """How many equal values stand before each value."""
    order = np.argsort(kind, kind="stable")
    ordered = kind[order]
    first = np.searchsorted(ordered, ordered, side="left")
    nth = np.empty(len(kind), np.int64)
    nth[order] = np.arange(len(kind)) - first
    return nth
