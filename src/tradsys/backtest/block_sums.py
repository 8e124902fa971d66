"""Intervals from blocks of days, drawn again and again: what a simulation's numbers might have been."""

import numpy as np

from tradsys.core.arrays import FloatArray
from tradsys.core.seeds import generator

TAIL = 0.025
MIN_BLOCKS = 5
"""With fewer blocks than this there is no interval."""


def circular_block_sums(daily: FloatArray, *, block_days: int, n_draws: int, seed: int) -> FloatArray:
    """Sums over circular blocks of days drawn with replacement, (n_days, n_columns) -> (n_draws, n_columns).

    A draw holds as many whole blocks as fit into the days; none are drawn where fewer than `MIN_BLOCKS` fit.

    Politis & Romano, in *Exploring the Limits of Bootstrap* (1992), p. 263.
    """
    n_days = len(daily)
    n_blocks = n_days // block_days
    if n_blocks < MIN_BLOCKS:
        return np.empty((0, daily.shape[1]))
    starts = generator(seed, "metrics").integers(0, n_days, size=(n_draws, n_blocks))
    rolled = np.concatenate([np.zeros((1, daily.shape[1])), np.cumsum(np.tile(daily, (2, 1)), axis=0)])
    blocks = rolled[block_days : block_days + n_days] - rolled[:n_days]
    sums = np.zeros((n_draws, daily.shape[1]))
    for drawn in starts.T:  # block by block: in another order the last bits would be others
        sums += blocks[drawn]
    return sums


def percentile_interval(draws: FloatArray) -> tuple[float | None, float | None]:
    """The middle 95% of the draws; (None, None) where more than one in twenty is undefined."""
    defined = draws[np.isfinite(draws)]
    if len(defined) == 0 or len(defined) < 0.95 * len(draws):
        return None, None
    low, high = np.quantile(defined, [TAIL, 1.0 - TAIL])
    return float(low), float(high)
