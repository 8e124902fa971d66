"""What the three splitters share: scikit-learn's calls, the one purge and the one embargo."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np

from tradsys.core.arrays import BoolArray, IntArray
from tradsys.core.errors import DataError
from tradsys.splits.intervals import Intervals, read_intervals, runs


class Splitter(ABC):
    """A scikit-learn splitter over label intervals, usable as `cv=` wherever one is taken.

    `intervals=(start, end)` is given once to the constructor, to every `split`, or through scikit-learn's metadata
    routing (`params={"intervals": ...}`). Rows may be in any order; index arrays come back ascending.
    """

    __slots__ = ()

    intervals: Any

    @property
    @abstractmethod
    def _n_folds(self) -> int: ...

    @abstractmethod
    def _folds(self, labels: Intervals) -> Iterator[tuple[BoolArray, BoolArray]]:
        """Train and test mask of every fold."""

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None, *, intervals: Any = None) -> int:
        """Number of folds; the arguments are scikit-learn's and do not matter."""
        return self._n_folds

    def split(
        self, X: Any, y: Any = None, groups: Any = None, *, intervals: Any = None
    ) -> Iterator[tuple[IntArray, IntArray]]:
        """Row indices to train on and to test on, fold after fold; of `X` only the number of rows counts."""
        labels = self._labels(X, intervals)
        for fold, (train, test) in enumerate(self._folds(labels)):
            for name, mask in (("training", train), ("test", test)):
                if not mask.any():
                    raise DataError(
                        f"fold {fold} of {self._n_folds} has no {name} labels left of {len(labels)}; "
                        "use fewer folds, a shorter embargo or a longer history"
                    )
            yield np.flatnonzero(train), np.flatnonzero(test)

    def _labels(self, X: Any, intervals: Any) -> Intervals:
        n_rows = X.shape[0] if hasattr(X, "shape") else len(X)
        return read_intervals(self.intervals if intervals is None else intervals, n_rows)

    def get_metadata_routing(self) -> Any:
        """Tell scikit-learn that `split` takes `intervals`."""
        from sklearn.utils.metadata_routing import MetadataRequest

        request = MetadataRequest(owner=type(self).__name__)
        request.split.add_request(param="intervals", alias=True)
        return request


def equal_groups(labels: Intervals, n_groups: int) -> IntArray:
    """Group of every label, shape (n_labels,): consecutive in time and as equal in number as possible."""
    if len(labels) < n_groups:
        raise DataError(f"{n_groups} groups need at least as many labels, found {len(labels)}")
    sizes = np.full(n_groups, len(labels) // n_groups)
    sizes[: len(labels) % n_groups] += 1
    group = np.empty(len(labels), np.int64)
    group[labels.order] = np.repeat(np.arange(n_groups), sizes)
    return group


def purged(labels: Intervals, is_test: BoolArray, embargo_ms: int) -> BoolArray:
    """Labels that may train while `is_test` are tested, shape (n_labels,).

    For every unbroken block of test labels, in order of start, a label is dropped if it ends after the block's first
    start and starts before the block's largest end plus the embargo.
    """
    keep = ~is_test
    end = labels.end[labels.order]
    for first, stop in runs(is_test[labels.order]):
        opens = labels.start[labels.order[first]]
        closes = end[first:stop].max() + embargo_ms
        keep &= (labels.end <= opens) | (labels.start >= closes)
    return keep


def known_before(labels: Intervals, time_ms: int, embargo_ms: int) -> BoolArray:
    """Labels whose outcome was known at least the embargo before `time_ms`, shape (n_labels,)."""
    return labels.end <= np.int64(time_ms - embargo_ms)
