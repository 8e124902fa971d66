"""Combinatorial purged paths: what each split may see, and which split speaks where along a path."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from tests.research.leaky import quick_experiment
from tests.research.markets import market_of, two_markets

from tradsys.data.simulate.market import HOUR
from tradsys.models.linear.baselines import BaseRate, VolatilityOnly
from tradsys.models.linear.logistic import RidgeLogistic
from tradsys.research.lookahead.computed_tables import fit_tables
from tradsys.research.lookahead.without_future import mirrored
from tradsys.research.selection.combinatorial_paths import (
    combinatorial_folds,
    cross_validated_paths,
    decide_split,
    path_decisions,
)
from tradsys.research.walk.dataset import Dataset
from tradsys.settings.config import RunConfig
from tradsys.settings.sections import FoldSettings
from tradsys.splits import CombinatorialPurgedCV

FOLDS = FoldSettings(initial=0.4, n_folds=2, lockbox=0.1, path_groups=4, path_tests=2)


@pytest.fixture(scope="module")
def spec():
    weak_ridge = (BaseRate(), VolatilityOnly(10.0), RidgeLogistic(0.1))  # forecasts that differ, so that all trade
    return quick_experiment(folds=FOLDS, forecasters=weak_ridge)


@pytest.fixture(scope="module")
def data(spec):
    return dataset(market_of("edge:3", 1, 3_000), spec)


def dataset(market, spec):
    return Dataset.build(market.bars, HOUR, spec.barriers, spec.costs)


def with_other_labels(data, rows):
    """Every outcome of the chosen rows replaced by its neighbour's, a hundred rows on."""
    labels = {}
    for (symbol, one), mask in zip(data.labels.items(), rows, strict=True):
        mine = mask & one.is_labelled
        changed = {}
        for name in ("target", "timed_out", "ambiguous", "ret", "net", "weight"):
            values = getattr(one, name).copy()
            values[mine] = np.roll(values[mine], 100, axis=0)
            changed[name] = values
        labels[symbol] = replace(one, **changed)
    return replace(data, labels=labels)


def learnt(data, spec, fold):
    """Hashes of everything that the split's fit left behind."""
    (table,) = fit_tables(decide_split(data, spec, fold))
    return dict(zip(table.columns, table.values[0].tolist(), strict=True))


@pytest.mark.parametrize("k", range(6))
def test_the_labels_of_the_test_groups_do_not_move_the_split_s_fits(k, data, spec):
    _, _, folds = combinatorial_folds(data, spec)
    assert learnt(with_other_labels(data, folds[k].test), spec, folds[k]) == learnt(data, spec, folds[k])


def test_the_labels_of_the_training_groups_do(data, spec):
    _, _, folds = combinatorial_folds(data, spec)
    before, after = learnt(data, spec, folds[2]), learnt(with_other_labels(data, folds[2].train), spec, folds[2])
    moved = {name for name, value in after.items() if value != before[name]}
    assert moved >= {"forecaster", "calibration", "ranks", "money", "auditor"}


@pytest.mark.parametrize("market", [market_of("noise", 2, 3_000), two_markets(2)], ids=["one", "two"])
def test_nothing_is_fitted_on_a_bar_of_a_test_group(market, spec):
    data = dataset(market, spec)
    _, edges, folds = combinatorial_folds(data, spec)
    for fold, tested in zip(folds, CombinatorialPurgedCV(4, 2).test_groups(), strict=True):
        closes = np.concatenate(
            [b["ts"].dt.epoch("ms").to_numpy() + 3_600_000 for b in data.before(fold.train, fold.held_out)]
        )
        assert len(closes) > 500
        for group in tested:
            assert not ((closes >= edges[group]) & (closes < edges[group + 1])).any()


def test_a_split_that_tests_the_end_is_a_walk_forward_fold_and_knows_no_later_bar(data, spec):
    _, _, folds = combinatorial_folds(data, spec)
    frame = data.frames["X"]
    other = Dataset.build(
        mirrored(frame, HOUR, folds[-1].opens).with_columns(symbol=pl.lit("X")), HOUR, spec.barriers, spec.costs
    )
    assert learnt(other, spec, folds[-1]) == learnt(data, spec, folds[-1])


