"""What a record earned beyond its exposure to the market: its alpha, a day."""

from typing import Final, Literal

import numpy as np

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.time import DAY_MS
from tradsys.verdict.shift import bar_returns

type Benchmark = Literal["symbols", "universe"]
"""What a record is measured against: holding each of its symbols, or its whole universe in equal parts."""

DAYS_A_SYMBOL: Final = 20
"""Days that each exposure is measured from, at least; a market of more symbols is taken as one universe."""

STILL: Final = 1e-3
"""Alphas that move by less than this share of the record's own moves are the rounding of a constant position."""


def market_days(opens: FloatArray, grid: IntArray, days: IntArray, benchmark: Benchmark) -> FloatArray:
    """Daily returns of what is held against, (n_symbols, n_days), or (1, n_days) of a universe or of very many symbols.

    A symbol's day is compounded from the returns between its `opens` (n_symbols, n_grid), each on the day of the bar
    that it begins in (`grid`, ms; `days`, UTC day numbers). A universe's is the mean of the symbols that moved then.
    """
    place = np.searchsorted(days, grid // DAY_MS)
    growth = np.log1p(bar_returns(opens))
    returns = np.array([np.expm1(np.bincount(place, row, minlength=len(days))) for row in growth])
    if benchmark == "symbols" and len(returns) * DAYS_A_SYMBOL <= len(days):
        return returns
    n_moved = np.count_nonzero(returns, axis=0)
    return np.asarray(returns.sum(axis=0) / np.maximum(n_moved, 1))[None]


def alpha_days(daily: FloatArray, market: FloatArray) -> FloatArray:
    """Each trial's daily net returns (n_trials, n_days) less its exposures times the market's returns, same shape.

    Exposures are the slopes of the regression of the net returns on those of the `market` (n_symbols, n_days), with an
    intercept: Jensen's alpha, day by day. They are known only afterwards, as befits a test: a constant position has no
    alpha, and what is left is what was earned by changing it, less all costs.

    >>> alpha_days(np.array([[0.02, -0.01, 0.03]]), np.array([[0.02, -0.01, 0.03]])).tolist()
    [[0.0, 0.0, 0.0]]

    Jensen, "The performance of mutual funds in the period 1945-1964", Journal of Finance 23 (1968).
    """
    centred = market - market.mean(axis=1, keepdims=True)
    exposure = np.linalg.lstsq(centred.T, (daily - daily.mean(axis=1, keepdims=True)).T)[0].T
    alpha = daily - exposure @ market
    is_still = np.ptp(alpha, axis=1) <= STILL * np.ptp(daily, axis=1)
    alpha[is_still] = 0.0
    return np.asarray(alpha)
