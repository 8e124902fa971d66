"""Purged k-fold, and combinatorial purged cross-validation with the paths that its choices of test groups make up."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import combinations
from math import comb
from typing import Any

import numpy as np

from tradsys.core.arrays import BoolArray, IntArray
from tradsys.core.counts import check_whole
from tradsys.core.errors import ConfigError
from tradsys.splits.splitter import Intervals, Splitter, equal_groups, milliseconds, purged


@dataclass(frozen=True, slots=True)
class PurgedKFold(Splitter):
    """K-fold over time: every label is tested once, and trains wherever its life touches no test block.

    Training labels lie on both sides of the block, so this judges models within one training part; a claim about the
    future needs `WalkForward`. Lopez de Prado (2018), ch. 7, snippet 7.3, without its known faults (see `purge`).

    >>> import numpy as np
    >>> start = np.arange(6)
    >>> for train, test in PurgedKFold(3).split(start, intervals=(start, start + 2)):
    ...     print(train, test)
    [3 4 5] [0 1]
    [0 5] [2 3]
    [0 1 2] [4 5]
    """

    n_splits: int = 5
    embargo: timedelta = timedelta(0)
    intervals: Any = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_whole(n_splits=self.n_splits)
        if self.n_splits < 2:
            raise ConfigError(f"n_splits must be at least 2, was {self.n_splits}; 5 is usual")
        milliseconds(self.embargo, "embargo")

    def _folds(self, labels: Intervals) -> Iterator[tuple[BoolArray, BoolArray]]:
        group = equal_groups(labels, self.n_splits)
        for fold in range(self.n_splits):
            is_test = group == fold
            yield purged(labels, is_test, milliseconds(self.embargo, "embargo")), is_test


@dataclass(frozen=True, slots=True)
class CombinatorialPurgedCV(Splitter):
    """Combinatorial purged cross-validation: C(N, k) splits whose test groups form C(N-1, k-1) whole paths.

    It trains on the future too, and its paths are far from independent: never read it without `WalkForward`.

    >>> cv = CombinatorialPurgedCV(6, 2)
    >>> cv.get_n_splits(), cv.n_paths
    (15, 5)
    >>> cv.paths()[1] + 1
    array([2, 6, 6, 7, 8, 9])

    Lopez de Prado (2018), ch. 12.
    """

    n_groups: int = 6
    n_test_groups: int = 2
    embargo: timedelta = timedelta(0)
    intervals: Any = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_whole(n_groups=self.n_groups, n_test_groups=self.n_test_groups)
        if not 1 <= self.n_test_groups < self.n_groups:
            raise ConfigError(
                f"n_test_groups must be at least 1 and below n_groups, were {self.n_test_groups} and {self.n_groups}"
            )
        milliseconds(self.embargo, "embargo")

    @property
    def n_splits(self) -> int:
        return comb(self.n_groups, self.n_test_groups)

    @property
    def n_paths(self) -> int:
        """Whole histories that the test forecasts can be joined into."""
        return comb(self.n_groups - 1, self.n_test_groups - 1)

    def test_groups(self) -> IntArray:
        """The groups tested by each split, shape (n_splits, n_test_groups), in lexicographic order."""
        return np.array(list(combinations(range(self.n_groups), self.n_test_groups)), dtype=np.int64)

    def paths(self) -> IntArray:
        """Which split forecasts each group of each path, shape (n_paths, n_groups).

        Path p takes, for every group, the p-th split in which that group is tested.
        """
        tested = self.test_groups()
        return np.column_stack([np.flatnonzero((tested == group).any(axis=1)) for group in range(self.n_groups)])

    def group_of(self, X: Any, *, intervals: Any = None) -> IntArray:
        """The group of every row of X, shape (n_rows,): what joins a split's forecasts into paths."""
        return equal_groups(self._labels(X, intervals), self.n_groups)

    def _folds(self, labels: Intervals) -> Iterator[tuple[BoolArray, BoolArray]]:
        group = equal_groups(labels, self.n_groups)
        embargo_ms = milliseconds(self.embargo, "embargo")
        for tested in combinations(range(self.n_groups), self.n_test_groups):
            chosen = np.zeros(self.n_groups, np.bool_)
            chosen[list(tested)] = True
            is_test = chosen[group]
            yield purged(labels, is_test, embargo_ms), is_test
