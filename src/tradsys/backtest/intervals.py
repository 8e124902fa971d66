"""Bootstrap intervals at 95% from circular blocks of days, for whatever can be computed from daily sums."""

import numpy as np
from numba import njit

from tradsys.core.arrays import FloatArray, IntArray
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
    return _sum_blocks(rolled[block_days : block_days + n_days] - rolled[:n_days], starts)


def percentile_interval(draws: FloatArray) -> tuple[float | None, float | None]:
    """The middle 95% of the draws; (None, None) where more than one in twenty is undefined."""
    defined = draws[np.isfinite(draws)]
    if len(defined) == 0 or len(defined) < 0.95 * len(draws):
        return None, None
    low, high = np.quantile(defined, [TAIL, 1.0 - TAIL])
    return float(low), float(high)


@njit(cache=True)
def _sum_blocks(blocks: FloatArray, starts: IntArray) -> FloatArray:
    sums = np.zeros((starts.shape[0], blocks.shape[1]))
    for b in range(starts.shape[0]):
        for i in range(starts.shape[1]):
            for m in range(blocks.shape[1]):
                sums[b, m] += blocks[starts[b, i], m]
    return sums
