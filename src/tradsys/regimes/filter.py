"""The forward filter: what the states were worth believing at each bar, knowing nothing of later bars."""

import numpy as np

from tradsys.core.arrays import FloatArray
from tradsys.core.kernels import njit
from tradsys.features.stream.series import Columns, filtered, recorded_by

LOG_2_PI = float(np.log(2 * np.pi))
_LEAST_TOTAL = 1e-250
_LEAST_PREDICTED = 1e-300
_SMALL = 1e-50
"""Times the least total it is still a float."""


def _gaussian_series(X: Columns, means: FloatArray, covariances: FloatArray) -> Columns:
    """`gaussian_log_likelihood`, traced bar by bar."""
    whitening, log_norm = _whitening(covariances)
    centred = [[x - m for x, m in zip(X.T, mean, strict=True)] for mean in means.tolist()]
    squares = [
        sum(sum(w * x for w, x in zip(row, apart, strict=True)) ** 2.0 for row in rows)
        for rows, apart in zip(whitening.tolist(), centred, strict=True)
    ]
    return Columns(tuple(norm - 0.5 * square for norm, square in zip(log_norm.tolist(), squares, strict=True)))


def _whitening(covariances: FloatArray) -> tuple[FloatArray, FloatArray]:
    # log det and the quadratic form both come from the inverse of the Cholesky factor
    whitening = np.linalg.inv(np.linalg.cholesky(covariances))
    log_norm = np.log(np.diagonal(whitening, axis1=1, axis2=2)).sum(axis=1) - 0.5 * covariances.shape[1] * LOG_2_PI
    return whitening, log_norm


def forward_filter(
    log_likelihood: FloatArray, transition: FloatArray, initial: FloatArray, *, may_overwrite: bool = False
) -> tuple[FloatArray, float]:
    """Filtered state probabilities (n, k), and the log-likelihood of all observations.

    `log_likelihood` (n, k) of each observation under each state, -inf allowed; `transition[i, j]` from i to j;
    `initial` (k,) at the first observation. Each row knows the observations up to its own alone: `alpha_t ∝ B(x_t) *
    (A' alpha_{t-1})`, in logarithms wherever the numbers grow too small. With `may_overwrite` the log-likelihoods'
    memory is used, which saves a copy.

    The first day of the umbrella example of Russell and Norvig, *Artificial Intelligence* (2010), 15.2:

    >>> rain = np.log([[0.9, 0.2]])
    >>> forward_filter(rain, np.array([[0.7, 0.3], [0.3, 0.7]]), np.array([0.5, 0.5]))[0].round(3)
    array([[0.818, 0.182]])
    """
    likelihood = np.array(log_likelihood, dtype=np.float64, order="C", copy=None if may_overwrite else True)
    filtered = np.empty(likelihood.shape)
    return filtered, fill_forward(likelihood, np.ascontiguousarray(transition.T), np.asarray(initial, float), filtered)


@recorded_by(filtered)
def window_filter(
    log_likelihood: FloatArray, transition: FloatArray, stationary: FloatArray, window: int
) -> FloatArray:
    """Filtered probabilities from the last `window` observations alone, (n, k); NaN in the first `window - 1` rows.

    What `forward_filter` gives when it is started anew, from the stationary distribution, `window` bars before each
    row, so that a value depends on exactly so many bars and never on where the history began. A filter is a product of
    matrices, and windows share the factors: van Herk's scheme forms the product of each window from a suffix of one
    block and a prefix of the next, three matrix products a bar whatever the window.

    Needs positive transition probabilities.
    """
    log_likelihood = np.ascontiguousarray(log_likelihood, dtype=np.float64)
    filtered = np.full(log_likelihood.shape, np.nan)
    if len(log_likelihood) >= window:
        _windows(log_likelihood, transition, stationary, window, filtered)
    return filtered


@recorded_by(_gaussian_series)
def gaussian_log_likelihood(X: FloatArray, means: FloatArray, covariances: FloatArray) -> FloatArray:
    """Log density of each row under each state's Gaussian: (n, d), (k, d), (k, d, d) -> (n, k)."""
    whitening, log_norm = _whitening(covariances)
    out = np.empty((len(X), len(means)))
    fill_gaussian(np.ascontiguousarray(X, dtype=np.float64), means, whitening, log_norm, out)
    return out


@njit(cache=True)
def fill_gaussian(
    X: FloatArray, means: FloatArray, whitening: FloatArray, log_norm: FloatArray, out: FloatArray
) -> None:
    """`gaussian_log_likelihood` of whitened states: the inverses of their Cholesky factors, and their constants."""
    n, d = X.shape
    for t in range(n):
        for s in range(len(means)):
            square = 0.0
            for i in range(d):
                z = 0.0
                for j in range(i + 1):
                    z += whitening[s, i, j] * (X[t, j] - means[s, j])
                square += z * z
            out[t, s] = log_norm[s] - 0.5 * square


