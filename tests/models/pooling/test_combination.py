"""A combination forecasts what its members forecast: one of them, or all weighted by the regime."""

import json

import numpy as np
import pytest

from tradsys.models.calibration import Calibration
from tradsys.models.linear.logistic import FittedLinear
from tradsys.models.pooling.combination import CombinedForecaster, SingleForecaster, combination_from_dict
from tradsys.models.pooling.ensemble import FittedEnsemble

RNG = np.random.default_rng(0)
X, REGIME = RNG.normal(size=(50, 3)), RNG.dirichlet(np.ones(2), 50)
FORECASTERS = {name: FittedLinear(RNG.normal(size=2), RNG.normal(size=(2, 3))) for name in ("b", "a")}
LOGITS = {name: one.logits(X) for name, one in FORECASTERS.items()}
ENSEMBLE = FittedEnsemble(
    {name: Calibration(np.zeros(2), np.ones(2)) for name in FORECASTERS},
    np.array([[0.9, 0.0], [0.1, 0.6]]),
    np.zeros(2),
)


def test_a_single_forecaster_is_its_member_to_the_last_bit():
    assert SingleForecaster("b").logits(LOGITS, REGIME) is LOGITS["b"]


@pytest.mark.parametrize("combination", [SingleForecaster("a"), ENSEMBLE], ids=["single", "ensemble"])
def test_a_saved_combination_comes_back(combination):
    back = combination_from_dict(json.loads(json.dumps(combination.to_dict(), sort_keys=True)))
    assert back.members == combination.members
    assert back.logits(LOGITS, REGIME).tobytes() == combination.logits(LOGITS, REGIME).tobytes()


def test_a_combination_in_one_regime_has_that_regimes_weights():
    quiet = CombinedForecaster(ENSEMBLE, FORECASTERS, np.array([1.0, 0.0]))
    np.testing.assert_allclose(quiet.logits(X), 0.9 * LOGITS["b"], atol=1e-12)
    mixed = CombinedForecaster(ENSEMBLE, FORECASTERS, np.array([0.5, 0.5]))
    np.testing.assert_allclose(mixed.logits(X), 0.5 * LOGITS["b"] + 0.3 * LOGITS["a"], atol=1e-12)
