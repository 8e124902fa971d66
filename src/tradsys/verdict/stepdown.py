"""Multiple testing: p-values that hold for the best of many, and the effective number of correlated trials."""

import numpy as np

from tradsys.core.arrays import FloatArray
from tradsys.core.errors import DataError


def romano_wolf(observed: FloatArray, null: FloatArray) -> FloatArray:
    """Step-down adjusted p-values, shape (n_trials,), of large `observed` statistics.

    `null` (n_draws, n_trials) are joint draws of the same statistics where nothing is there. Each trial competes with
    the largest draw among itself and all trials below it; p-values never fall as the statistic falls.

    Romano and Wolf, "Exact and approximate stepdown methods", Journal of the American Statistical Association 100
    (2005); p-values as in Romano and Wolf (2016), with the observed data counted among the draws.
    """
    if null.ndim != 2 or null.shape[1] != len(observed) or not len(null):
        raise DataError(f"the null needs shape (n_draws, {len(observed)}), found {null.shape}")
    rising = np.argsort(observed, kind="stable")
    largest = np.maximum.accumulate(null[:, rising], axis=1)
    p = (1 + (largest >= observed[rising]).sum(axis=0)) / (1 + len(null))
    adjusted = np.empty(len(observed))
    adjusted[rising] = np.maximum.accumulate(p[::-1])[::-1]
    return adjusted


def sidak(p: FloatArray) -> FloatArray:
    """Chance that the smallest of as many independent p-values is this small, shape (n_trials,)."""
    return np.asarray(-np.expm1(len(p) * np.log1p(-np.minimum(p, 1 - 1e-16))))


def holm(p: FloatArray) -> FloatArray:
    """Step-down Bonferroni: valid under any dependence, shape (n_trials,).

    Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6 (1979).
    """
    rising = np.argsort(p, kind="stable")
    adjusted = np.empty(len(p))
    adjusted[rising] = np.minimum(np.maximum.accumulate(p[rising] * np.arange(len(p), 0, -1)), 1.0)
    return adjusted


def effective_trials(returns: FloatArray) -> float:
    """Effective rank of the correlations of trials' returns (n_trials, n_obs): 1 for copies, n_trials for strangers.

    The exponential of the entropy of the correlation matrix's eigenvalues, as shares of their sum. Opposite trials
    count as copies: both are looks at the same thing. A trial that never moves has no correlation and must be left out.

    >>> effective_trials(np.array([[1.0, -1.0, 1.0, -1.0], [1.0, 1.0, -1.0, -1.0], [2.0, 2.0, -2.0, -2.0]]))
    1.88...

    Roy and Vetterli, "The effective rank", EUSIPCO (2007), definition 1. Of 100 trials that correlate by .5 the best is
    as good by luck as the best of 16 independent ones; the effective rank says 19, the participation ratio of the
    eigenvalues 4, and the mean correlation (Bailey and Lopez de Prado, 2014, appendix 3) 50.
    """
    is_flat = np.ptp(returns, axis=1) <= 0
    if is_flat.any():
        raise DataError(f"trials {np.flatnonzero(is_flat).tolist()} never move; leave them out")
    centred = returns - returns.mean(axis=1, keepdims=True)
    unit = centred / np.sqrt((centred**2).sum(axis=1, keepdims=True))
    # both products have the same eigenvalues but for zeros
    eigenvalues = np.linalg.eigvalsh(unit @ unit.T if len(unit) <= unit.shape[1] else unit.T @ unit)
    share = eigenvalues[eigenvalues > 1e-12 * len(unit)] / len(unit)
    return max(1.0, float(np.exp(-(share * np.log(share)).sum())))
