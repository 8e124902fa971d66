"""The three splitters: what trains, what is tested, and what is purged between them."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from time import perf_counter

import numpy as np
import pytest
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score

from tradsys.core.errors import ConfigError, DataError
from tradsys.splits import CombinatorialPurgedCV, PurgedKFold, WalkForward

HOUR = 3_600_000


def hourly(n, life=5):
    start = np.arange(n) * HOUR
    return start, start + life * HOUR


@pytest.mark.parametrize(
    ("n_groups", "n_test", "n_splits", "n_paths"), [(6, 2, 15, 5), (10, 2, 45, 9), (16, 8, 12_870, 6_435)]
)
def test_cpcv_counts_are_the_published_ones(n_groups, n_test, n_splits, n_paths):
    cv = CombinatorialPurgedCV(n_groups, n_test)
    assert (cv.get_n_splits(), cv.n_paths) == (n_splits, n_paths)
    assert cv.paths().shape == (n_paths, n_groups)


def test_cpcv_path_two_is_the_published_one():
    assert (CombinatorialPurgedCV(6, 2).paths()[1] + 1).tolist() == [2, 6, 6, 7, 8, 9]


def test_every_path_forecasts_every_row_once_and_every_forecast_is_used_once():
    start, end = hourly(61)
    cv = CombinatorialPurgedCV(6, 2)
    group = cv.group_of(start, intervals=(start, end))
    tests = [set(test.tolist()) for _, test in cv.split(start, intervals=(start, end))]
    used = set()
    for path in cv.paths():
        for g, split in enumerate(path):
            assert set(np.flatnonzero(group == g).tolist()) <= tests[split]
            used.add((g, int(split)))
    assert len(used) == 15 * 2


def test_kfold_tests_every_row_once_and_blocks_are_consecutive_in_time_whatever_the_order_of_rows():
    rng = np.random.default_rng(0)
    start, end = hourly(103)
    order = rng.permutation(103)
    tests = [test for _, test in PurgedKFold(5).split(start, intervals=(start[order], end[order]))]
    assert sorted(np.concatenate(tests).tolist()) == list(range(103))
    assert [len(test) for test in tests] == [21, 21, 21, 20, 20]
    for before, after in pairwise(tests):
        assert start[order][before].max() < start[order][after].min()


def test_walk_forward_blocks_are_equal_in_time_also_where_bars_are_missing():
    start = np.concatenate([np.arange(0, 500), np.arange(750, 1001)]) * HOUR
    cv = WalkForward(n_splits=4, initial=0.2)
    edges = cv.boundaries(start, intervals=(start, start + HOUR))
    assert np.abs(np.diff(edges) - 200 * HOUR).max() <= 1
    sizes = [len(test) for _, test in cv.split(start, intervals=(start, start + HOUR))]
    assert sizes == [200, 100, 50, 201]


def test_walk_forward_keeps_the_embargo_free_on_the_left():
    start, end = hourly(101, life=1)
    train, test = next(WalkForward(2, initial=0.5, embargo=timedelta(hours=10)).split(start, intervals=(start, end)))
    assert start[test].min() - end[train].max() >= 10 * HOUR
    assert end[train].max() == start[test].min() - 10 * HOUR


def test_walk_forward_leaves_the_final_share_alone():
    start, end = hourly(1000)
    cv = WalkForward(6, initial=0.2, final=0.2)
    folds = list(cv.split(start, intervals=(start, end)))
    assert max(max(train.max(), test.max()) for train, test in folds) == 799
    assert [len(test) for _, test in folds] == [100] * 6


def test_walk_forward_expands_and_rolling_training_keeps_its_span():
    start, end = hourly(1001, life=1)
    expanding = [len(train) for train, _ in WalkForward(4).split(start, intervals=(start, end))]
    assert expanding == sorted(expanding)
    assert expanding[-1] > 700
    rolling = WalkForward(4, rolling=timedelta(hours=100))
    assert [len(train) for train, _ in rolling.split(start, intervals=(start, end))] == [100] * 4


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PurgedKFold(1), "n_splits must be at least 2, was 1"),
        (lambda: CombinatorialPurgedCV(4, 4), "below n_groups, were 4 and 4"),
        (lambda: WalkForward(0), "n_splits must be at least 1, was 0"),
        (lambda: WalkForward(initial=0.7, final=0.3), "leave room beside final, were 0.7 and 0.3"),
        (lambda: WalkForward(rolling=timedelta(0)), "rolling must be longer than zero"),
    ],
)
def test_impossible_settings_are_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def test_a_fold_without_training_labels_is_an_error_not_an_empty_array():
    start, end = hourly(100)
    with pytest.raises(DataError, match="fold 1 of 6 has no training labels left of 100"):
        next(WalkForward(embargo=timedelta(hours=40)).split(start, intervals=(start, end)))


def test_a_block_that_falls_into_a_gap_is_an_error():
    start = np.concatenate([np.arange(500), np.arange(900, 1000)]) * HOUR
    with pytest.raises(DataError, match="fold 3 of 4 has no test labels"):
        list(WalkForward(4).split(start, intervals=(start, start)))


@pytest.mark.parametrize("cv", [PurgedKFold(4), CombinatorialPurgedCV(4, 2), WalkForward(3)])
def test_scikit_learn_takes_the_splitters_with_intervals_in_the_constructor_or_as_metadata(cv):
    rng = np.random.default_rng(0)
    start, end = hourly(300)
    X, y = rng.normal(size=(300, 2)), rng.integers(0, 2, 300)
    bound = replace(cv, intervals=(start, end))
    scores = cross_val_score(LogisticRegression(), X, y, cv=bound)
    assert len(scores) == cv.get_n_splits() == bound.get_n_splits(X, y)
    with sklearn.config_context(enable_metadata_routing=True):
        routed = cross_val_score(LogisticRegression(), X, y, cv=cv, params={"intervals": (start, end)})
    assert routed.tolist() == scores.tolist()
    GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=bound).fit(X, y)


def test_splitting_100_000_labels_into_45_splits_is_quick():
    start, end = hourly(100_000, life=24)
    began = perf_counter()
    n = sum(1 for _ in CombinatorialPurgedCV(10, 2, timedelta(hours=48)).split(start, intervals=(start, end)))
    assert n == 45
    assert perf_counter() - began < 1.0  # 0.03 s alone; the benchmark holds it to 0.2


def test_the_usual_settings():
    kfold, cpcv, walk = PurgedKFold(), CombinatorialPurgedCV(), WalkForward()
    assert (kfold.n_splits, kfold.embargo) == (5, timedelta(0))
    assert (cpcv.n_groups, cpcv.n_test_groups, cpcv.embargo) == (6, 2, timedelta(0))
    assert (walk.n_splits, walk.initial, walk.final) == (6, 0.2, 0.0)
    assert (walk.embargo, walk.rolling) == (timedelta(0), None)


@pytest.mark.parametrize("cv", [PurgedKFold(4), CombinatorialPurgedCV(4, 2), WalkForward(3)])
def test_a_splitter_is_its_settings_whatever_it_is_bound_to(cv):
    bound = replace(cv, intervals=hourly(9))
    assert bound == cv
    assert repr(bound) == repr(cv)
    assert cv.intervals is None


def test_the_smallest_settings_are_taken():
    start, end = hourly(40, life=1)
    assert len(list(PurgedKFold(2).split(start, intervals=(start, end)))) == 2
    assert CombinatorialPurgedCV(2, 1).n_paths == 1
    assert CombinatorialPurgedCV(3, 1).get_n_splits() == 3
    assert len(list(WalkForward(1).split(start, intervals=(start, end)))) == 1
    assert WalkForward(initial=0.5, final=0.25, rolling=timedelta(milliseconds=1)).final == 0.25


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (CombinatorialPurgedCV, {"n_groups": 4, "n_test_groups": 0}),
        (CombinatorialPurgedCV, {"embargo": timedelta(-1)}),
        (CombinatorialPurgedCV, {"embargo": 24}),
        (PurgedKFold, {"embargo": timedelta(-1)}),
        (WalkForward, {"initial": 0.0}),
        (WalkForward, {"initial": 1.0}),
        (WalkForward, {"final": -0.1}),
        (WalkForward, {"final": 1.0}),
        (WalkForward, {"initial": 0.5, "final": 0.5}),
        (WalkForward, {"rolling": timedelta(-1)}),
        (WalkForward, {"rolling": 24}),
    ],
)
def test_settings_beyond_their_bounds_are_refused(kind, settings):
    with pytest.raises(ConfigError, match=list(settings)[-1]):
        kind(**settings)


def test_boundaries_are_shares_of_the_span_and_hold_the_last_start():
    start = np.array([1000, 1040, 2000])
    cv = WalkForward(n_splits=4, initial=0.2)
    assert cv.boundaries(start, intervals=(start, start)).tolist() == [1200, 1400, 1600, 1800, 2001]
    cv = WalkForward(n_splits=2, initial=0.2, final=0.4)
    assert cv.boundaries(start, intervals=(start, start)).tolist() == [1200, 1400, 1600]


def test_as_many_groups_as_labels_are_possible_and_more_are_not():
    start = np.arange(4) * HOUR
    tests = [test.tolist() for _, test in PurgedKFold(4).split(start, intervals=(start, start + 1))]
    assert tests == [[0], [1], [2], [3]]
    with pytest.raises(DataError, match="5 groups need at least as many labels, found 4"):
        next(PurgedKFold(5).split(start, intervals=(start, start + 1)))


def test_rows_may_be_a_list_and_intervals_given_to_split_win():
    start, end = hourly(30)
    cv = PurgedKFold(3, intervals=(start[::-1], end[::-1]))
    given = [test.tolist() for _, test in cv.split([0] * 30, intervals=(start, end))]
    bound = [test.tolist() for _, test in cv.split([0] * 30)]
    assert given == bound[::-1]
    assert given[0] == list(range(10))


def test_a_rolling_part_begins_its_span_before_the_block():
    start, end = hourly(101, life=1)
    train, test = next(WalkForward(2, initial=0.5, rolling=timedelta(hours=10)).split(start, intervals=(start, end)))
    assert (train.tolist(), test[0]) == (list(range(40, 50)), 50)
