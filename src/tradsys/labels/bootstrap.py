"""Sequential bootstrap: drawing labels so that those which repeat earlier draws become rarer."""

from collections.abc import Sequence

import numpy as np

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.labels.lives import Lives, TimeArray
from tradsys.labels.uniqueness import concurrency, mean_share


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
    return _probabilities(lives, _alive(lives, np.asarray(drawn, dtype=np.int64)))


def sequential_bootstrap(
    start: TimeArray, end: TimeArray, n_draws: int, *, rng: np.random.Generator, times: TimeArray | None = None
) -> IntArray:
    """Rows drawn with replacement, shape (n_draws,), each by the probabilities that the earlier draws leave it."""
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
