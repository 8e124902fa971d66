"""Sample weights beyond uniqueness: the return that a label lived through, and how long ago that was."""

import numpy as np

from tradsys.core.arrays import FloatArray
from tradsys.core.errors import ConfigError, DataError
from tradsys.labels.uniqueness import Lives, TimeArray, concurrency, time_numbers


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
