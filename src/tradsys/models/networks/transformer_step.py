"""The network of `transformer.py`, a bar at a time: keys and values of the last `window` bars in a ring buffer."""

import math

import numpy as np
from numba import njit

from tradsys.core.arrays import Float32Array, FloatArray
from tradsys.models.networks.layer_kernels import gelu, linear, norm
from tradsys.models.networks.trained_network import TrainedNetwork

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
        """The network's output for the next bar, x (n_features,) -> (n_outputs,); the array is used again."""
        self._away[self._bar % len(self._away)] = 0.0
        _step(self._theta, x, self._bar, self._turns, self._keys, self._values, self._away, self._wide, self._output)
        self._bar += 1
        return self._output

    def skip(self) -> None:
        """The next bar is not known: it takes its place and draws no attention."""
        self._away[self._bar % len(self._away)] = _AWAY
        self._bar += 1


@njit(cache=True, fastmath=True)
def _step(
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
