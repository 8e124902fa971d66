"""The table of forecasts has all of its columns, supervised or not."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from tests.research.leaky import quick_experiment
from tests.research.markets import trading_market

from tradsys.research.procedures.experiment import forecasts_frame
from tradsys.research.walk.experiment import block_decisions, run_experiment
from tradsys.runs.tables import ACTION_OF, FORECASTS, MACRO_STATES


@pytest.fixture(scope="module")
def experiment():
    spec = quick_experiment()
    return run_experiment(trading_market(1), spec), spec


def test_states_of_other_markets_are_null_where_nobody_watches_them(experiment):
    frame = forecasts_frame(*experiment)
    FORECASTS.check(frame)
    assert frame.select(MACRO_STATES).null_count().row(0) == (len(frame),) * 3


def test_states_of_other_markets_stand_in_the_row_of_their_decision(experiment):
    outcome, spec = experiment
    first = outcome.results[0]
    ((symbol, forecasts),) = first.forecasts.items()
    states = np.linspace(0, 1, 3 * len(forecasts.start)).reshape(-1, 3)
    watched = replace(first, forecasts={symbol: replace(forecasts, macro=states)})
    frame = forecasts_frame(replace(outcome, results=[watched]), spec)
    ready = states[forecasts.is_ready]
    np.testing.assert_array_equal(frame.select(MACRO_STATES).to_numpy()[::2], ready)


def test_what_each_profile_did_stands_at_the_side_that_it_looked_at(experiment):
    outcome, spec = experiment
    frame = forecasts_frame(outcome, spec)
    assert {one.name for one in spec.profiles} == {n.removeprefix(ACTION_OF) for n in frame.columns if ACTION_OF in n}
    for profile in spec.profiles:
        decided = pl.concat(block_decisions(result, profile, spec) for result in outcome.results)
        entered = decided.filter(pl.col("action") != 0).select("start", "side", "action")
        kept = frame.filter(pl.col(ACTION_OF + profile.name) != 0)
        assert kept.select("start", "side", pl.col(ACTION_OF + profile.name).alias("action")).equals(entered)
    assert frame.filter(pl.col(ACTION_OF + "RECKLESS") != 0).height > 10
    assert frame[ACTION_OF + spec.deployed.upper()].equals(frame["action"], check_names=False)