def test_wilder_bars_in_a_test_group_change_no_scale_and_no_regime(data, spec):
    _, edges, folds = combinatorial_folds(data, spec)
    fold = folds[3]  # groups 2 and 3 of 4: training bars lie on both sides
    inside = (pl.col("ts").dt.epoch("ms") >= edges[1]) & (pl.col("ts").dt.epoch("ms") < edges[3] - 7_200_000)
    wild = data.frames["X"].with_columns(
        high=pl.when(inside).then(pl.col("high") * 1.2).otherwise(pl.col("high")),
        low=pl.when(inside).then(pl.col("low") * 0.8).otherwise(pl.col("low")),
    )
    one, other = (decide_split(d, spec, fold).predictor for d in (data, replace(data, frames={"X": wild})))
    assert one.regimes == other.regimes
    np.testing.assert_allclose(one.features.scale, other.features.scale, rtol=1e-9)
    whole = replace(fold, held_out=None)
    assert decide_split(replace(data, frames={"X": wild}), spec, whole).predictor.regimes != one.regimes


def test_each_group_is_told_by_the_split_that_the_map_names():
    """Path 2 of (6, 2) is (G1,S2)(G2,S6)(G3,S6)(G4,S7)(G5,S8)(G6,S9)."""
    edges = np.arange(7) * 1_000
    when = pl.Series("start", np.arange(0, 6_000, 250)).cast(pl.Datetime("ms", "UTC"))
    decided = [pl.DataFrame([when]).with_columns(split=split + 1) for split in range(15)]
    decisions = path_decisions(decided, CombinatorialPurgedCV(6, 2).paths()[1], edges)
    assert decisions["start"].equals(when)
    assert decisions["split"][::4].to_list() == [2, 6, 6, 7, 8, 9]


def test_every_split_tests_the_groups_that_paths_ask_it_for(data, spec):
    cv, edges, folds = combinatorial_folds(data, spec)
    start = data.labels["X"].start
    for path in cv.paths():
        for group, split in enumerate(path):
            inside = (start >= edges[group]) & (start < edges[group + 1])
            assert folds[split].test[0][inside].all()
            assert not folds[split].train[0][inside].any()


def test_a_path_has_no_hole_and_the_table_says_what_it_rests_on(data, spec):
    shown = cross_validated_paths(data, spec)
    assert (shown["n_splits"], shown["n_paths"], shown["forecaster"]) == (6, 3, "logistic")
    one = shown["profiles"]["RECKLESS"]
    assert min(one["n_trades"]) > 20
    assert one["mean"] == pytest.approx(np.mean(one["sharpes"]))
    (low, high), (naive_low, naive_high) = one["interval"], one["naive_interval"]
    assert low < naive_low < one["mean"] < naive_high < high
    assert 0.2 < one["correlation"] < 1


def test_the_same_data_gives_the_same_paths(data, spec):
    assert cross_validated_paths(data, spec) == cross_validated_paths(data, spec)


def test_they_can_be_turned_off_and_do_not_change_which_configuration_it_is(data, spec):
    off = RunConfig(folds={"path_groups": 0})
    assert cross_validated_paths(data, replace(spec, folds=off.folds)) == {
        "reason": "turned off: folds.path_groups is 0"
    }
    assert off.digest == RunConfig().digest != RunConfig(folds={"n_folds": 5}).digest


def test_too_little_history_is_a_reason_and_no_error(spec):
    shown = cross_validated_paths(dataset(market_of("noise", 3, 500), spec), spec)
    assert "needs 300 labelled rows to train on" in shown["reason"]


def test_a_path_needs_something_to_train_on():
    with pytest.raises(ValueError, match="path_groups must be more than path_tests"):
        FoldSettings(path_groups=2, path_tests=2)
