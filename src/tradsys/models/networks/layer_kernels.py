"""What networks are made of, for one bar at a time: linear maps, norms and the activation, in numba."""

import math

import numpy as np
from numba import njit

from tradsys.core.arrays import Float32Array

NORM_EPS = 1e-5


@njit(cache=True, fastmath=True)
def linear(theta: Float32Array, at: int, x: Float32Array, out: Float32Array) -> int:
    """Write x (n_in,) times the matrix at `theta[at:]`, plus the bias after it, to out (n_out,); returns what follows.

    The order of a parameter vector is that of `network.Maps`: the matrix row by row, then the bias.
    """
    n_in, n_out = x.shape[0], out.shape[0]
    bias = at + n_in * n_out
    for j in range(n_out):
        out[j] = theta[bias + j]
    for i in range(n_in):
        row = theta[at + i * n_out : at + (i + 1) * n_out]
        for j in range(n_out):
            out[j] += x[i] * row[j]
    return int(bias + n_out)


@njit(cache=True, fastmath=True)
def norm(x: Float32Array, out: Float32Array) -> None:
    """Layer norm without gain and bias, (d,) -> (d,)."""
    n = x.shape[0]
    mean = np.float32(0.0)
    for i in range(n):
        mean += x[i]
    mean /= np.float32(n)
    square = np.float32(0.0)
    for i in range(n):
        square += (x[i] - mean) ** 2
    scale = np.float32(1.0 / math.sqrt(square / n + NORM_EPS))
    for i in range(n):
        out[i] = (x[i] - mean) * scale


@njit(cache=True, fastmath=True)
def gelu(x: Float32Array) -> None:
    """The exact Gaussian error linear unit, in place."""
    for i in range(x.shape[0]):
        x[i] *= np.float32(0.5) * (np.float32(1.0) + math.erf(x[i] * np.float32(0.7071067811865476)))
