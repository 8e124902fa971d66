"""Quadratic minima over weights that are not negative and sum to at most one."""

import numpy as np

from tradsys.core.arrays import FloatArray

_MAX_STEPS = 2000


def minimise(curvature: FloatArray, gradient: FloatArray, at: FloatArray, n_groups: int) -> FloatArray:
    """The minimum of gradient . (w - at) + (w - at) . curvature . (w - at) / 2 where each group of w is allowed.

    Shapes (n, n), (n,), (n,); `w` consists of `n_groups` groups of equal length, each not negative with a sum of at
    most one, as `at` is.

    Beck & Teboulle, "A fast iterative shrinkage-thresholding algorithm", *SIAM J. Imaging Sciences* 2 (2009), with the
    restart of O'Donoghue & Candès (2015).
    """
    rate = 1.0 / float(np.linalg.eigvalsh(curvature)[-1])
    w, ahead, momentum = at, at, 1.0
    for _ in range(_MAX_STEPS):
        slope = gradient + curvature @ (ahead - at)
        moved = allowed((ahead - rate * slope).reshape(n_groups, -1)).ravel()
        step = moved - w
        if slope @ step > 0:
            momentum = 1.0
        grown = 0.5 * (1.0 + np.sqrt(1.0 + 4.0 * momentum * momentum))
        ahead = moved + (momentum - 1.0) / grown * step
        w, momentum = moved, grown
        if np.abs(step).max() < 1e-12:
            break
    return w


def allowed(w: FloatArray) -> FloatArray:
    """The nearest rows (n_groups, k) that are not negative and sum to at most one.

    Duchi, Shalev-Shwartz, Singer & Chandra, "Efficient projections onto the l1-ball", ICML 2008, figure 1.
    """
    positive = np.maximum(w, 0.0)
    descending = -np.sort(-w, axis=1)
    excess = (np.cumsum(descending, axis=1) - 1.0) / np.arange(1, w.shape[1] + 1)
    n_kept = (descending > excess).sum(axis=1)
    onto = np.maximum(w - excess[np.arange(len(w)), n_kept - 1][:, None], 0.0)
    return np.where(positive.sum(axis=1, keepdims=True) > 1.0, onto, positive)
