"""Base rates of labels by the Krichevsky-Trofimov estimate, which is never 0 or 1."""

import numpy as np

from tradsys.core.arrays import FloatArray


def base_rate(y: FloatArray, weight: FloatArray) -> FloatArray:
    """Weighted share of each column of `y` in {0, 1} that came true, (n, n_sides) -> (n_sides,); never 0 or 1.

    >>> base_rate(np.array([[1.0, 0.0], [1.0, 0.0]]), np.ones((2, 2)))
    array([0.83333333, 0.16666667])
    """
    return np.asarray(krichevsky_trofimov((weight * y).sum(axis=0), weight.sum(axis=0)))


def krichevsky_trofimov[T: (float, FloatArray)](n_true: T, n: T) -> T:
    """The rate of `n_true` in `n` trials with half a success and half a failure in advance, so that none is certain.

    Krichevsky and Trofimov, "The performance of universal encoding", IEEE Transactions on Information Theory 27 (1981).
    """
    return (n_true + 0.5) / (n + 1.0)
