"""Forward-backward and one step of EM written plainly in logarithms, to hold the compiled ones against."""

from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp
from scipy.stats import multivariate_normal


class Posterior(NamedTuple):
    """Of one run its log-likelihood, rows' states (n, k) and neighbouring rows' (n - 1, k, k), knowing all rows."""

    log_likelihood: float
    states: np.ndarray
    pairs: np.ndarray


def posterior(X, initial, transition, means, covariances) -> Posterior:
    with np.errstate(divide="ignore"):
        pi, A = np.log(initial), np.log(transition)
    density = np.column_stack([multivariate_normal(m, c).logpdf(X) for m, c in zip(means, covariances, strict=True)])
    density = density.reshape(len(X), len(means))
    forward, backward = np.empty_like(density), np.zeros_like(density)
    forward[0] = pi + density[0]
    for t in range(1, len(X)):
        forward[t] = density[t] + logsumexp(forward[t - 1][:, None] + A, axis=0)
    for t in range(len(X) - 2, -1, -1):
        backward[t] = logsumexp(A + (density[t + 1] + backward[t + 1])[None], axis=1)
    total = float(logsumexp(forward[-1]))
    pairs = forward[:-1, :, None] + A + (density[1:] + backward[1:])[:, None]
    return Posterior(total, np.exp(forward + backward - total), np.exp(pairs - total))


def em_step(X, lengths, initial, transition, means, covariances, *, prior, is_full):
    """The log-likelihood of the model, and the model after one step."""
    runs = np.split(X, np.cumsum(lengths)[:-1])
    found = [posterior(run, initial, transition, means, covariances) for run in runs]
    states = np.concatenate([one.states for one in found])
    joint = np.sum([one.pairs.sum(axis=0) for one in found], axis=0)
    weight = states.sum(axis=0)
    means = states.T @ X / weight[:, None]
    apart = X[:, None] - means
    squares = np.einsum("tk,tki,tkj->kij", states, apart, apart) + prior * np.eye(X.shape[1])
    if not is_full:
        squares *= np.eye(X.shape[1])
    return sum(one.log_likelihood for one in found), (
        np.mean([one.states[0] for one in found], axis=0),
        joint / joint.sum(axis=1, keepdims=True),
        means,
        squares / weight[:, None, None],
    )


def likeliest_path(log_density, initial, transition):
    """The states of the likeliest path (Viterbi), (n,)."""
    best, before = np.log(initial) + log_density[0], np.empty(log_density.shape, int)
    for t in range(1, len(log_density)):
        ways = best[:, None] + np.log(transition)
        before[t] = ways.argmax(axis=0)
        best = ways.max(axis=0) + log_density[t]
    path = [int(best.argmax())]
    for t in range(len(log_density) - 1, 0, -1):
        path.append(int(before[t, path[-1]]))
    return np.array(path[::-1])
