"""Linear combinations of columns whose bits depend on their own row alone, however many rows are asked at once.

A matrix product does not have that: the library chooses its loop by the number of rows, and each loop rounds otherwise.
A bot that asks for one bar would answer otherwise than the batch that it was judged by.
"""

import numpy as np

from tradsys.core.arrays import FloatArray
from tradsys.core.kernels import njit


def linear(X: FloatArray, coef: FloatArray, intercept: FloatArray | float = 0.0) -> FloatArray:
    """`X @ coef + intercept`: (n, F) and (F,) -> (n,), or (n, F) and (F, k) -> (n, k); NaN where the row has NaN.

    >>> linear(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([0.5, -1.0]), 1.0)
    array([-0.5, -1.5])
    """
    columns = np.ascontiguousarray(coef.T if coef.ndim == 2 else coef[None], np.float64)
    out = np.empty((len(X), len(columns)))
    out[:] = intercept
    _add_products(np.asarray(X, np.float64), columns, out)
    return out if coef.ndim == 2 else out[:, 0]


@njit(cache=True)
def _add_products(X: FloatArray, columns: FloatArray, out: FloatArray) -> None:
    """Add to `out` (n, k) what X (n, F) gives with `columns` (k, F), column after column."""
    for row in range(X.shape[0]):
        for k in range(columns.shape[0]):
            total = 0.0
            for f in range(X.shape[1]):
                total += X[row, f] * columns[k, f]
            out[row, k] += total
