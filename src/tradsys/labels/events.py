"""Events: the rows at whose close a trade may be decided."""

from typing import Literal

import numpy as np
import polars as pl
from numba import njit

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.atr import wilder_atr
from tradsys.core.bars import to_arrays
from tradsys.core.errors import ConfigError

type EventRule = Literal["every", "cusum"]


def every_bar(bars: pl.DataFrame) -> IntArray:
    """All rows, shape (n_bars,)."""
    return np.arange(len(bars))


def cusum(bars: pl.DataFrame, threshold: float, *, atr_period: int = 14) -> IntArray:
    """Rows at which the close has drifted `threshold` ATRs one way since the last event, shape (n_events,).

    The symmetric CUSUM filter on closes, with each step measured in the ATR of the bar before it, so that one threshold
    serves calm and wild markets alike.

    López de Prado, *Advances in Financial Machine Learning* (2018), ch. 2, snippet 2.4 (there in returns).
    """
    if not threshold > 0:
        raise ConfigError(f"a CUSUM threshold must be positive, in ATR, was {threshold}; 1.0 is a usual start")
    arrays = to_arrays(bars)
    return _cusum_rows(arrays.close, wilder_atr(arrays.high, arrays.low, arrays.close, atr_period), threshold)


@njit(cache=True)
def _cusum_rows(close: FloatArray, atr: FloatArray, threshold: float) -> IntArray:
    rows = np.empty(close.size, np.int64)
    n_events, up, down = 0, 0.0, 0.0
    for t in range(1, close.size):
        if not atr[t - 1] > 0:
            continue
        step = (close[t] - close[t - 1]) / atr[t - 1]
        up, down = max(0.0, up + step), min(0.0, down + step)
        if up >= threshold or down <= -threshold:
            rows[n_events] = t
            n_events += 1
            up, down = 0.0, 0.0
    return rows[:n_events].copy()
