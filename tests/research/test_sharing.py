"""What folds share is computed once, and nothing else changes by it."""

from datetime import timedelta

import numpy as np
import pytest

from tradsys.research.calibration.scenarios import calibration_experiment
from tradsys.research.walk.dataset import Dataset
from tradsys.research.walk.experiment import run_experiment


@pytest.fixture(scope="module")
def spec():
    return calibration_experiment("fast", seed=0)


@pytest.fixture(scope="module")
def outcome(small_market, spec):
    return run_experiment(small_market, spec)


def test_a_fold_fits_and_computes_features_as_if_it_were_alone(outcome, spec):
    fold = outcome.results[3].fold
    regimes = outcome.results[3].predictor.regimes
    data = Dataset(timedelta(hours=1), outcome.data.frames, outcome.data.labels)
    fitted, panel = data.panel(spec.feature_set(regimes), fold.train, seed=0)
    alone = spec.feature_set(regimes).fit(data.before(fold.train), seed=0)
    (bars,) = data.frames.values()
    assert fitted == alone
    assert panel.X[0].tobytes() == alone.compute(bars).values.tobytes()


def test_the_test_block_is_forecast_as_the_predictor_would(outcome):
    (bars,) = outcome.data.frames.values()
    for result in outcome.results:
        alone, (shared,), (rows,) = result.predictor.forecast(bars), result.forecasts.values(), result.fold.test
        assert len(shared.start) == rows.sum()
        for name in ("start", "probability", "expected_net", "best_side", "rank", "regime", "atr", "is_ready"):
            assert np.array_equal(getattr(shared, name), getattr(alone, name)[rows], equal_nan=name == "regime"), name
        np.testing.assert_allclose(shared.audit, alone.audit[rows], rtol=0, atol=1e-15)
