"""Average true range: the one measure of a market's pace that barriers, events and features share."""

import numpy as np

from tradsys.core.arrays import FloatArray
from tradsys.core.kernels import njit


@njit(cache=True)
def wilder_atr(high: FloatArray, low: FloatArray, close: FloatArray, period: int) -> FloatArray:
    """Wilder's average true range in price units, shape (n_bars,); NaN for the first `period - 1` bars.

    The seed is the mean of the first `period` true ranges (the first of them is high - low), then each bar moves the
    average by `(true range - average) / period`.

    Wilder, *New Concepts in Technical Trading Systems* (1978), p. 21.
    """
    n_bars = close.shape[0]
    atr = np.full(n_bars, np.nan)
    total = 0.0
    for t in range(n_bars):
        true_range = high[t] - low[t]
        if t > 0:
            true_range = max(true_range, abs(high[t] - close[t - 1]), abs(low[t] - close[t - 1]))
        if t < period:
            total += true_range
            if t == period - 1:
                atr[t] = total / period
        else:
            atr[t] = (atr[t - 1] * (period - 1) + true_range) / period
    return atr
