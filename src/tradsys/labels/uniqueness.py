"""Average uniqueness of overlapping labels, and the effective sample size that follows from it."""

import numpy as np
from numba import njit

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.labels.lives import Lives, TimeArray


def average_uniqueness(start: TimeArray, end: TimeArray, times: TimeArray | None = None) -> FloatArray:
    """Mean over each label's life (start, end] of 1 / (labels alive then).

    The mean runs over those of `times` (closes of the bars, sorted and unique) that fall into the life; without them
    it runs over the life itself, weighted by duration, which is the same wherever bars have no gaps. Give one
    symbol's labels at a time, in any order. Returns shape (n_labels,), each in (0, 1]; 1.0 means the label overlapped
    nothing.

    >>> average_uniqueness([-1, 1, 3], [2, 3, 5])  # bars {0, 1, 2}, {2, 3}, {4, 5}
    array([0.83333333, 0.75      , 1.        ])

    López de Prado, *Advances in Financial Machine Learning* (2018), ch. 4, snippet 4.2; O(n) once the times are sorted.
    """
    lives = Lives.of(start, end, times)
    return mean_share(lives.first, lives.after, lives.length, concurrency(lives.first, lives.after, lives.length.size))


def effective_sample_size(uniqueness: FloatArray) -> float:
    """How many labels that overlap nothing the given ones are worth: the sum of their average uniqueness."""
    return float(np.sum(uniqueness))


@njit(cache=True)
def concurrency(first: IntArray, after: IntArray, n_segments: int) -> IntArray:
    """Labels alive in each segment, shape (n_segments,)."""
    alive = np.zeros(n_segments + 1, np.int64)
    for i in range(first.size):
        alive[first[i]] += 1
        alive[after[i]] -= 1
    for k in range(1, n_segments):
        alive[k] += alive[k - 1]
    return alive[:n_segments]


@njit(cache=True)
def mean_share(first: IntArray, after: IntArray, length: FloatArray, alive: IntArray) -> FloatArray:
    """Mean of 1 / alive over each life, shape (n_labels,)."""
    share, elapsed = np.zeros(length.size + 1), np.zeros(length.size + 1)
    for k in range(length.size):
        elapsed[k + 1] = elapsed[k] + length[k]
        share[k + 1] = share[k] + length[k] / max(alive[k], 1)
    out = np.empty(first.size)
    for i in range(first.size):
        mean = (share[after[i]] - share[first[i]]) / (elapsed[after[i]] - elapsed[first[i]])
        out[i] = min(mean, 1.0)
    return out
