"""Expected returns against earned ones, on a market with an edge that the quick parts find."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from tests.research.markets import long_market

from tradsys.predictor.money import Earned
from tradsys.profiles.catalogue import EDGE
from tradsys.research.calibration.scenarios import calibration_experiment
from tradsys.research.walk.earning import money_calibration
from tradsys.research.walk.experiment import block_decisions, walk
from tradsys.runs.metrics import MoneyMetrics


@pytest.fixture(scope="module")
def walked():
    spec = calibration_experiment("fast", seed=1)
    return walk(long_market(1), spec), spec


def money_of(walked, results):
    (data, _, _), spec = walked
    return money_calibration(data, results, horizon=spec.barriers.horizon, seed=0)


def test_tenths_rise_in_what_they_expect_and_hold_every_decision_once(walked):
    (data, _, results), _ = walked
    found = money_of(walked, results)
    expected = [one["expected_bps"] for one in found["bins"]]
    assert len(expected) == 10
    assert expected == sorted(expected)
    tested = sum(
        int((labels.is_labelled & test).sum())
        for result in results
        for labels, test in zip(data.labels.values(), result.fold.test, strict=True)
    )
    assert sum(one["n"] for one in found["bins"]) == pytest.approx(tested, abs=50)
    assert MoneyMetrics.model_validate(found).to_json() == found


def test_what_was_earned_is_the_label_s_net_return_on_the_better_side(walked):
    (data, _, results), _ = walked
    found = money_of(walked, results)
    net = []
    for result in results:
        for symbol, forecasts in result.forecasts.items():
            labels, test = data.labels[symbol], result.fold.test[0]
            side = forecasts.best_side
            both = labels.net[test][np.arange(len(side)), side]
            net.append(both[np.isfinite(both)])
    mean = sum(one["earned_bps"] * one["n"] for one in found["bins"]) / sum(one["n"] for one in found["bins"])
    assert mean == pytest.approx(np.concatenate(net).mean() * 1e4, abs=1.0)


def test_those_that_are_expected_to_pay_are_the_ones_edge_enters(walked):
    (_, _, results), spec = walked
    entered = sum(int((block_decisions(result, EDGE, spec)["action"] != 0).sum()) for result in results)
    assert entered > 0
    assert money_of(walked, results)["paying"]["n"] == pytest.approx(entered, abs=20)


def test_folds_whose_record_did_not_earn_its_costs_stay_out_and_are_counted(walked):
    (_, _, results), spec = walked
    losing = [
        replace(
            result,
            forecasts={
                symbol: replace(one, has_earned=np.zeros(len(one.start), bool))
                for symbol, one in result.forecasts.items()
            },
            predictor=replace(
                result.predictor, money=replace(result.predictor.money, earned=Earned(-0.001, 0.0005, 40.0))
            ),
        )
        for result in results
    ]
    found = money_of(walked, losing)
    assert (found["n_folds"], found["n_folds_out"], found["paying"]) == (len(results), len(results), None)
    decided = pl.concat(block_decisions(result, EDGE, spec) for result in losing)
    assert (decided["action"] == 0).all()
    assert decided["reason"].str.contains("did not earn their costs").any()
