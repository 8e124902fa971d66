"""Timing against random entries: the same positions, circularly shifted against the market."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from tradsys.core.arrays import Float32Array, FloatArray
from tradsys.core.errors import DataError
from tradsys.verdict.refusals import finite

SLICE_BYTES = 64 << 20
MIN_GUARD_BARS = 200
MAX_GUARD_SHARE = 0.1
KEEP_EVERY = 4
LEAST_SPREAD = 1e-3
LEAST_RISK = np.float32(1e-2)
"""Floor of the realised risk, in average squared bar returns: below it float32's rounding would decide."""


@dataclass(frozen=True, slots=True)
class Shifted:
    """z of the actual timing, shape (n_trials,), and of every kept shift, shape (n_shifts, n_trials).

    Both are centred and scaled per trial over the kept shifts, or a drifting market would let the profile with the most
    exposure set the critical value for all. A trial that no shift changes, such as one that is always long, has z = 0
    and a null of 0: its timing decides nothing.
    """

    z: FloatArray
    null: FloatArray


def bar_returns(opens: FloatArray) -> FloatArray:
    """Return from each open to the symbol's next one, shape as `opens` (n_symbols, n_grid); 0 where there is no bar."""
    returns = np.zeros(opens.shape)
    for row, prices in zip(returns, opens, strict=True):
        at = np.flatnonzero(np.isfinite(prices) & (prices > 0))
        row[at[:-1]] = prices[at[1:]] / prices[at[:-1]] - 1
    return returns


def guard(n_grid: int, memory_bars: int) -> int:
    """Shifts left out at each end: too near the actual timing to be random; `memory_bars` is horizon + lookback."""
    return min(max(MIN_GUARD_BARS, 2 * memory_bars), int(n_grid * MAX_GUARD_SHARE))


def circular_shifts(positions: Sequence[Float32Array], returns: FloatArray, memory_bars: int) -> Shifted:
    """Compare each trial's positions, (n_symbols, n_grid) a trial, with all their circular shifts over `returns`.

    One shift moves all symbols and all trials together. The statistic is the gross return in units of its own realised
    risk, sum(pos R) / sqrt(sum(pos^2 R^2)), both sums over symbols too. Costs do not enter: a random entrant pays the
    same. All shifts come from one FFT a trial, in float32 and in slices of trials.
    """
    returns = finite(returns, "returns")
    n_trials, (n_symbols, n_grid) = len(positions), returns.shape
    left_out = guard(n_grid, memory_bars)
    kept = slice(max(left_out, 1), n_grid - left_out, KEEP_EVERY)
    scaled = (returns / max(float(returns.std()), 1e-12)).astype(np.float32)
    market, risk = scipy.fft.rfft(scaled), scipy.fft.rfft(np.square(scaled))
    z = np.zeros(n_trials)
    null = np.zeros((n_trials, len(range(*kept.indices(n_grid)))))
    step = max(1, SLICE_BYTES // (16 * n_symbols * n_grid))
    for first in range(0, n_trials, step):
        part = np.stack(positions[first : first + step])
        if not np.isfinite(part).all():
            raise DataError("positions must be finite, found NaN or infinity; 0 means flat")
        part /= np.maximum(np.abs(part).max(axis=(1, 2), keepdims=True), np.float32(1e-12))
        gain = _all_shifts(part, market, n_grid)
        spread = _all_shifts(np.square(part), risk, n_grid)
        u = (gain / np.sqrt(np.maximum(spread, LEAST_RISK))).astype(np.float64)
        draws = u[:, kept]
        centre, scale = draws.mean(axis=1), draws.std(axis=1)
        varies = scale > LEAST_SPREAD
        scale = np.where(varies, scale, np.inf)
        z[first : first + step] = (u[:, 0] - centre) / scale
        null[first : first + step] = (draws - centre[:, None]) / scale[:, None]
    return Shifted(z, null.T)


def _all_shifts(x: Float32Array, market: NDArray[np.complex64], n_grid: int) -> Float32Array:
    """Sum over s and i of x[k, s, i - j] r[s, i] for every shift j, shape (n_trials, n_grid)."""
    spectrum = (np.conj(scipy.fft.rfft(x)) * market).sum(axis=1)
    return np.asarray(scipy.fft.irfft(spectrum, n=n_grid), dtype=np.float32)
