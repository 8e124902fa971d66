"""Quantiles of how far bars move, fitted and read back."""

import json

import numpy as np
import pytest
from tests.models.linear.pinball import pinball

from tradsys.core.errors import FitError
from tradsys.models.linear.volatility_forecast import LocationScale, Ridge, fit_ridge, fit_scale, weighted_quantiles

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)


def rows(n: int = 20_000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes around `x0` whose spread is `exp(x1 / 2)`."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, 2))
    return X, X[:, 0] + np.exp(0.5 * X[:, 1]) * rng.standard_normal(n)


def fitted() -> LocationScale:
    X, target = rows()
    weight = np.ones(len(X))
    location = fit_ridge(X, target, weight, 1e-6)
    return fit_scale(location, X, target - location(X), weight, levels=LEVELS, penalty=1e-6)


def test_ridge_solves_its_normal_equations() -> None:
    X, target = rows(50)
    weight = np.linspace(0.1, 1.0, 50)
    one = fit_ridge(X, target, weight, 0.3)
    error, w = target - one(X), weight / weight.sum()
    np.testing.assert_allclose((w * error) @ X, 0.3 * one.coef, atol=1e-12)
    assert w @ error == pytest.approx(0.0, abs=1e-12)


def test_share_below_each_quantile_is_its_level_at_every_spread() -> None:
    X, target = rows(seed=1)
    below = target[:, None] <= fitted().quantiles(X)
    for part in (X[:, 1] < -0.5, np.abs(X[:, 1]) < 0.5, X[:, 1] > 0.5):
        np.testing.assert_allclose(below[part].mean(axis=0), LEVELS, atol=0.03)


def test_quantiles_cost_less_than_those_that_know_nothing() -> None:
    X, target = rows(seed=1)
    flat = np.tile(np.quantile(target, LEVELS), (len(X), 1))
    ours, theirs = (pinball(q, target, LEVELS).mean(axis=0) for q in (fitted().quantiles(X), flat))
    assert (ours < 0.8 * theirs).all()


def test_quantiles_never_cross_however_far_out_a_row_is() -> None:
    X = 30 * np.random.default_rng(2).standard_normal((1000, 2))
    assert (np.diff(fitted().quantiles(X), axis=1) >= 0).all()


def test_pinball_loss_is_least_at_the_quantile() -> None:
    target = rows(2000)[1]
    grid = np.linspace(-3, 3, 601)
    for level in LEVELS:
        losses = [pinball(np.full((2000, 1), q), target, (level,)).mean() for q in grid]
        best = weighted_quantiles(target, np.ones(2000), (level,))[0]
        assert abs(grid[int(np.argmin(losses))] - best) < 0.05


def test_weights_count_like_copies() -> None:
    values, weight = np.array([3.0, 1.0, 2.0]), np.array([1.0, 2.0, 1.0])
    assert weighted_quantiles(values, weight, (0.25, 0.5, 0.75, 1.0)).tolist() == [1.0, 1.0, 2.0, 3.0]


def test_saved_quantiles_come_back_to_the_last_bit() -> None:
    one = fitted()
    again = LocationScale.from_dict(json.loads(json.dumps(one.to_dict())))
    X = rows(100)[0]
    assert again.quantiles(X).tobytes() == one.quantiles(X).tobytes()
    assert again.levels == LEVELS


def test_no_rows_cannot_be_fitted() -> None:
    with pytest.raises(FitError, match="rows with positive weight, found 0 rows"):
        fit_ridge(np.empty((0, 2)), np.empty(0), np.empty(0), 1.0)
    assert Ridge(1.0, np.zeros(2))(np.empty((0, 2))).shape == (0,)
