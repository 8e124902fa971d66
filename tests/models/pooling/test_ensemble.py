import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize

from tradsys.core.errors import ConfigError
from tradsys.models.calibration import Calibration, fit_calibration
from tradsys.models.pooling.ensemble import Ensemble, FittedEnsemble, allowed, minimise

PIVOT = np.log(0.45 / 0.55)


def record(n: int = 20_000, seed: int = 0, *, strength: float = 0.6) -> tuple[dict[str, np.ndarray], ...]:
    """Three members: `a` is right in regime 0, `b` in regime 1, `noise` never; labels and regime probabilities."""
    rng = np.random.default_rng(seed)
    state = rng.integers(0, 2, n)
    signal = strength * rng.standard_normal((3, n, 2))
    regime = np.where(state[:, None] == [0, 1], 0.9, 0.1)
    true = PIVOT + np.where(state[:, None] == 0, signal[0], signal[1])
    y = (rng.random((n, 2)) < 1 / (1 + np.exp(-true))).astype(float)
    members = {"a": PIVOT + signal[0], "b": PIVOT + signal[1], "noise": PIVOT + signal[2]}
    return members, regime, y, np.ones((n, 2))


def loss(z: np.ndarray, y: np.ndarray) -> float:
    return 1e3 * float((np.logaddexp(0, z) - y * z).mean())


def test_each_regime_gets_the_member_that_is_right_there() -> None:
    weights = Ensemble().fit(*record()).weights
    assert weights.argmax(axis=1).tolist() == [0, 1]
    assert weights[0, 0] > 5 * weights[0, 1]
    assert weights[1, 1] > 5 * weights[1, 0]
    assert weights[:, 2].max() < 0.1
    assert (weights >= 0).all()
    assert (weights.sum(axis=1) <= 1 + 1e-12).all()


def alone(rows: tuple) -> dict[str, Calibration]:
    members, _, y, weight = rows
    return {name: fit_calibration(logits, y, weight) for name, logits in members.items()}


def test_on_fresh_rows_it_beats_every_member_where_regimes_differ() -> None:
    members, regime, y, _ = record(seed=1)
    pooled = loss(Ensemble().fit(*record()).logits(members, regime), y)
    assert pooled < min(loss(one.logits(members[name]), y) for name, one in alone(record()).items()) - 5


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("incumbent", [None, "b"])
def test_where_one_member_is_right_everywhere_the_pool_is_hardly_worse(seed: int, incumbent: str | None) -> None:
    def one_right(seed: int) -> tuple:
        rng = np.random.default_rng(seed)
        members, regime, y, weight = record(4000, seed, strength=0.3)
        y = (rng.random(y.shape) < 1 / (1 + np.exp(-members["a"]))).astype(float)
        return members, regime, y, weight

    train, (members, regime, y, _) = one_right(seed), one_right(100 + seed)
    pooled = loss(Ensemble(incumbent).fit(*train).logits(members, regime), y)
    best = min(loss(one.logits(members[name]), y) for name, one in alone(train).items())
    assert pooled < best + 0.7


