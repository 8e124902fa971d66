"""Standard scores of sizes that are never negative and sometimes zero: volumes and ranges."""

import numpy as np

from tradsys.core.arrays import FloatArray
from tradsys.features.windows import moving_mean

_SMALLEST_SD = 0.05


def relative_size(x: FloatArray, window: int) -> FloatArray:
    """`log(1 + x / trailing mean)`, shape (n_bars,): log 2 for a usual bar, and where a whole window has no size.

    The logarithm tames the largest bars; adding one gives bars of size zero a value.
    """
    mean = moving_mean(x, window)
    return np.log1p(np.divide(x, mean, out=np.ones_like(x), where=mean > 0.0))


def trailing_zscore(x: FloatArray, window: int) -> FloatArray:
    """Standard score of `relative_size` among the last `window` rows, shape (n_bars,)."""
    size = relative_size(x, window)
    mean = moving_mean(size, window)
    variance = moving_mean(size * size, window) - mean * mean
    score: FloatArray = (size - mean) / np.sqrt(np.maximum(variance, _SMALLEST_SD**2))
    return score


def zscore_lookback(window: int) -> int:
    """Rows behind one standard score: each size in its window looks back over a window of its own."""
    return 2 * window - 1
