"""Effective bid-ask spread estimated from open, high, low and close prices, and the step that prices move in."""

import numpy as np

from tradsys.core.arrays import FloatArray
from tradsys.core.kernels import njit

FINEST_STEP = 2e-6
"""A share of the price: half of a finer step is a hundredth of a basis point, and goes for none."""

_TOLERANCE = 1e-7
"""How far from a multiple a price may lie, as a share of it: what is left of prices that were stored in 32 bits."""


@njit(cache=True)
def squared_spread(open_: FloatArray, high: FloatArray, low: FloatArray, close: FloatArray) -> tuple[float, float]:
    """Signed estimate of the squared effective spread (a share of the price) of n bars, and its variance.

    NaN below three bars, or where fewer than two moved. Two moment conditions, in both of which the spread is what is
    left of products of neighbouring returns, weighted by each other's variance. The variance takes bars for
    independent. Every open that is the close before says a spread of 0.

    Ardia, Guidotti & Kroencke, "Efficient estimation of bid-ask spreads from open, high, low, and close prices",
    *Journal of Financial Economics* 161 (2024), 103916; the square of what their package `bidask` returns.
    """
    n = open_.size - 1
    if n < 2:
        return np.nan, np.nan
    o, h, lo, c = np.log(open_), np.log(high), np.log(low), np.log(close)
    mid = (h + lo) / 2.0
    moved, at_open, at_close, mean1, mean3, mean5 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for t in range(1, n + 1):
        if h[t] != lo[t] or lo[t] != c[t - 1]:
            moved += 1.0
            at_open += int(o[t] != h[t]) + int(o[t] != lo[t])
            at_close += int(c[t - 1] != h[t - 1]) + int(c[t - 1] != lo[t - 1])
        mean1 += mid[t] - o[t]
        mean3 += mid[t] - c[t - 1]
        mean5 += o[t] - c[t - 1]
    if moved < 2.0 or at_open == 0.0 or at_close == 0.0:
        return np.nan, np.nan
    mean1, mean3, mean5 = mean1 / moved, mean3 / moved, mean5 / moved
    of_open, of_close = -4.0 * n / at_open, -4.0 * n / at_close
    x1, x2 = np.empty(n), np.empty(n)
    for t in range(1, n + 1):
        tau = int(h[t] != lo[t] or lo[t] != c[t - 1])
        r2, r4, r5 = o[t] - mid[t - 1], c[t - 1] - mid[t - 1], o[t] - c[t - 1]
        d1, d3, d5 = mid[t] - o[t] - mean1 * tau, mid[t] - c[t - 1] - mean3 * tau, r5 - mean5 * tau
        x1[t - 1] = of_open * d1 * r2 + of_close * d3 * r4
        x2[t - 1] = of_open * d1 * r5 + of_close * d5 * r4
    v1, v2 = x1.var(), x2.var()
    w1 = v2 / (v1 + v2) if v1 + v2 > 0.0 else 0.5
    both = w1 * x1 + (1.0 - w1) * x2
    return both.mean(), both.var() / n


def effective_spread(open_: FloatArray, high: FloatArray, low: FloatArray, close: FloatArray) -> float:
    """The spread of n bars as a share of the price, signed: negative where noise outweighs it; NaN where unknown.

    >>> rng = np.random.default_rng(0)
    >>> at_bid_or_ask = rng.choice([99.5, 100.5], (500, 6)) + np.cumsum(rng.normal(0, 0.05, (500, 6))).reshape(500, 6)
    >>> high, low = at_bid_or_ask.max(axis=1), at_bid_or_ask.min(axis=1)
    >>> round(effective_spread(at_bid_or_ask[:, 0], high, low, at_bid_or_ask[:, -1]), 3)  # of 0.010
    0.011
    """
    value, _ = squared_spread(open_, high, low, close)
    return float(np.sign(value) * np.sqrt(np.abs(value)))


@njit(cache=True)
def price_step(prices: FloatArray) -> float:
    """The largest of 1, 2, 2.5 and 5 times a power of ten that all prices are multiples of; 0 where there is none.

    NaN where all prices are one, which says nothing of the steps between them. Steps below `FINEST_STEP` are not found.

    >>> price_step(np.array([10.25, 10.5, 11.75])), price_step(np.array([10.1, 10.123456789]))
    (0.25, 0.0)
    """
    top, bottom = prices.max(), prices.min()
    if top == bottom:
        return np.nan
    for power in range(int(np.ceil(np.log10(top))), int(np.floor(np.log10(FINEST_STEP * top))) - 1, -1):
        for mantissa in (5.0, 2.5, 2.0, 1.0):
            step = mantissa * 10.0**power if power >= 0 else mantissa / 10.0**-power
            if step > bottom * (1.0 + _TOLERANCE) or step > (top - bottom) * (1.0 + _TOLERANCE):
                continue
            if step < FINEST_STEP * top:
                return 0.0
            is_grid = True
            for price in prices:
                if abs(price - np.round(price / step) * step) > _TOLERANCE * price:
                    is_grid = False
                    break
            if is_grid:
                return step
    return 0.0