def test_labels_permuted_in_blocks_leave_the_base_rate() -> None:
    members, regime, y, weight = record()
    order = np.random.default_rng(3).permutation(len(y) // 100)
    fitted = Ensemble().fit(members, regime, y.reshape(-1, 100, 2)[order].reshape(-1, 2), weight)
    said = fitted.logits(members, regime)
    assert np.abs(said - fitted.pivot).max() < 0.1
    fresh = record(seed=5)[2][order.argsort()]
    assert loss(np.tile(fitted.pivot, (len(fresh), 1)), fresh) - loss(said[: len(fresh)], fresh) < 0.3


def test_a_regime_that_was_never_seen_weighs_as_the_others_do_together() -> None:
    members, regime, y, weight = record()
    third = np.column_stack([regime, np.zeros(len(y))])
    weights = Ensemble().fit(members, third, y, weight).weights
    assert weights.shape == (3, 3)
    assert weights[1, 0] < weights[2, 0] < weights[0, 0]
    assert weights[0, 1] < weights[2, 1] < weights[1, 1]


def test_few_labels_leave_the_weights_where_they_begin() -> None:
    members, regime, y, weight = record(200)
    equal = Ensemble().fit(members, regime, y, 1e-4 * weight).weights
    np.testing.assert_allclose(equal, 1 / 3, atol=1e-3)
    kept = Ensemble("b").fit(members, regime, y, 1e-4 * weight).weights
    np.testing.assert_allclose(kept, [[0, 1, 0]] * 2, atol=1e-3)
    nothing = {name: np.full_like(z, np.nan) for name, z in members.items()}
    begun = Ensemble("b").fit(nothing, regime, y, weight, base_rate=np.array([0.4, 0.5])).weights
    assert begun.tolist() == [[0, 1, 0]] * 2


def test_weights_are_the_most_probable_ones() -> None:
    members, regime, y, weight = record(300)
    spec = Ensemble(shared_sd=0.4, regime_sd=0.2)
    fitted = spec.fit(members, regime, y, weight)
    apart = [fitted.calibrations[name].logits(z) - fitted.pivot for name, z in members.items()]
    shared = np.linalg.inv(np.full((2, 2), 0.4**2) + 0.2**2 * np.eye(2))

    def objective(values: np.ndarray) -> float:
        w, level = values[:6].reshape(2, 3), values[6:]
        z = level + sum((regime @ w)[:, [m]] * d for m, d in enumerate(apart))
        off = w - 1 / 3
        return float((np.logaddexp(0, z) - y * z).sum() + 0.5 * np.einsum("sm,st,tm->", off, shared, off))

    room = [{"type": "ineq", "fun": lambda v, s=s: 1 - v[3 * s : 3 * s + 3].sum()} for s in range(2)]
    bounds = [(0, 1)] * 6 + [(-2, 2)] * 2
    best = minimize(objective, [0.3] * 6 + [PIVOT] * 2, bounds=bounds, constraints=room, tol=1e-12)
    np.testing.assert_allclose(fitted.weights.ravel(), best.x[:6], atol=2e-4)


def test_rows_without_a_forecast_teach_nothing_and_stay_unknown() -> None:
    members, regime, y, weight = record(2000)
    holes = {**members, "a": np.where(np.arange(2000)[:, None] % 3 == 0, np.nan, members["a"])}
    fitted = Ensemble().fit(holes, regime, y, weight)
    assert np.isnan(fitted.logits(holes, regime)[::3]).all()
    assert np.isfinite(fitted.logits(members, regime)).all()
    assert np.isnan(fitted.logits(members, np.full_like(regime, np.nan))).all()
    doubled = np.where(np.arange(2000)[:, None] % 3 == 0, 1 - y, y)
    calibrated = Ensemble().fit({"a": holes["a"]}, regime, y, weight).weights
    assert calibrated.tolist() == Ensemble().fit({"a": holes["a"]}, regime, doubled, weight).weights.tolist()


def test_a_saved_ensemble_comes_back_to_the_last_bit() -> None:
    members, regime, y, weight = record(2000)
    fitted = Ensemble().fit(members, regime, y, weight)
    again = FittedEnsemble.from_dict(json.loads(json.dumps(fitted.to_dict())))
    assert again.logits(members, regime).tobytes() == fitted.logits(members, regime).tobytes()
    assert again.members == ("a", "b", "noise")


def test_what_cannot_be_pooled_is_refused() -> None:
    members, regime, y, weight = record(500)
    fitted = Ensemble().fit(members, regime, y, weight)
    with pytest.raises(ConfigError, match="combines a, b, noise; b did not forecast"):
        fitted.logits({"a": members["a"], "noise": members["noise"]}, regime)
    with pytest.raises(ConfigError, match=r"weights for 2 regimes, found probabilities of shape \(500, 1\)"):
        fitted.logits(members, regime[:, :1])
    with pytest.raises(ConfigError, match="incumbent 'c' is none of the members a, b, noise"):
        Ensemble("c").fit(members, regime, y, weight)
    with pytest.raises(ConfigError, match="give it the log-odds of at least one"):
        Ensemble().fit({}, regime, y, weight)
    with pytest.raises(ConfigError, match="standard deviations of weights"):
        replace(Ensemble(), regime_sd=0.0)


def test_projection_is_the_nearest_allowed_point() -> None:
    rng = np.random.default_rng(0)
    w = rng.normal(0, 1, (50, 3))
    nearest = allowed(w)
    assert (nearest >= 0).all()
    assert (nearest.sum(axis=1) <= 1 + 1e-12).all()
    other = rng.dirichlet(np.ones(4), 2000)[:, :3]
    distance = ((w[:, None] - other) ** 2).sum(axis=2).min(axis=1)
    assert (((w - nearest) ** 2).sum(axis=1) <= distance).all()
    inside = np.array([[0.2, 0.3, 0.1], [0.0, 0.0, 1.0]])
    assert allowed(inside).tolist() == inside.tolist()


def test_quadratic_minimum_within_bounds_is_the_plain_one() -> None:
    rng = np.random.default_rng(1)
    root = rng.standard_normal((8, 4))
    curvature, best = root.T @ root, np.array([0.3, 0.4, 0.1, 0.2])
    start = np.array([0.0, 1.0, 0.5, 0.5])
    np.testing.assert_allclose(minimise(curvature, curvature @ (start - best), start, 2), best, atol=1e-8)
