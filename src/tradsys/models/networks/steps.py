"""The networks a bar at a time, in numba: what each still has to read of earlier bars lies in ring buffers."""

import math

import numpy as np

from tradsys.core.arrays import BoolArray, Float32Array, FloatArray
from tradsys.core.kernels import njit
from tradsys.models.networks.onnx_forecaster import TrainedNetwork

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


_AWAY = np.float32(-1e30)
"""Added to the score of a bar that is not there: no infinity, since the kernels are compiled for finite numbers."""


class TransformerSteps:
    """What the transformer remembers of the bars so far; `add` takes the next."""

    def __init__(self, network: TrainedNetwork) -> None:
        settings = network.settings
        n_layers, n_heads, window = settings["n_layers"], settings["n_heads"], settings["window"]
        d_head = settings["d_model"] // n_heads
        self._theta, self._wide = network.theta, settings["expansion"] * settings["d_model"]
        self._turns = settings["rope_base"] ** (-np.arange(0, d_head, 2) / d_head)
        self._keys = np.zeros((n_layers, n_heads, d_head, window), np.float32)
        self._values = np.zeros((n_layers, n_heads, window, d_head), np.float32)
        self._away = np.full(window, _AWAY, np.float32)
        self._output = np.empty(settings["n_outputs"], np.float32)
        self._bar = 0

    def add(self, x: Float32Array) -> Float32Array:
        self._away[self._bar % len(self._away)] = 0.0
        _step_transformer(
            self._theta, x, self._bar, self._turns, self._keys, self._values, self._away, self._wide, self._output
        )
        self._bar += 1
        return self._output

    def skip(self) -> None:
        """The next bar is not known: it takes its place and draws no attention."""
        self._away[self._bar % len(self._away)] = _AWAY
        self._bar += 1


@njit(cache=True, fastmath=True)
def _step_transformer(
    theta: Float32Array,
    x: Float32Array,
    bar: int,
    turns: FloatArray,
    keys: Float32Array,
    values: Float32Array,
    away: Float32Array,
    wide: int,
    output: Float32Array,
) -> None:
    """One bar through all layers; keys (n_layers, n_heads, d_head, window), values with the last two swapped."""
    n_layers, n_heads, d_head, window = keys.shape
    d, half = n_heads * d_head, d_head // 2
    cosine, sine = np.empty(half, np.float32), np.empty(half, np.float32)
    for c in range(half):
        # turned by the bar's number: scores know only differences of turns, which are the bars' ages
        cosine[c], sine[c] = math.cos(bar * turns[c]), math.sin(bar * turns[c])
    z, normed, seen, added = (
        np.empty(d, np.float32),
        np.empty(d, np.float32),
        np.empty(d, np.float32),
        np.empty(d, np.float32),
    )
    qkv, up = np.empty(3 * d, np.float32), np.empty(wide, np.float32)
    at = linear(theta, 0, x, z)
    for layer in range(n_layers):
        norm(z, normed)
        at = linear(theta, at, normed, qkv)
        for head in range(2 * n_heads):  # the heads' queries, then their keys
            _turn(qkv[head * d_head : (head + 1) * d_head], cosine, sine)
        for head in range(n_heads):
            here = slice(head * d_head, (head + 1) * d_head)
            keys[layer, head, :, bar % window] = qkv[d:][here]
            values[layer, head, bar % window] = qkv[2 * d :][here]
            _attend(qkv[here], keys[layer, head], values[layer, head], away, seen[here])
        at = linear(theta, at, seen, added)
        z += added
        norm(z, normed)
        at = linear(theta, at, normed, up)
        gelu(up)
        at = linear(theta, at, up, added)
        z += added
    norm(z, normed)
    linear(theta, at, normed, output)


@njit(cache=True, fastmath=True)
def _turn(x: Float32Array, cosine: Float32Array, sine: Float32Array) -> None:
    """Rotary position of one head's vector, in place; the first half pairs with the second."""
    half = cosine.shape[0]
    for c in range(half):
        a, b = x[c], x[half + c]
        x[c], x[half + c] = a * cosine[c] - b * sine[c], a * sine[c] + b * cosine[c]


@njit(cache=True, fastmath=True)
def _attend(
    query: Float32Array, keys: Float32Array, values: Float32Array, away: Float32Array, seen: Float32Array
) -> None:
    """Softmax attention of one head to all bars in the ring buffer that are there, (d_head,) -> (d_head,)."""
    d_head, window = keys.shape
    score = away.copy()
    scale = np.float32(1.0 / math.sqrt(d_head))
    for c in range(d_head):
        q = query[c] * scale
        for j in range(window):
            score[j] += q * keys[c, j]
    top = score[0]
    for j in range(1, window):
        top = max(top, score[j])
    total = np.float32(0.0)
    seen[:] = 0.0
    for j in range(window):
        share = math.exp(score[j] - top)
        total += share
        for c in range(d_head):
            seen[c] += share * values[j, c]
    for c in range(d_head):
        seen[c] /= total


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
        at = self._bar % len(self._rows)
        self._rows[at], self._is_there[at] = x, True
        _step_resnet(
            self._theta, x, self._bar, self._rows, self._is_there, self._past, self._kernel, self._wide, self._output
        )
        self._bar += 1
        return self._output

    def skip(self) -> None:
        """The next bar is not known: it counts in no mean, and convolutions read it as zero."""
        self._is_there[self._bar % len(self._rows)] = False
        self._past[:, self._bar % self._past.shape[1]] = 0.0
        self._bar += 1


@njit(cache=True, fastmath=True)
def _step_resnet(
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
