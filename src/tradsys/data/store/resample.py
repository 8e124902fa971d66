"""Bars of a longer interval from shorter ones, equal to the venue's own to the last bit."""

from datetime import timedelta

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.bars import OPTIONAL, TS
from tradsys.core.errors import ConfigError, DataError
from tradsys.core.kernels import njit
from tradsys.core.time import DAY_MS, format_interval, interval_ms, stamp, ts_ms

WEEK, DAY = timedelta(weeks=1), timedelta(days=1)
MONDAY_MS = 4 * DAY_MS
"""1970-01-01 was a Thursday; venues open a week on Monday."""
_MAX_DECIMALS, _EXACT = 8, 2.0**53


def divides(fine: timedelta, coarse: timedelta) -> bool:
    """Whether bars of `coarse` can be made of whole bars of `fine`, on the grid that venues use."""
    on_grid = not DAY % coarse if coarse <= DAY else coarse == WEEK
    return fine < coarse and not coarse % fine and on_grid


def resample(bars: pl.DataFrame, fine: timedelta, coarse: timedelta) -> pl.DataFrame:
    """Every bar of `coarse` all of whose parts are there; one with a part missing stays a gap.

    Bars open at UTC midnight and whole intervals after it, weeks on Monday. Amounts are added as decimals, so a sum is
    the number the venue would print; beyond 2^53 units of the last decimal they are added as floats. A DataError where
    the shorter bars open beside that grid, as hours at half past do: a day made of them would end in the next one.
    """
    if not divides(fine, coarse):
        raise ConfigError(
            f"{format_interval(coarse)} bars cannot be made of {format_interval(fine)} bars: wanted whole parts of an "
            "interval that divides a day, or of a week"
        )
    step, n_parts = interval_ms(coarse), coarse // fine
    phase = MONDAY_MS if coarse == WEEK else 0
    ts = ts_ms(bars)
    beside = np.flatnonzero(ts % interval_ms(fine))
    if len(beside):
        raise DataError(off_the_grid(int(ts[beside[0]]), fine, coarse))
    whole = _whole(ts, n_parts, step, phase)
    if len(whole) == 0:
        return bars.clear()
    high, low = _extremes(_values(bars, "high"), _values(bars, "low"), whole, n_parts)
    columns = {
        "open": bars["open"].to_numpy()[whole],
        "high": high,
        "low": low,
        "close": bars["close"].to_numpy()[whole + n_parts - 1],
    }
    amounts = (name for name in ("volume", *OPTIONAL) if name in bars.columns)
    sums = {name: exact_sums(_values(bars, name), whole, n_parts) for name in amounts}
    opens = (ts[whole] - phase) // step * step + phase
    return pl.DataFrame({"ts": pl.Series("ts", opens).cast(TS), **columns, **sums})


def off_the_grid(first: int, fine: timedelta, coarse: timedelta) -> str:
    """Why bars that open beside the grid, as at `first` (ms), make no longer ones."""
    return (
        f"bars of {format_interval(coarse)} begin at whole intervals after UTC midnight, and those of "
        f"{format_interval(fine)} open beside that grid (such as {stamp(first)}): made of them, a bar would hold "
        "trades of the next one; store bars of a shorter interval that does open on it, or that interval itself"
    )


def exact_sums(amounts: FloatArray, whole: IntArray, n_parts: int) -> FloatArray:
    """Sums over the parts of each whole bar, (n_bars,): each the float nearest to the decimal sum if all are decimals.

    Else as NumPy adds floats.

    >>> exact_sums(np.array([0.1, 0.2, 0.3]), np.array([0]), 3)
    array([0.6])
    """
    few = whole[:: max(1, len(whole) // 100)]
    for decimals in range(_MAX_DECIMALS + 1):
        scale = 10.0**decimals
        if not _units(amounts, few, n_parts, scale)[1]:
            continue
        sums, are_decimals = _units(amounts, whole, n_parts, scale)
        if are_decimals:
            if np.abs(sums).max(initial=0) < _EXACT:  # whole numbers: exact below 2^53
                return np.asarray(sums / scale)
            break
    return np.asarray(amounts[_rows(whole, n_parts)].reshape(-1, n_parts).sum(axis=1))


def _values(bars: pl.DataFrame, name: str) -> FloatArray:
    return np.ascontiguousarray(bars[name].to_numpy(), dtype=np.float64)


def _rows(whole: IntArray, n_parts: int) -> slice | IntArray:
    """The rows of all parts: a slice, which copies nothing, where they follow each other."""
    if whole[-1] - whole[0] == (len(whole) - 1) * n_parts:
        return slice(int(whole[0]), int(whole[-1]) + n_parts)
    return np.asarray((whole[:, None] + np.arange(n_parts)).ravel())


@njit(cache=True)
def _whole(ts: IntArray, n_parts: int, step: int, phase: int) -> IntArray:
    """First rows of the longer bars that have all their parts; whole ones are passed in one stride."""
    found, n_found, n = np.empty(len(ts) // n_parts + 1, np.int64), 0, len(ts)
    row = 0
    while row < n:
        end = (ts[row] - phase) // step * step + phase + step
        last = row + n_parts - 1
        if last < n and ts[last] < end and (last + 1 == n or ts[last + 1] >= end):
            found[n_found] = row
            n_found += 1
            row = last + 1
            continue
        while row < n and ts[row] < end:
            row += 1
    return found[:n_found]


@njit(cache=True)
def _extremes(high: FloatArray, low: FloatArray, whole: IntArray, n_parts: int) -> tuple[FloatArray, FloatArray]:
    """Highest high and lowest low of each whole bar; NaN where a part is NaN."""
    highs, lows = np.empty(len(whole)), np.empty(len(whole))
    for k in range(len(whole)):
        highest, lowest = high[whole[k]], low[whole[k]]
        for row in range(whole[k] + 1, whole[k] + n_parts):
            upper, lower = high[row], low[row]
            highest = upper if upper > highest or upper != upper else highest
            lowest = lower if lower < lowest or lower != lower else lowest
        highs[k], lows[k] = highest, lowest
    return highs, lows


@njit(cache=True)
def _units(amounts: FloatArray, whole: IntArray, n_parts: int, scale: float) -> tuple[FloatArray, bool]:
    """Sums in units of 1 / scale, and whether every amount is a whole number of them; it stops at one that is not."""
    sums = np.empty(len(whole))
    for k in range(len(whole)):
        total, are_whole = 0.0, True
        for row in range(whole[k], whole[k] + n_parts):
            units = np.rint(amounts[row] * scale)
            are_whole &= units / scale == amounts[row]
            total += units
        if not are_whole:
            return sums, False
        sums[k] = total
    return sums, True
