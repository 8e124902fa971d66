"""A pool says what its members say: one of them, or all weighed by the regime."""

import json

import numpy as np
import pytest

from tradsys.models.calibration import Calibration
from tradsys.models.linear.logistic import FittedLinear
from tradsys.models.pooling.combination import Alone, Pooled, pool_from_dict
from tradsys.models.pooling.ensemble import FittedEnsemble

RNG = np.random.default_rng(0)
X, REGIME = RNG.normal(size=(50, 3)), RNG.dirichlet(np.ones(2), 50)
FORECASTERS = {name: FittedLinear(RNG.normal(size=2), RNG.normal(size=(2, 3))) for name in ("b", "a")}
SAID = {name: one.logits(X) for name, one in FORECASTERS.items()}
ENSEMBLE = FittedEnsemble(
    {name: Calibration(np.zeros(2), np.ones(2)) for name in FORECASTERS},
    np.array([[0.9, 0.0], [0.1, 0.6]]),
    np.zeros(2),
)


def test_alone_says_what_its_member_says_to_the_last_bit():
    assert Alone("b").logits(SAID, REGIME) is SAID["b"]


@pytest.mark.parametrize("pool", [Alone("a"), ENSEMBLE], ids=["alone", "ensemble"])
def test_a_saved_pool_comes_back(pool):
    back = pool_from_dict(json.loads(json.dumps(pool.to_dict(), sort_keys=True)))
    assert back.members == pool.members
    assert back.logits(SAID, REGIME).tobytes() == pool.logits(SAID, REGIME).tobytes()


def test_a_pool_in_one_regime_has_that_regimes_weights():
    quiet = Pooled(ENSEMBLE, FORECASTERS, np.array([1.0, 0.0]))
    np.testing.assert_allclose(quiet.logits(X), 0.9 * SAID["b"], atol=1e-12)
    mixed = Pooled(ENSEMBLE, FORECASTERS, np.array([0.5, 0.5]))
    np.testing.assert_allclose(mixed.logits(X), 0.5 * SAID["b"] + 0.3 * SAID["a"], atol=1e-12)
