"""Purged k-fold: K consecutive test blocks, each with its neighbours purged."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from tradsys.core.arrays import BoolArray
from tradsys.core.errors import ConfigError
from tradsys.splits.intervals import Intervals, milliseconds
from tradsys.splits.splitter import Splitter, equal_groups, purged


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
        if self.n_splits < 2:
            raise ConfigError(f"n_splits must be at least 2, was {self.n_splits}; 5 is usual")
        milliseconds(self.embargo, "embargo")

    @property
    def _n_folds(self) -> int:
        return self.n_splits

    def _folds(self, labels: Intervals) -> Iterator[tuple[BoolArray, BoolArray]]:
        group = equal_groups(labels, self.n_splits)
        for fold in range(self.n_splits):
            is_test = group == fold
            yield purged(labels, is_test, milliseconds(self.embargo, "embargo")), is_test
