"""Walk-forward splits: train on the past, test on what follows, block after block of calendar time."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from typing import Any

import numpy as np

from tradsys.core.arrays import BoolArray, IntArray
from tradsys.core.counts import check_whole
from tradsys.core.errors import ConfigError
from tradsys.splits.splitter import Intervals, Splitter, known_before, milliseconds


@dataclass(frozen=True, slots=True)
class WalkForward(Splitter):
    """Expanding (or rolling) training part and equal test blocks, cut by time rather than by number of labels.

    Over the span from the first start to the last, the share `initial` only trains, the share `final` is left out of
    everything, and what lies between falls into `n_splits` equal blocks. A label trains for a block if its outcome was
    known `embargo` before the block starts, and, with `rolling`, if it starts within that span before the block.

    >>> import numpy as np
    >>> start = np.arange(11)
    >>> for train, test in WalkForward(n_splits=2, initial=0.5).split(start, intervals=(start, start + 2)):
    ...     print(train, test)
    [0 1 2 3] [5 6 7]
    [0 1 2 3 4 5 6] [ 8  9 10]
    """

    n_splits: int = 6
    initial: float = 0.2
    embargo: timedelta = timedelta(0)
    rolling: timedelta | None = None
    final: float = 0.0
    intervals: Any = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_whole(n_splits=self.n_splits)
        if self.n_splits < 1:
            raise ConfigError(f"n_splits must be at least 1, was {self.n_splits}; 6 is usual")
        if not (0 < self.initial < 1 and 0 <= self.final < 1 and self.initial + self.final < 1):
            raise ConfigError(
                f"initial must lie in (0, 1) and leave room beside final, were {self.initial} and {self.final}; "
                "0.2 each is usual"
            )
        milliseconds(self.embargo, "embargo")
        if self.rolling is not None and milliseconds(self.rolling, "rolling") == 0:
            raise ConfigError("rolling must be longer than zero; None trains on everything before")

    def boundaries(self, X: Any, *, intervals: Any = None) -> IntArray:
        """Edges of the test blocks, int64 milliseconds, shape (n_splits + 1,); block k is [edge[k], edge[k + 1])."""
        return self._boundaries(self._labels(X, intervals))

    def _boundaries(self, labels: Intervals) -> IntArray:
        first = int(labels.start[labels.order[0]])
        span = int(labels.start[labels.order[-1]]) - first
        shares = self.initial + (1 - self.initial - self.final) * np.arange(self.n_splits + 1) / self.n_splits
        edges = first + np.rint(shares * span).astype(np.int64)
        edges[-1] += self.final == 0  # the last start belongs to the last block
        return edges

    def _folds(self, labels: Intervals) -> Iterator[tuple[BoolArray, BoolArray]]:
        cuts = self._boundaries(labels).tolist()
        embargo_ms = milliseconds(self.embargo, "embargo")
        for opens, closes in pairwise(cuts):
            train = known_before(labels, opens, embargo_ms)
            if self.rolling is not None:
                train &= labels.start >= opens - milliseconds(self.rolling, "rolling")
            yield train, (labels.start >= opens) & (labels.start < closes)
