"""What one closed bar moves: every operation of a program once, each window summed anew from its ring.

Nothing is carried from bar to bar but the values themselves, so that no rounding builds up however long a bot runs. A
ring is written twice, a capacity apart, so that each window lies in one piece.
"""

import numpy as np

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.kernels import njit

KEEP, ADD, SUBTRACT, MULTIPLY, DIVIDE, MAXIMUM, MINIMUM, POWER = range(8)
FLOOR_DIVIDE, REMAINDER, GREATER, GREATER_EQUAL, LESS, LESS_EQUAL = range(8, 14)
ABSOLUTE, SQRT, LOG, LOG1P, EXP, SIN, COS, SIGN, TANH = range(14, 23)
CHOOSE, LAG, WINDOW, TABLE, FILTER = range(23, 28)

OP, INTO, RING, A, B, C = range(6)
"""Columns of a program's code: what to do, where the value goes, the ring that keeps it (-1: none), operands."""


@njit(cache=True, error_model="numpy")
def run(code: IntArray, numbers: FloatArray, values: FloatArray, rings: FloatArray, n_seen: int) -> None:
    """One bar: `values` (n_nodes,) hold its inputs and, afterwards, every node; `n_seen` bars came before it.

    `code` (n_operations, 6) is in order, `numbers` are weights and tables, `rings` (n_rings, 2 * capacity).
    """
    capacity = rings.shape[1] // 2
    now = n_seen % capacity
    for i in range(code.shape[0]):
        op, into, a, b, c = code[i, OP], code[i, INTO], code[i, A], code[i, B], code[i, C]
        if op == WINDOW:
            first = now + capacity - c + 1
            value = _weighted(rings[a, first : first + c], numbers[b : b + c])
        elif op == LAG:
            value = rings[a, now + capacity - b]
        elif op == MULTIPLY:
            value = values[a] * values[b]
        elif op == ADD:
            value = values[a] + values[b]
        elif op == SUBTRACT:
            value = values[a] - values[b]
        elif op == DIVIDE:
            value = values[a] / values[b]
        elif op == MAXIMUM:
            value = max(values[a], values[b])
        elif op == MINIMUM:
            value = min(values[a], values[b])
        elif op == KEEP:
            value = values[into]
        elif op == CHOOSE:
            value = values[b] if values[a] != 0.0 else values[c]
        elif op == LOG:
            value = np.log(values[a])
        elif op == SQRT:
            value = np.sqrt(values[a])
        elif op == ABSOLUTE:
            value = abs(values[a])
        elif op == LOG1P:
            value = np.log1p(values[a])
        elif op == EXP:
            value = np.exp(values[a])
        elif op == GREATER:
            value = 1.0 if values[a] > values[b] else 0.0
        elif op == GREATER_EQUAL:
            value = 1.0 if values[a] >= values[b] else 0.0
        elif op == LESS:
            value = 1.0 if values[a] < values[b] else 0.0
        elif op == LESS_EQUAL:
            value = 1.0 if values[a] <= values[b] else 0.0
        elif op == FILTER:
            _filter(numbers[b : b + c], rings, now + capacity, values, into + 1)
            value = 0.0
        elif op == TABLE:
            value = numbers[b + int(values[a])]
        elif op == FLOOR_DIVIDE:
            value = np.floor(values[a] / values[b])
        elif op == REMAINDER:
            value = values[a] - values[b] * np.floor(values[a] / values[b])
        elif op == POWER:
            value = values[a] ** values[b]
        elif op == SIN:
            value = np.sin(values[a])
        elif op == COS:
            value = np.cos(values[a])
        elif op == SIGN:
            value = np.sign(values[a])
        else:
            value = np.tanh(values[a])
        values[into] = value
        if code[i, RING] >= 0:
            rings[code[i, RING], now] = rings[code[i, RING], now + capacity] = value


@njit(cache=True)
def _weighted(x: FloatArray, weights: FloatArray) -> float:
    # four sums at once: one would wait for each addition before the next
    s0 = s1 = s2 = s3 = 0.0
    whole = len(x) // 4 * 4
    for k in range(0, whole, 4):
        s0 += weights[k] * x[k]
        s1 += weights[k + 1] * x[k + 1]
        s2 += weights[k + 2] * x[k + 2]
        s3 += weights[k + 3] * x[k + 3]
    for k in range(whole, len(x)):
        s0 += weights[k] * x[k]
    return (s0 + s1) + (s2 + s3)


@njit(cache=True)
def _filter(about: FloatArray, rings: FloatArray, now: int, values: FloatArray, first: int) -> None:
    """States of a hidden Markov model given a window of likelihoods, from the stationary distribution on.

    `about` holds the window, the number of states k, the k rings of likelihoods, the stationary distribution (k,) and
    the transition (k, k); the k probabilities go to `values[first:]`.
    """
    window, k = int(about[0]), int(about[1])
    believed, moved = about[2 + k : 2 + 2 * k].copy(), np.empty(k)
    transition = about[2 + 2 * k :].reshape(k, k)
    for t in range(now - window + 1, now + 1):
        total = 0.0
        for j in range(k):
            predicted = 0.0
            for i in range(k):
                predicted += believed[i] * transition[i, j]
            moved[j] = predicted * rings[int(about[2 + j]), t]
            total += moved[j]
        scale = 1.0 / total if total > 0.0 else 0.0
        for j in range(k):
            believed[j] = moved[j] * scale
    for j in range(k):
        values[first + j] = believed[j]


@njit(cache=True)
def standardise(
    values: FloatArray, column: IntArray, centre: FloatArray, scale: FloatArray, limit: FloatArray, out: FloatArray
) -> bool:
    """Take columns out of `values` (those of node -1 are in `out` already), scale and cut them; are all finite?"""
    finite = True
    for i in range(len(column)):
        value = values[column[i]] if column[i] >= 0 else out[i]
        finite &= np.isfinite(value)
        out[i] = min(max((value - centre[i]) / scale[i], -limit[i]), limit[i]) if np.isfinite(value) else value
    return finite
