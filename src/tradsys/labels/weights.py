"""Sample weights of labels: how much evidence each carries, which return it lived through, and how long ago it was."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.counts import check_counts
from tradsys.core.errors import ConfigError, DataError
from tradsys.core.kernels import njit

type TimeArray = ArrayLike | pl.Series
"""Times of any kind that sorts: numbers, datetime64, aware datetimes, or a Polars column of them."""


@dataclass(frozen=True, slots=True)
class Lives:
    """Label i lives through the segments `first[i]` to `after[i] - 1`, each of shape (n_labels,).

    `length` (n_segments,) is what a segment weighs in a mean over a life.
    """

    first: IntArray
    after: IntArray
    length: FloatArray

    @classmethod
    def of(cls, start: TimeArray, end: TimeArray, times: TimeArray | None = None) -> Self:
        """With `times` (closes of bars) a segment is a bar of weight 1; else the time between neighbouring ends."""
        starts, ends = time_numbers(start), time_numbers(end)
        if starts.shape != ends.shape or starts.ndim != 1 or starts.dtype != ends.dtype:
            raise DataError(
                "start and end must be times of one kind and shape (n_labels,), "
                f"were {starts.dtype} of shape {starts.shape} and {ends.dtype} of shape {ends.shape}"
            )
        if not (ends > starts).all():
            rows = np.flatnonzero(~(ends > starts))
            raise DataError(f"a label must end after it starts; {len(rows)} do not, the first in row {rows[0]}")
        if times is None:
            points = _sorted_unique(starts, ends)
            first, after = np.searchsorted(points, starts), np.searchsorted(points, ends)
            return cls(first, after, np.diff(points).astype(np.float64))
        grid = time_numbers(times)
        if grid.dtype != starts.dtype or not (grid[1:] > grid[:-1]).all():
            raise DataError(
                f"times must be sorted, unique and of the kind of start ({starts.dtype}), were {grid.dtype}; "
                "sort them and drop repeats"
            )
        first, after = np.searchsorted(grid, starts, side="right"), np.searchsorted(grid, ends, side="right")
        if (first == after).any():
            rows = np.flatnonzero(first == after)
            raise DataError(
                f"every label must live through one of the times; {len(rows)} do not, the first in row {rows[0]}; "
                "give the closes of all bars"
            )
        return cls(first, after, np.ones(len(grid)))


def _sorted_unique(starts: IntArray, ends: IntArray) -> IntArray:
    points = np.sort(np.concatenate([starts, ends]))
    is_new = np.ones(len(points), np.bool_)
    is_new[1:] = points[1:] != points[:-1]
    return points[is_new]


def time_numbers(times: TimeArray) -> IntArray:
    """Times as numbers that sort and subtract: microseconds for anything that is a date."""
    values = np.asarray(times)
    if values.dtype == object:
        values = pl.Series(values.tolist()).to_numpy()
    if values.dtype.kind == "M":
        values = values.astype("datetime64[us]").astype(np.int64)
    numbers: IntArray = values.astype(np.int64 if values.dtype.kind in "iu" else np.float64, copy=False)
    return numbers


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


def draw_probabilities(
    start: TimeArray, end: TimeArray, drawn: Sequence[int] | IntArray, times: TimeArray | None = None
) -> FloatArray:
    """Chance of each label to be drawn next, given the rows already drawn, shape (n_labels,).

    Proportional to the average uniqueness that the label would have among the drawn ones.

    >>> draw_probabilities([-1, 1, 3], [2, 3, 5], drawn=[1]) * 14
    array([5., 3., 6.])

    López de Prado, *Advances in Financial Machine Learning* (2018), ch. 4, snippet 4.5.
    """
    lives = Lives.of(start, end, times)
    rows = np.asarray(drawn)
    if rows.size and (rows.dtype.kind not in "iu" or rows.min() < 0 or rows.max() >= lives.first.size):
        raise ConfigError(f"drawn are rows of the {lives.first.size} labels, counted from 0, found others")
    return _probabilities(lives, _alive(lives, rows.astype(np.int64)))


def sequential_bootstrap(
    start: TimeArray, end: TimeArray, n_draws: int, *, rng: np.random.Generator, times: TimeArray | None = None
) -> IntArray:
    """Rows drawn with replacement, shape (n_draws,), each by the probabilities that the earlier draws leave it."""
    check_counts(0, n_draws=n_draws)
    lives = Lives.of(start, end, times)
    alive = _alive(lives, np.empty(0, np.int64))
    drawn = np.empty(n_draws, np.int64)
    for i in range(n_draws):
        drawn[i] = rng.choice(lives.first.size, p=_probabilities(lives, alive))
        alive[lives.first[drawn[i]] : lives.after[drawn[i]]] += 1
    return drawn


def _alive(lives: Lives, drawn: IntArray) -> IntArray:
    return concurrency(lives.first[drawn], lives.after[drawn], lives.length.size)


def _probabilities(lives: Lives, alive: IntArray) -> FloatArray:
    share = mean_share(lives.first, lives.after, lives.length, alive + 1)
    return share / share.sum()


def return_attribution(start: TimeArray, end: TimeArray, times: TimeArray, close: FloatArray) -> FloatArray:
    """Absolute sum over each label's life (start, end] of log return / (labels alive then), scaled to sum to n_labels.

    `times` and `close` (n_bars,) are the closes of all bars, in order. Give one symbol's labels at a time, in any
    order. A weight is made of the label's own outcome: it may weigh the label in a fit, and never feeds a model.

    >>> return_attribution([0, 1], [2, 3], [0, 1, 2, 3], np.exp([0.0, 0.1, 0.3, 0.2])).round(9)  # .1 + .2/2, .2/2 - .1
    array([2., 0.])

    López de Prado, *Advances in Financial Machine Learning* (2018), ch. 4, snippet 4.10; O(n).
    """
    lives = Lives.of(start, end, times)
    if close.shape != lives.length.shape or not (np.isfinite(close) & (close > 0)).all():
        raise DataError(f"close must be positive and of shape {lives.length.shape} as times are, found {close.shape}")
    returns = np.diff(np.log(close), prepend=np.log(close[:1]))
    alive = concurrency(lives.first, lives.after, lives.length.size)
    owned = np.concatenate([[0.0], np.cumsum(returns / np.maximum(alive, 1))])
    weight = np.asarray(np.abs(owned[lives.after] - owned[lives.first]))
    if not len(weight):
        return weight
    if not weight.sum() > 0:
        raise DataError("no label lived through a return, so none can weigh more than another; use uniqueness instead")
    return np.asarray(weight * (len(weight) / weight.sum()))


def time_decay(start: TimeArray, uniqueness: FloatArray, oldest: float) -> FloatArray:
    """Factor of each label, (n_labels,): 1 for the latest, falling in a straight line of cumulative uniqueness.

    The line starts at `oldest` before the first label, so that 1 decays nothing; below 0 the earliest labels, that
    share of all evidence, weigh nothing. Labels of one start share a factor.

    >>> time_decay([0, 1, 2, 3], np.ones(4), 0.5), time_decay([0, 1, 2, 3], np.ones(4), -0.5)
    (array([0.625, 0.75 , 0.875, 1.   ]), array([0. , 0. , 0.5, 1. ]))

    López de Prado (2018), ch. 4, snippet 4.11.
    """
    if not -1 < oldest <= 1:
        raise ConfigError(f"oldest must lie above -1 and be at most 1, was {oldest}; 1 decays nothing")
    starts = time_numbers(start)
    if starts.shape != uniqueness.shape:
        raise DataError(f"start and uniqueness must have one shape, were {starts.shape} and {uniqueness.shape}")
    if not len(starts):
        return np.ones(0)
    _, when = np.unique(starts, return_inverse=True)
    cumulative = np.cumsum(np.bincount(when, weights=uniqueness))
    share_after = 1 - cumulative / cumulative[-1]
    slope = 1 - oldest if oldest >= 0 else 1 / (1 + oldest)
    return np.asarray(np.maximum(1 - slope * share_after, 0.0)[when])


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
