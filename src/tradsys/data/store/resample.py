"""Bars of a longer interval from shorter ones, equal to the venue's own to the last bit."""

from datetime import timedelta

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.bars import OPTIONAL, TS
from tradsys.core.errors import ConfigError
from tradsys.core.time import format_interval, interval_ms, ts_ms

WEEK, DAY = timedelta(weeks=1), timedelta(days=1)
MONDAY_MS = 4 * 86_400_000
"""1970-01-01 was a Thursday; venues open a week on Monday."""
_MAX_DECIMALS, _EXACT = 8, 2.0**53


def divides(fine: timedelta, coarse: timedelta) -> bool:
    """Whether bars of `coarse` can be made of whole bars of `fine`, on the grid that venues use."""
    on_grid = not DAY % coarse if coarse <= DAY else coarse == WEEK
    return fine < coarse and not coarse % fine and on_grid


def resample(bars: pl.DataFrame, fine: timedelta, coarse: timedelta) -> pl.DataFrame:
    """Every bar of `coarse` all of whose parts are there; one with a part missing stays a gap.

    Bars open at UTC midnight and whole intervals after it, weeks on Monday. Amounts are added as decimals, so a sum is
    the number the venue would print; beyond 2^53 units of the last decimal they are added as floats.
    """
    if not divides(fine, coarse):
        raise ConfigError(
            f"{format_interval(coarse)} bars cannot be made of {format_interval(fine)} bars: wanted whole parts of an "
            "interval that divides a day, or of a week"
        )
    step = interval_ms(coarse)
    phase = MONDAY_MS if coarse == WEEK else 0
    ts = ts_ms(bars)
    opens = (ts - phase) // step * step + phase
    starts = np.flatnonzero(np.diff(opens, prepend=np.iinfo(np.int64).min)) if len(ts) else np.empty(0, dtype=np.int64)
    sizes = np.diff(starts, append=len(ts))
    whole = starts[sizes == coarse // fine]
    if len(whole) == 0:
        return bars.clear()
    n_parts = coarse // fine
    rows = _rows(whole, n_parts)

    def parts(name: str) -> FloatArray:
        x: FloatArray = bars[name].to_numpy()[rows].reshape(-1, n_parts)
        return x

    columns = {
        "open": bars["open"].to_numpy()[whole],
        "high": parts("high").max(axis=1),
        "low": parts("low").min(axis=1),
        "close": bars["close"].to_numpy()[whole + n_parts - 1],
    }
    sums = {name: exact_sum(parts(name)) for name in ("volume", *OPTIONAL) if name in bars.columns}
    return pl.DataFrame({"ts": pl.Series("ts", opens[whole]).cast(TS), **columns, **sums})


def _rows(whole: IntArray, n_parts: int) -> slice | IntArray:
    """The rows of all parts: a slice, which copies nothing, where they follow each other."""
    if whole[-1] - whole[0] == (len(whole) - 1) * n_parts:
        return slice(int(whole[0]), int(whole[-1]) + n_parts)
    rows: IntArray = (whole[:, None] + np.arange(n_parts)).ravel()
    return rows


def exact_sum(parts: FloatArray) -> FloatArray:
    """Sums of decimal amounts (n_bars, n_parts), each the float nearest to the decimal sum; shape (n_bars,).

    >>> exact_sum(np.array([[0.1, 0.2, 0.3]]))
    array([0.6])
    """
    few = parts[:: max(1, len(parts) // 100)]
    for decimals in range(_MAX_DECIMALS + 1):
        scale = 10.0**decimals
        if not np.array_equal(np.rint(few * scale) / scale, few):
            continue
        units = np.rint(parts * scale)
        if np.array_equal(units / scale, parts):
            sums: FloatArray = units.sum(axis=1)  # whole numbers: exact below 2^53
            if np.abs(sums).max(initial=0) < _EXACT:
                return sums / scale
            break
    plain: FloatArray = parts.sum(axis=1)
    return plain
