"""Sums over trailing windows: the kernels that features, and fractional differencing, are made of.

Running sums and recursive averages lose digits after a large value and never quite forget it. Here each row is its own
sum of the same products in the same order. So a value has the same bits whether it is computed in a batch or from the
last bars alone, whatever came before or comes after. In all of them rows before the first count as zero.
"""

import numpy as np

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.kernels import njit
from tradsys.features.stream.series import Series, recorded_by

_BLOCK = 2048


@recorded_by(Series.windowed)
def moving_sum(x: FloatArray, weights: FloatArray) -> FloatArray:
    """`out[t] = sum of weights[k] * x[t - k]`, shape (n_bars,).

    >>> moving_sum(np.array([1.0, 2.0, 4.0]), np.array([1.0, -0.5]))
    array([1. , 1.5, 3. ])
    """
    n_taps = len(weights)
    padded = np.concatenate([np.zeros(n_taps - 1 + -n_taps % 4), x])
    return _moving_sum(padded, np.concatenate([weights, np.zeros(-n_taps % 4)]), len(x))


@njit(cache=True)
def _moving_sum(padded: FloatArray, weights: FloatArray, n_bars: int) -> FloatArray:
    # Taps outside, rows inside: the inner loop has no carried sum, so it runs in vector registers without reordering.
    out = np.zeros(n_bars)
    last = len(weights) - 1
    for start in range(0, n_bars, _BLOCK):
        block = out[start : start + _BLOCK]
        size = len(block)
        for k in range(0, len(weights), 4):
            w0, w1, w2, w3 = weights[k], weights[k + 1], weights[k + 2], weights[k + 3]
            first = start + last - k
            x0 = padded[first : first + size]
            x1 = padded[first - 1 : first - 1 + size]
            x2 = padded[first - 2 : first - 2 + size]
            x3 = padded[first - 3 : first - 3 + size]
            for i in range(size):
                block[i] = (((block[i] + w0 * x0[i]) + w1 * x1[i]) + w2 * x2[i]) + w3 * x3[i]
    return out


@recorded_by(Series.decayed)
def decaying_sum(x: FloatArray, decay: float, window: int) -> FloatArray:
    """`out[t] = sum of decay ** k * x[t - k]` over the last `window` rows, shape (n_bars,).

    >>> decaying_sum(np.array([1.0, 2.0, 4.0]), 0.5, 2)
    array([1. , 2.5, 5. ])
    """
    sums: FloatArray = _decaying_sum(x, decay, window)
    return sums


@njit(cache=True)
def _decaying_sum(x: FloatArray, decay: float, window: int) -> FloatArray:
    # Two sums over n rows, one of them n rows earlier, make a sum over 2n. The sums over 1, 2, 4, ... rows that make up
    # the window are put one behind the other: some ten passes for 168 rows.
    n_bars, history = len(x), window - 1
    out = np.zeros(n_bars)
    sums, wider = np.empty(history + _BLOCK), np.empty(history + _BLOCK)
    for start in range(0, n_bars, _BLOCK):
        block = out[start : start + _BLOCK]
        length = history + len(block)
        known = min(start, history)
        sums[: history - known] = 0.0
        sums[history - known : length] = x[start - known : start + len(block)]
        rest, width, factor = window, 1, decay
        behind, weight = 0, 1.0
        while True:
            if rest % 2:
                part = sums[history - behind : length - behind]
                for i in range(len(block)):
                    block[i] += weight * part[i]
                behind += width
                weight *= factor
            rest //= 2
            if rest == 0:
                break
            recent, earlier, both = sums[width:length], sums[: length - width], wider[width:length]
            for i in range(len(both)):
                both[i] = recent[i] + factor * earlier[i]
            sums, wider = wider, sums
            factor *= factor
            width *= 2
    return out


def moving_mean(x: FloatArray, window: int) -> FloatArray:
    """Mean of the last `window` rows, shape (n_bars,)."""
    return decaying_sum(x, 1.0, window) / window


def standard_sum(x: FloatArray, window: int) -> FloatArray:
    """Sum of the last `window` rows over the root of their number, shape (n_bars,); keeps independent rows' scale."""
    return decaying_sum(x, 1.0, window) / float(np.sqrt(window))


def decaying_mean(x: FloatArray, decay: float, window: int) -> FloatArray:
    """Exponential average, cut after `window` rows, shape (n_bars,); its weights sum to one."""
    return decaying_sum(x, decay, window) / float(np.sum(decay ** np.arange(window)))


@recorded_by(Series.lagged)
def lagged(x: FloatArray, lag: int) -> FloatArray:
    """The value `lag` rows ago, zero where there was none, shape (n_bars,)."""
    return np.concatenate([np.zeros(min(lag, len(x))), x[: max(len(x) - lag, 0)]])


@recorded_by(lambda x: x.lagged(1))
def previous(x: FloatArray) -> FloatArray:
    """The value one row ago, in the first row its own, shape (n_bars,).

    Told bar by bar, the row before the first holds zero: no settled value reads it.
    """
    return np.concatenate([x[:1], x[:-1]])


@recorded_by(Series.looked_up)
def looked_up(rows: IntArray, table: FloatArray) -> FloatArray:
    """The entries of a table at these rows, shape (n_bars,)."""
    return table[rows]


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
