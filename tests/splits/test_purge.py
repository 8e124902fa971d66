"""The purge and the embargo, by hand and in all three splitters."""

from datetime import timedelta

import numpy as np
import pytest
from tests.splits.brute import random_labels, training_rows

from tradsys.core.errors import DataError
from tradsys.splits import CombinatorialPurgedCV, PurgedKFold, WalkForward
from tradsys.splits.splitter import Intervals, purged


def ms(n):
    return timedelta(milliseconds=n)


def folds_or_nothing(splitter, start, end):
    """Every fold, or those before the first that has nobody left to train or, in a gap, to test."""
    folds = []
    try:
        folds.extend(splitter.split(start, intervals=(start, end)))
    except DataError as error:
        assert "no training labels" in str(error) or "no test labels" in str(error)
    return folds


@pytest.mark.parametrize("seed", range(150))
def test_purge_agrees_with_the_definition_label_by_label(seed):
    start, end, embargo = random_labels(seed)
    rng = np.random.default_rng(seed)
    tested = rng.random(len(start)) < rng.choice([0.1, 0.5, 0.9])
    kept = purged(Intervals(start, end), tested, embargo)
    assert np.flatnonzero(kept).tolist() == training_rows(start, end, tested, embargo)


@pytest.mark.parametrize("seed", range(60))
def test_kfold_and_cpcv_train_on_exactly_the_brute_force_rows(seed):
    start, end, embargo = random_labels(seed)
    for splitter in (PurgedKFold(4, ms(embargo)), CombinatorialPurgedCV(5, 2, ms(embargo))):
        rows = list(splitter._folds(Intervals(start, end)))
        for train, test in rows:
            assert np.flatnonzero(train).tolist() == training_rows(start, end, test, embargo)
        for (train, test), (train_mask, test_mask) in zip(folds_or_nothing(splitter, start, end), rows, strict=False):
            assert train.tolist() == np.flatnonzero(train_mask).tolist()
            assert test.tolist() == np.flatnonzero(test_mask).tolist()


@pytest.mark.parametrize("seed", range(60))
def test_walk_forward_trains_on_nothing_that_was_still_open(seed):
    start, end, embargo = random_labels(seed)
    splitter = WalkForward(3, initial=0.3, embargo=ms(embargo))
    edges = splitter.boundaries(start, intervals=(start, end))
    for (train, test), opens, closes in zip(
        folds_or_nothing(splitter, start, end), edges[:-1], edges[1:], strict=False
    ):
        assert train.tolist() == [i for i in range(len(start)) if end[i] <= opens - embargo]
        assert test.tolist() == [i for i in range(len(start)) if opens <= start[i] < closes]


def test_no_training_life_meets_a_test_life_in_any_splitter():
    rng = np.random.default_rng(0)
    start = np.sort(rng.integers(0, 4000, 400))
    end = start + rng.integers(1, 60, 400)
    for splitter in (PurgedKFold(4), CombinatorialPurgedCV(5, 2), WalkForward(3)):
        for train, test in splitter.split(start, intervals=(start, end)):
            meets = (start[train, None] < end[test]) & (end[train, None] > start[test])
            assert not meets.any()


def test_the_test_window_opens_at_the_first_start_not_at_the_first_end():
    # published fault: a window from the first test label's end lets in a label that is alive during the test
    start = np.array([0, 10, 20, 30])
    end = np.array([12, 18, 28, 38])
    kept = purged(Intervals(start, end), np.array([False, True, True, False]), 0)
    assert kept.tolist() == [False, False, False, True]


def test_the_test_window_closes_at_the_largest_end_not_at_the_last():
    # published fault: the last label of the block ends early, an earlier one lives on
    start = np.array([0, 10, 20, 30, 90])
    end = np.array([5, 80, 25, 85, 95])
    kept = purged(Intervals(start, end), np.array([False, True, True, False, False]), 0)
    assert kept.tolist() == [True, False, False, False, True]


def test_the_embargo_holds_where_it_reaches_the_end_of_the_data():
    # published fault: an embargo longer than what is left of the data was dropped altogether
    start = np.arange(10)
    assert not purged(Intervals(start, start + 1), start < 5, 100).any()
    assert purged(Intervals(start, start + 1), start < 5, 3).tolist() == [False] * 8 + [True] * 2


def test_the_purge_measures_time_and_not_rows():
    # published fault: purging two rows, where the label before the block lives for fifty
    start = np.arange(0, 100, 10)
    end = start + 5
    end[0] = 95
    kept = purged(Intervals(start, end), np.isin(np.arange(10), [5, 6]), 0)
    assert kept.tolist() == [False, True, True, True, True, False, False, True, True, True]


def test_a_label_that_ends_as_the_block_starts_may_train_and_so_may_one_that_starts_as_it_ends():
    start, end = np.array([0, 10, 20]), np.array([10, 20, 30])
    assert purged(Intervals(start, end), np.array([False, True, False]), 0).tolist() == [True, False, True]
    assert purged(Intervals(start, end), np.array([False, True, False]), 1).tolist() == [True, False, False]


def test_the_embargo_of_a_block_widens_the_right_side_only():
    start = np.arange(0, 100, 10)
    kept = purged(Intervals(start, start + 10), (start >= 40) & (start < 60), 20)
    assert start[kept].tolist() == [0, 10, 20, 30, 80, 90]
