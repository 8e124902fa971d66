"""Resampling of dependent rows: the stationary bootstrap, and circular blocks of days with a studentised mean."""

from dataclasses import dataclass
from math import ceil, log10, sqrt

import numpy as np
import scipy.fft

from tradsys.core.arrays import BoolArray, FloatArray, IntArray
from tradsys.core.errors import ConfigError, DataError
from tradsys.core.kernels import njit
from tradsys.verdict.refusals import finite


@dataclass(frozen=True, slots=True)
class Draws:
    """Sums of resampled columns around their means, and each draw's own estimate of the sums' variance.

    Both have shape (n_draws, n_columns).
    """

    sums: FloatArray
    variances: FloatArray


def stationary_sums(values: FloatArray, block_length: float, n_draws: int, rng: np.random.Generator) -> Draws:
    """Stationary bootstrap of all columns of `values` (n_obs, n_columns) together.

    A row follows its predecessor with probability 1 - 1 / block_length and is drawn afresh otherwise; the series wraps.
    A draw's variance is that of its own blocks around what their lengths explain.

    Politis and Romano, "The stationary bootstrap", Journal of the American Statistical Association 89 (1994).
    """
    values = finite(values, "values")
    shape = (n_draws, len(values))
    is_new = rng.random(shape) < 1 / block_length
    is_new[:, 0] = True
    fresh = rng.integers(len(values), size=shape)
    return Draws(*_resample(np.ascontiguousarray(values - values.mean(axis=0)), is_new, fresh))


def long_run_variance(values: FloatArray, block_length: float) -> FloatArray:
    """Variance of sqrt(n_obs) times the resampled column means, in closed form, shape (n_columns,).

    Politis and Romano (1994), lemma 1; Hansen (2005), section 3.2.1.
    """
    values = finite(values, "values")
    n_obs = len(values)
    centred = values - values.mean(axis=0)
    autocovariance = _autocovariance(centred)
    lag = np.arange(1, n_obs)
    keep = 1 - 1 / block_length
    kernel = (n_obs - lag) / n_obs * keep**lag + lag / n_obs * keep ** (n_obs - lag)
    return np.asarray(autocovariance[0] + 2 * kernel @ autocovariance[1:])


def optimal_block_length(values: FloatArray) -> float:
    """Mean block length of the stationary bootstrap that suits a series, shape (n_obs,), best; at least 1.

    Politis and White, "Automatic block-length selection for the dependent bootstrap", Econometric Reviews 23 (2004),
    with the correction of Patton, Politis and White, Econometric Reviews 28 (2009).
    """
    values = finite(values, "values")
    n_obs = len(values)
    if n_obs < 10 or not np.ptp(values) > 0:
        raise DataError(f"a block length needs at least 10 values that move, found {n_obs}")
    centred = values - values.mean()
    run = max(5, int(log10(n_obs)))
    n_lags = min(ceil(sqrt(n_obs)) + run, n_obs - 2)
    covariance = _autocovariance(centred)[: n_lags + 1]
    head = np.cumsum(centred[::-1] ** 2)[::-1]
    tail = np.cumsum(centred**2)
    lags = np.arange(n_lags + 1)
    correlation = np.abs(covariance) * n_obs / np.sqrt(head[lags + 1] * tail[n_obs - 2 - lags])
    is_small = correlation < 2 * sqrt(log10(n_obs) / n_obs)
    # the first lag from which `run` correlations in a row mean nothing
    quiet = [lag for lag in range(n_lags - run + 1) if is_small[lag : lag + run].all()]
    bandwidth = min(2 * max(quiet[0], 1), n_lags) if quiet else n_lags
    lag = np.arange(1, bandwidth + 1)
    taper = np.minimum(1.0, 2 * (1 - lag / bandwidth))
    spread = 2 * (taper * lag) @ covariance[1 : bandwidth + 1]
    variance = covariance[0] + 2 * taper @ covariance[1 : bandwidth + 1]
    best = (spread**2 / variance**2 * n_obs) ** (1 / 3) if variance != 0 else np.inf
    return min(max(float(best), 1.0), float(ceil(min(3 * sqrt(n_obs), n_obs / 3))))


def mean_block(values: FloatArray, given: float | None) -> float:
    """The mean block that was given, or the longest that a moving column of `values` (n_obs, n_columns) asks for."""
    if given is None:
        return max((optimal_block_length(column) for column in values.T if np.ptp(column) > 0), default=1.0)
    if not 1 <= given <= len(values):
        raise ConfigError(f"block_length must lie between 1 and {len(values)}, was {given}")
    return float(given)


def _autocovariance(centred: FloatArray) -> FloatArray:
    """At every lag from 0, shape of `centred` (n_obs, ...); by FFT, padded so that nothing wraps."""
    n_obs = len(centred)
    size = scipy.fft.next_fast_len(2 * n_obs, real=True)
    spectrum = np.abs(scipy.fft.rfft(centred, n=size, axis=0)) ** 2
    return np.asarray(scipy.fft.irfft(spectrum, n=size, axis=0)[:n_obs] / n_obs)


@njit(cache=True)
def _resample(values: FloatArray, is_new: BoolArray, fresh: IntArray) -> tuple[FloatArray, FloatArray]:
    n_draws, n_obs = is_new.shape
    n_columns = values.shape[1]
    sums = np.zeros((n_draws, n_columns))
    variances = np.empty((n_draws, n_columns))
    for b in range(n_draws):
        block = np.zeros(n_columns)
        square = np.zeros(n_columns)
        cross = np.zeros(n_columns)
        lengths, length, row = 0.0, 0.0, 0
        for i in range(n_obs + 1):
            if i == n_obs or is_new[b, i]:
                for k in range(n_columns):
                    sums[b, k] += block[k]
                    square[k] += block[k] * block[k]
                    cross[k] += block[k] * length
                    block[k] = 0.0
                lengths += length * length
                length = 0.0
                if i == n_obs:
                    break
                row = fresh[b, i]
            else:
                row = (row + 1) % n_obs
            length += 1.0
            for k in range(n_columns):
                block[k] += values[row, k]
        for k in range(n_columns):
            mean = sums[b, k] / n_obs
            variances[b, k] = max(square[k] - 2 * mean * cross[k] + mean * mean * lengths, 0.0)
    return sums, variances


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
    daily = finite(daily, "daily returns")
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