@njit(cache=True, error_model="numpy")
def fill_forward(likelihood: FloatArray, into: FloatArray, initial: FloatArray, filtered: FloatArray) -> float:
    """Fill `filtered`; `into[j, i]` is the transition from i to j. Returns the log-likelihood.

    `likelihood` comes as logarithms and is left as ratios within each row, the likeliest one 1 where all is well.
    """
    n, k = likelihood.shape
    ratio = np.empty(k)
    total_log, product = 0.0, 1.0
    for t in range(n):
        best = likelihood[t].max()
        total = 0.0
        for j in range(k):
            predicted = 0.0
            if t == 0:
                predicted = initial[j]
            else:
                for i in range(k):
                    predicted += into[j, i] * filtered[t - 1, i]
            ratio[j] = np.exp(likelihood[t, j] - best) if best > -np.inf else 0.0
            filtered[t, j] = predicted * ratio[j]
            total += filtered[t, j]
        if total < _LEAST_TOTAL:  # the likely states could not be reached: compare the others in logarithms
            predicted_row = into @ filtered[t - 1] if t > 0 else initial.copy()
            best = _reached(likelihood[t], predicted_row, ratio)
            if best == -np.inf:  # the observation is impossible in every state: it moves no probability
                filtered[t:] = np.nan
                return -np.inf
            filtered[t] = predicted_row * ratio
            total = filtered[t].sum()
        for j in range(k):
            filtered[t, j] /= total
            likelihood[t, j] = ratio[j]
        total_log += best
        product *= total  # one logarithm for many rows
        if not _SMALL < product < 1.0 / _SMALL:
            total_log += np.log(product)
            product = 1.0
    return float(total_log + np.log(product))


@njit(cache=True)
def _reached(log_likelihood: FloatArray, predicted: FloatArray, ratio: FloatArray) -> float:
    """Fill one row's `ratio` so that the likeliest state that could be reached has 1; its log-likelihood there."""
    best = -np.inf
    for j in range(len(predicted)):
        ratio[j] = np.log(predicted[j]) + log_likelihood[j] if predicted[j] > _LEAST_PREDICTED else -np.inf
        best = max(best, ratio[j])
    for j in range(len(predicted)):
        ratio[j] = np.exp(ratio[j] - best) / predicted[j] if ratio[j] > -np.inf else 0.0
    return best


@njit(cache=True)
def _windows(
    log_likelihood: FloatArray, transition: FloatArray, stationary: FloatArray, window: int, filtered: FloatArray
) -> None:
    n, k = log_likelihood.shape
    suffix = np.empty((window, k))  # row s: stationary distribution carried from s to the end of its block
    prefix = np.empty((k, k))
    step, product = np.empty((k, k)), np.empty((k, k))
    for block in range(0, n, window):
        # prefixes of this block meet the suffixes of the block before
        for t in range(block, min(block + window, n)):
            _step(log_likelihood[t], transition, step)
            if t == block:
                prefix[:] = step
            else:
                _product(prefix, step, product)
                prefix[:] = product
            first = t - window + 1
            if first >= 0:
                _carry(suffix[first % window] if first < block else stationary, prefix, filtered[t])
        if block + window <= n:
            product[:] = np.eye(k)
            for t in range(block + window - 1, block - 1, -1):
                _step(log_likelihood[t], transition, step)
                _product(step, product, prefix)
                product[:] = prefix
                _carry(stationary, product, suffix[t - block])


@njit(cache=True)
def _step(log_likelihood: FloatArray, transition: FloatArray, out: FloatArray) -> None:
    """One bar as a matrix: to state j from state i, and what was observed there."""
    best = log_likelihood.max()
    for j in range(len(log_likelihood)):
        likelihood = np.exp(log_likelihood[j] - best)
        for i in range(len(log_likelihood)):
            out[i, j] = transition[i, j] * likelihood


@njit(cache=True)
def _product(a: FloatArray, b: FloatArray, out: FloatArray) -> None:
    """`out = a @ b`, scaled to a largest entry of one."""
    k = len(a)
    largest = 0.0
    for i in range(k):
        for j in range(k):
            total = 0.0
            for m in range(k):
                total += a[i, m] * b[m, j]
            out[i, j] = total
            largest = max(largest, total)
    for i in range(k):
        for j in range(k):
            out[i, j] /= largest


@njit(cache=True)
def _carry(start: FloatArray, matrix: FloatArray, out: FloatArray) -> None:
    """`out = start @ matrix`, scaled to a sum of one."""
    k = len(start)
    total = 0.0
    for j in range(k):
        value = 0.0
        for i in range(k):
            value += start[i] * matrix[i, j]
        out[j] = value
        total += value
    for j in range(k):
        out[j] /= total
