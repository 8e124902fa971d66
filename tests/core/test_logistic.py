"""Probabilities and log-odds, by hand and against scipy."""

import numpy as np
import pytest
from scipy.special import expit, logit

from tradsys.core.logistic import log_odds, sigmoid


def test_probabilities_are_those_of_scipy_and_never_overflow():
    z = np.array([-800.0, -30.0, -1.0, 0.0, 1.0, 30.0, 800.0, np.nan])
    np.testing.assert_allclose(sigmoid(z), expit(z), atol=1e-15)
    assert sigmoid(np.array([np.log(3.0)]))[0] == pytest.approx(0.75)


def test_log_odds_undo_probabilities():
    p = np.array([1e-6, 0.2, 0.5, 0.9])
    np.testing.assert_allclose(log_odds(p), logit(p), rtol=1e-13)
    np.testing.assert_allclose(sigmoid(log_odds(p)), p, atol=1e-15)
    assert log_odds(0.75) == pytest.approx(np.log(3.0))
