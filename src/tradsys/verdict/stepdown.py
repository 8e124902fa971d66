"""Multiple-testing p-values for the best of many: Romano-Wolf from a joint null, Sidak and Holm without one."""

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
