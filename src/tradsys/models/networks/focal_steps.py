"""What `focal.py` does to whole arrays, for the two log-odds of one bar, in numba."""

import math

import numpy as np
from numba import njit

from tradsys.core.arrays import Float32Array, FloatArray

_STEPS = 60
_TINY = float(np.finfo(np.float64).tiny)


@njit(cache=True)
def add_on_focal_scale(base: FloatArray, added: Float32Array, gamma: float, shift: float) -> FloatArray:
    """True log-odds `base` (n,), taken to the focal loss's scale, plus what was `added` there, and back.

    `shift` is log((1 - alpha) / alpha), or 0 without alpha.
    """
    out = np.empty(len(base))
    for i in range(len(base)):
        target = base[i] - shift
        z = target / (gamma + 1.0)
        for _ in range(_STEPS):
            step = (_truth(z, gamma) - target) / _slope(z, gamma)
            z -= step
            if not abs(step) > 1e-14 * (1.0 + abs(z)):
                break
        out[i] = _truth(z + added[i], gamma) + shift
    return out


@njit(cache=True)
def _truth(z: float, gamma: float) -> float:
    return (gamma + 1.0) * z + math.log1p(gamma * _h(-z)) - math.log1p(gamma * _h(z))


@njit(cache=True)
def _slope(z: float, gamma: float) -> float:
    tail = math.exp(-abs(z))
    p = (1.0 if z >= 0 else tail) / (1.0 + tail)
    up, down = _h(z), _h(-z)
    return gamma + 1.0 - gamma * (down - (1.0 - p)) / (1.0 + gamma * down) - gamma * (up - p) / (1.0 + gamma * up)


@njit(cache=True)
def _h(z: float) -> float:
    """e^z log(1 + e^-z), without overflow."""
    tail = math.exp(-abs(z))
    if z >= 0:
        floor = max(tail, _TINY)
        return math.log1p(floor) / floor
    return tail * (math.log1p(tail) - z)
