"""The journal's agents together: each is scored, and where the ensemble decides, the bundle decides as it did."""

import numpy as np
import pytest

from tradsys.predictor import Predictor
from tradsys.research.lookahead.lookahead import look_ahead
from tradsys.research.walk.experiment import run_experiment
from tradsys.research.walk.experiment_spec import experiment_from
from tradsys.settings.config import RunConfig

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def spec():
    agent = {"name": "all", "max_steps": 25, "d_model": 16, "n_layers": 1, "window": 16}
    folds = {"initial": 0.4, "n_folds": 2, "path_groups": 0}
    return experiment_from(RunConfig(agent=agent, regimes={"n_starts": 2}, folds=folds))


@pytest.fixture(scope="module")
def decided(small_market, spec):
    """An experiment in which the ensemble convinces from the first fold on."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tradsys.research.walk.deciding.convincing_challenger", lambda leads: "ensemble")
        yield run_experiment(small_market, spec)


def test_five_agents_and_their_ensemble_are_scored(decided):
    scored = {"logistic", "boosted", "transformer", "resnet", "volatility", "ensemble"}
    assert scored <= decided.scored.probability.keys()


def test_every_challenger_is_compared_once_there_is_an_earlier_block(decided, spec):
    first, second = decided.results
    assert first.leads == {}
    assert second.leads.keys() == set(spec.challengers)


def test_a_saved_ensemble_decides_as_it_did(decided, tmp_path):
    result = decided.results[-1]
    result.predictor.save(tmp_path / "bundle")
    (symbol,) = decided.data.frames
    again = Predictor.load(tmp_path / "bundle").forecast(decided.data.frames[symbol])
    rows = result.fold.test[0]
    held = result.forecasts[symbol]
    np.testing.assert_allclose(again.probability[rows], held.probability, atol=1e-12)
    assert np.array_equal(again.rank[rows], held.rank)


def test_an_ensemble_that_decides_sees_no_future(decided, spec, monkeypatch):
    monkeypatch.setattr("tradsys.research.walk.deciding.convincing_challenger", lambda leads: "ensemble")
    assert look_ahead(decided, spec, n_points=3).findings == ()
