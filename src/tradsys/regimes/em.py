"""Baum-Welch for Gaussian states as one compiled kernel: steps of EM that change a model's arrays in place."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.kernels import njit
from tradsys.regimes.filter import LOG_2_PI, fill_forward, fill_gaussian


class Chain(NamedTuple):
    """A hidden Markov model as arrays: `initial` (k,), `transition` (k, k), `means` (k, d), `covariances` (k, d, d)."""

    initial: FloatArray
    transition: FloatArray
    means: FloatArray
    covariances: FloatArray


class _Expected(NamedTuple):
    """What the states are expected to have been, summed over the rows.

    `first` (k,) of the runs' first rows, `joint` (k, k) of neighbouring rows, still without the transition's factor,
    `weight` (k,) of all rows; of each state's rows less its last mean `apart` (k, d) and, in the lower half,
    `squares` (k, d, d).
    """

    first: FloatArray
    joint: FloatArray
    weight: FloatArray
    apart: FloatArray
    squares: FloatArray


class _Room(NamedTuple):
    """What each step fills anew: two arrays (n, k), and each Gaussian's whitening (k, d, d) and constant (k,)."""

    likelihood: FloatArray
    filtered: FloatArray
    whitening: FloatArray
    log_norm: FloatArray


def run_em(
    chain: Chain,
    X: FloatArray,
    lengths: Sequence[int],
    *,
    prior: float,
    is_full: bool = True,
    n_steps: int,
    enough: float,
) -> tuple[list[float], bool]:
    """The log-likelihood before each step of EM, and whether all states kept a variance; `chain` is changed in place.

    `X` (n, d) are unbroken runs of `lengths` rows. Ends after the step before which the log-likelihood had gained less
    than `enough`, after `n_steps`, or where a state's covariance is not positive definite any more. `prior` is added to
    each column's sum of squares in each state; without `is_full` the columns stay uncorrelated.

    Baum, Petrie, Soules and Weiss, *Annals of Mathematical Statistics* 41 (1970), with each row's probabilities scaled
    to a sum of one: Rabiner, *Proceedings of the IEEE* 77 (1989), V.A.
    """
    (n, d), k = X.shape, len(chain.initial)
    sums = _Expected(np.empty(k), np.empty((k, k)), np.empty(k), np.empty((k, d)), np.empty((k, d, d)))
    room = _Room(np.empty((n, k)), np.empty((n, k)), np.zeros((k, d, d)), np.empty(k))
    history = np.empty(n_steps)
    rows, ends = np.ascontiguousarray(X, dtype=np.float64), np.cumsum(lengths)
    n_done, is_positive = _steps(chain, rows, ends, prior, is_full, enough, sums, room, history)
    return history[:n_done].tolist(), is_positive


@njit(cache=True, error_model="numpy")
def _steps(
    chain: Chain,
    X: FloatArray,
    ends: IntArray,
    prior: float,
    is_full: bool,
    enough: float,
    sums: _Expected,
    room: _Room,
    history: FloatArray,
) -> tuple[int, bool]:
    for step in range(len(history)):
        if not _whiten(chain.covariances, room.whitening, room.log_norm):
            return step, False
        history[step] = _expect(chain, X, ends, sums, room)
        _maximise(chain, sums, len(ends), prior, is_full)
        if step > 0 and history[step] - history[step - 1] < enough:
            return step + 1, True
    return len(history), True


@njit(cache=True, error_model="numpy")
def _whiten(covariances: FloatArray, whitening: FloatArray, log_norm: FloatArray) -> bool:
    """The inverse of each Cholesky factor, and the constant of its log density; False where there is none."""
    k, d = covariances.shape[:2]
    for s in range(k):
        factor = np.zeros((d, d))
        log_norm[s] = -0.5 * d * LOG_2_PI
        for i in range(d):
            for j in range(i + 1):
                left = covariances[s, i, j]
                for m in range(j):
                    left -= factor[i, m] * factor[j, m]
                if i > j:
                    factor[i, j] = left / factor[j, j]
                elif left > 0.0:  # false for a NaN too
                    factor[i, i] = np.sqrt(left)
                else:
                    return False
            log_norm[s] -= np.log(factor[i, i])
            whitening[s, i, i] = 1.0 / factor[i, i]
            for j in range(i):
                left = 0.0
                for m in range(j, i):
                    left -= factor[i, m] * whitening[s, m, j]
                whitening[s, i, j] = left / factor[i, i]
    return True


@njit(cache=True, error_model="numpy")
def _expect(chain: Chain, X: FloatArray, ends: IntArray, sums: _Expected, room: _Room) -> float:
    """Fill `sums` given the model as it is; its log-likelihood."""
    sums.first[:] = 0.0
    sums.joint[:] = 0.0
    sums.weight[:] = 0.0
    sums.apart[:] = 0.0
    sums.squares[:] = 0.0
    into = chain.transition.T.copy()
    total, begin = 0.0, 0
    fill_gaussian(X, chain.means, room.whitening, room.log_norm, room.likelihood)
    for end in ends:
        likelihood, filtered = room.likelihood[begin:end], room.filtered[begin:end]
        total += fill_forward(likelihood, into, chain.initial, filtered)
        _backward(chain, X[begin:end], likelihood, filtered, sums)
        begin = end
    return total


@njit(cache=True, error_model="numpy")
def _backward(chain: Chain, X: FloatArray, likelihood: FloatArray, filtered: FloatArray, sums: _Expected) -> None:
    """Add one run: what later rows tell of each row, from the last one to the first."""
    (n, k), d = likelihood.shape, X.shape[1]
    later, seen, apart = np.ones(k), np.empty(k), np.empty(d)
    for t in range(n - 1, -1, -1):
        if t < n - 1:
            total = 0.0
            for i in range(k):
                later[i] = 0.0
                for j in range(k):
                    later[i] += chain.transition[i, j] * seen[j]
                total += filtered[t, i] * later[i]
            for i in range(k):
                later[i] /= total
                share = filtered[t, i] / total
                for j in range(k):
                    sums.joint[i, j] += share * seen[j]
        for s in range(k):
            share = filtered[t, s] * later[s]
            sums.weight[s] += share
            for i in range(d):
                apart[i] = X[t, i] - chain.means[s, i]
                sums.apart[s, i] += share * apart[i]
                for j in range(i + 1):
                    sums.squares[s, i, j] += share * apart[i] * apart[j]
            seen[s] = likelihood[t, s] * later[s]
            if t == 0:
                sums.first[s] += share


@njit(cache=True, error_model="numpy")
def _maximise(chain: Chain, sums: _Expected, n_runs: int, prior: float, is_full: bool) -> None:
    """Change the model to what `sums` make likeliest."""
    k, d = chain.means.shape
    for s in range(k):
        chain.initial[s] = sums.first[s] / n_runs
        left = 0.0
        for j in range(k):
            chain.transition[s, j] *= sums.joint[s, j]
            left += chain.transition[s, j]
        for j in range(k):
            chain.transition[s, j] = chain.transition[s, j] / left if left > 0.0 else 1.0 / k
        for i in range(d):
            moved = sums.apart[s, i] / sums.weight[s]
            for j in range(i + 1):
                other = sums.apart[s, j] / sums.weight[s]
                squares = sums.squares[s, i, j] - sums.weight[s] * moved * other
                if i == j:
                    squares += prior
                elif not is_full:
                    squares = 0.0
                chain.covariances[s, i, j] = chain.covariances[s, j, i] = squares / sums.weight[s]
        for i in range(d):
            chain.means[s, i] += sums.apart[s, i] / sums.weight[s]
