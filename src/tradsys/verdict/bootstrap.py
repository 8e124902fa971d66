"""Circular block bootstrap of mean daily returns, studentised in every draw: whether there is money after costs."""

from dataclasses import dataclass

import numpy as np
from numba import njit

from tradsys.core.arrays import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Studentised:
    """t of the mean, shape (n_trials,), and its draws around the same mean, shape (n_draws, n_trials).

    `long_run_sd` (n_trials,) is the standard deviation of the mean times the root of the number of days.
    """

    t: FloatArray
    draws: FloatArray
    long_run_sd: FloatArray


def studentised_blocks(daily: FloatArray, block_days: int, n_draws: int, rng: np.random.Generator) -> Studentised:
    """Bootstrap the mean of every trial's daily returns, (n_trials, n_days), with the same blocks for all trials.

    The long-run variance comes from overlapping circular block sums, in every draw from the drawn ones; a trial whose
    block sums never move has t = 0.

    Goetze and Kuensch, "Second-order correctness of the blockwise bootstrap", Annals of Statistics 24 (1996).
    """
    n_days = daily.shape[1]
    centred = daily - daily.mean(axis=1, keepdims=True)
    wrapped = np.concatenate([np.zeros((len(daily), 1)), centred, centred[:, :block_days]], axis=1).cumsum(axis=1)
    sums = np.ascontiguousarray((wrapped[:, block_days:] - wrapped[:, :-block_days])[:, :n_days].T)
    long_run_sd = np.sqrt((sums**2).mean(axis=0) / block_days)
    moves = long_run_sd > 1e-9 * np.abs(daily).max(axis=1)
    t = np.zeros(len(daily))
    np.divide(daily.mean(axis=1) * np.sqrt(n_days), long_run_sd, out=t, where=moves)
    starts = rng.integers(n_days, size=(n_draws, n_days // block_days))
    scaled = np.divide(sums, long_run_sd * np.sqrt(block_days), out=np.zeros_like(sums), where=moves)
    return Studentised(t, _draws(scaled, starts), long_run_sd)


@njit(cache=True)
def _draws(sums: FloatArray, starts: IntArray) -> FloatArray:
    """Studentised means of resampled block sums (n_days, n_trials), already scaled to unit variance."""
    n_draws, n_blocks = starts.shape
    n_trials = sums.shape[1]
    draws = np.empty((n_draws, n_trials))
    total = np.empty(n_trials)
    square = np.empty(n_trials)
    for b in range(n_draws):
        total[:] = 0.0
        square[:] = 0.0
        for i in range(n_blocks):
            drawn = sums[starts[b, i]]
            for k in range(n_trials):
                total[k] += drawn[k]
                square[k] += drawn[k] * drawn[k]
        for k in range(n_trials):
            mean = total[k] / n_blocks
            variance = square[k] / n_blocks - mean * mean
            # a draw of one repeated block has no spread of its own: as extreme as can be, in its direction
            draws[b, k] = (
                np.sign(mean) * 1e3 if variance <= 1e-12 * mean * mean else mean * np.sqrt(n_blocks / variance)
            )
    return draws
