"""The network of `resnet.py`, a bar at a time: what each convolution still has to read lies in ring buffers."""

import numpy as np
from numba import njit

from tradsys.core.arrays import BoolArray, Float32Array
from tradsys.models.networks.layer_kernels import gelu, linear, norm
from tradsys.models.networks.trained_network import TrainedNetwork


class ResNetSteps:
    """What the residual network remembers of the bars so far; `add` takes the next."""

    def __init__(self, network: TrainedNetwork) -> None:
        settings = network.settings
        longest = (settings["kernel"] - 1) * 2 ** (settings["n_layers"] - 1) + 1
        self._theta, self._wide, self._kernel = (
            network.theta,
            settings["expansion"] * settings["d_model"],
            settings["kernel"],
        )
        self._rows = np.zeros((settings["baseline"], settings["n_features"]), np.float32)
        self._is_there = np.zeros(settings["baseline"], np.bool_)
        self._past = np.zeros((settings["n_layers"], longest, settings["d_model"]), np.float32)
        self._output = np.empty(settings["n_outputs"], np.float32)
        self._bar = 0

    def add(self, x: Float32Array) -> Float32Array:
        """The network's output for the next bar, x (n_features,) -> (n_outputs,); the array is used again."""
        at = self._bar % len(self._rows)
        self._rows[at], self._is_there[at] = x, True
        _step(self._theta, x, self._bar, self._rows, self._is_there, self._past, self._kernel, self._wide, self._output)
        self._bar += 1
        return self._output

    def skip(self) -> None:
        """The next bar is not known: it counts in no mean, and convolutions read it as zero."""
        self._is_there[self._bar % len(self._rows)] = False
        self._past[:, self._bar % self._past.shape[1]] = 0.0
        self._bar += 1


@njit(cache=True, fastmath=True)
def _step(
    theta: Float32Array,
    x: Float32Array,
    bar: int,
    rows: Float32Array,
    is_there: BoolArray,
    past: Float32Array,
    kernel: int,
    wide: int,
    output: Float32Array,
) -> None:
    """One bar through all blocks; rows (baseline, n_features), past (n_layers, longest, d_model) of normed states."""
    n_layers, longest, d = past.shape
    deviation = np.zeros(x.shape[0], np.float32)
    n = np.float32(0.0)
    for row in range(rows.shape[0]):
        if is_there[row]:
            n += np.float32(1.0)
            for i in range(x.shape[0]):
                deviation[i] += rows[row, i]
    for i in range(x.shape[0]):
        deviation[i] = x[i] - deviation[i] / n
    z, normed, added = np.empty(d, np.float32), np.empty(d, np.float32), np.empty(d, np.float32)
    taps, hidden = np.empty(kernel * d, np.float32), np.empty(wide, np.float32)
    at = linear(theta, 0, deviation, z)
    for layer in range(n_layers):
        norm(z, past[layer, bar % longest])
        for tap in range(kernel):  # the oldest first
            age = (kernel - 1 - tap) * 2**layer
            taps[tap * d : (tap + 1) * d] = past[layer, (bar - age) % longest]
        at = linear(theta, at, taps, hidden)
        gelu(hidden)
        at = linear(theta, at, hidden, added)
        z += added
    norm(z, normed)
    linear(theta, at, normed, output)
