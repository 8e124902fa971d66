"""One market through the flow, and the cheaper trials that compete with its own."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from tradsys.core.bars import to_arrays
from tradsys.core.errors import DataError, NotEnoughBars
from tradsys.core.slippage import slippage_of
from tradsys.core.time import DAY_MS
from tradsys.research.calibration import replication
from tradsys.research.calibration.competing_trials import competing_trials, trade
from tradsys.research.calibration.replication import Replication, replicate, shorter_verdicts
from tradsys.research.calibration.scenarios import calibration_experiment
from tradsys.research.judging.trials import trial_series
from tradsys.research.walk.experiment import block_decisions, run_experiment


@pytest.fixture(scope="module")
def spec():
    return calibration_experiment("fast", seed=0)


@pytest.fixture(scope="module")
def outcome(small_market, spec):
    return run_experiment(small_market, spec)


@pytest.fixture(scope="module")
def own(outcome):
    return trial_series(outcome.simulations)


def annual_sharpe(daily):
    return daily.mean() / daily.std() * np.sqrt(365)


def test_the_quick_trades_are_the_simulations(outcome, spec, own):
    """The same decisions: the same trades and positions; daily returns differ as compounding makes them."""
    (frame,), (labels,) = outcome.data.frames.values(), outcome.data.labels.values()
    decided = pl.concat(block_decisions(result, spec.profiles[2], spec) for result in outcome.results)
    action = np.zeros(len(frame), np.int8)
    action[np.searchsorted(labels.start, decided["start"].dt.epoch("ms").to_numpy())] = decided["action"].to_numpy()
    action[~labels.is_labelled] = 0
    bars, reckless = to_arrays(frame), own[2]
    exits = np.searchsorted(labels.start, labels.end)
    day = (labels.start - 1) // DAY_MS - reckless.days[0]
    taker = spec.costs.taker + slippage_of(frame, spec.costs)
    daily, position, n_trades = trade(
        action, bars.open, bars.close, exits, labels.ret, labels.net, taker, day, len(reckless.days)
    )
    first = np.searchsorted(bars.ts, reckless.grid[0])
    assert n_trades == reckless.n_trades > 50
    assert (np.sign(position[first : first + len(reckless.grid)]) == np.sign(reckless.position[0])).all()
    assert annual_sharpe(daily) == pytest.approx(annual_sharpe(reckless.daily), abs=0.1)


def test_competitors_are_different_trials_on_the_same_record(outcome, spec, own):
    competitors = competing_trials(outcome, spec, own[0], 4, seed=1)
    assert len(competitors) == 16
    assert len({competitor.digest for competitor in competitors}) == 16
    assert all((competitor.days == own[0].days).all() for competitor in competitors)
    assert min(competitor.n_trades for competitor in competitors) > 0


def test_competitors_find_a_strong_edge_and_trade_in_the_test_part_alone(outcome, spec, own):
    competitors = competing_trials(outcome, spec, own[0], 8, seed=1)
    assert np.mean([annual_sharpe(competitor.daily) for competitor in competitors]) > 1
    opens = outcome.results[0].fold.opens
    assert all(not competitor.position[:, competitor.grid < opens].any() for competitor in competitors)


def test_competitors_go_long_alone_where_the_market_does(outcome, spec, own):
    competitors = competing_trials(outcome, replace(spec, sides=("long",)), own[0], 2, seed=1)
    assert all((competitor.position >= 0).all() for competitor in competitors)
    assert any(competitor.position.any() for competitor in competitors)


def test_a_shorter_record_is_judged_as_if_history_ended_there(own, spec):
    assert shorter_verdicts(own, 20, spec.verdict, 100, 0).keys() <= {one.key for one in own}
    longer = shorter_verdicts(own, 150, spec.verdict, 100, 0)
    assert longer.keys() >= {"RECKLESS"}


@pytest.mark.slow
def test_a_market_is_remembered_with_all_its_verdicts():
    line = replicate(Replication("fast", "edge:3", 7, has_competitors=True))
    assert [profile["verdict"] for profile in line["profiles"].values()].count("proven") >= 3
    assert line["among"]["100"]["any"]
    assert set(line["among"]["20"]["own"]) <= set(line["profiles"])
    assert line["n_days"] == 1_095
    assert set(line["shorter"]) == {"200", "300", "500"}
    again = replicate(Replication("fast", "edge:3", 7, has_competitors=False))
    assert again["profiles"] == line["profiles"]


@pytest.mark.parametrize("error", [DataError, NotEnoughBars])
def test_bars_are_refused_by_what_they_hold_and_not_for_being_too_few(monkeypatch, error):
    def refuse(*_, **__):
        raise error("no")

    monkeypatch.setattr(replication, "load_market", refuse)
    one = Replication("fast", "noise", 1, has_competitors=False)
    if error is NotEnoughBars:
        with pytest.raises(NotEnoughBars):
            replicate(one)
    else:
        assert replicate(one)["refused"] == "no"
