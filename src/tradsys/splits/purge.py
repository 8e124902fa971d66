"""The one purge and the one embargo: which labels may train when others are tested.

Lopez de Prado, *Advances in Financial Machine Learning* (2018), ch. 7. The test window of a block runs from its first
start to its *largest* end, whatever the order of the labels, and the embargo is a duration added to that end.
"""

import numpy as np

from tradsys.core.arrays import BoolArray
from tradsys.splits.intervals import Intervals, runs


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
