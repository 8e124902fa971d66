"""The effective number of trials: how many independent ones correlated trials are worth."""

import numpy as np

from tradsys.core.arrays import FloatArray
from tradsys.core.errors import DataError


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
