"""The table of forecasts has all of its columns, supervised or not."""

from dataclasses import replace

import numpy as np
import pytest
from tests.research.leaky import quick_experiment
from tests.research.markets import trading_market

from tradsys.research.procedures.experiment import forecasts_frame
from tradsys.research.walk.experiment import run_experiment
from tradsys.runs.tables import FORECASTS, MACRO_STATES


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
