"""Models that forecast a row from its own columns: base rate, ridge logistics, volatility alone."""

import json
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from tests.models.panels import panel_of

from tradsys.core.errors import BundleError, ConfigError, FitError
from tradsys.models.forecaster import KINDS, Forecaster, Panel, load_forecaster
from tradsys.models.linear.baselines import BaseRate, SymmetricLogistic, VolatilityOnly
from tradsys.models.linear.logistic import RidgeLogistic, fit_logistic
from tradsys.models.linear.penalty import PENALTIES, Problem, choose_penalties
from tradsys.models.trees.boosted import Boosted

MODELS: list[Forecaster] = [
    BaseRate(),
    VolatilityOnly(),
    RidgeLogistic(),
    RidgeLogistic(penalty=1.0),
    SymmetricLogistic(),
    Boosted(max_trees=40),
]


@pytest.fixture(scope="module")
def panel() -> Panel:
    return panel_of(n_symbols=2)


@pytest.fixture(params=MODELS, ids=lambda model: f"{type(model).__name__}-{getattr(model, 'penalty', '')}")
def model(request: pytest.FixtureRequest) -> Forecaster:
    return request.param


def loss(z: np.ndarray, y: np.ndarray) -> float:
    return float(np.mean(np.logaddexp(0, z) - y * z))


def test_forecasts_have_two_sides_and_are_unknown_where_a_feature_is(model: Forecaster, panel: Panel) -> None:
    fitted = model.fit(panel, panel.usable(), seed=0)
    X = panel.X[0].copy()
    X[100, 3] = np.nan
    z = fitted.logits(X)
    assert z.shape == (len(X), 2)
    known = np.isfinite(X).all(axis=1)
    assert np.isfinite(z[known]).all()
    assert np.isnan(z[~known]).all()
    assert fitted.memory == model.memory == 0


def test_one_row_is_forecast_as_in_the_batch(model: Forecaster, panel: Panel) -> None:
    fitted = model.fit(panel, panel.usable(), seed=0)
    batch = fitted.logits(panel.X[0])
    for row in (50, 51, 3000):
        np.testing.assert_allclose(fitted.logits(panel.X[0][row : row + 1])[0], batch[row], rtol=0, atol=1e-9)


def test_a_saved_model_forecasts_the_same_bits(model: Forecaster, panel: Panel) -> None:
    fitted = model.fit(panel, panel.usable(), seed=0)
    files = fitted.to_files()
    again = load_forecaster(fitted.kind, files)
    assert again.logits(panel.X[0]).tobytes() == fitted.logits(panel.X[0]).tobytes()
    assert again.to_files() == files


def test_the_same_rows_and_seed_give_the_same_files(model: Forecaster, panel: Panel) -> None:
    first, second = (model.fit(panel, panel.usable(), seed=3).to_files() for _ in range(2))
    assert first == second


def test_rows_that_were_not_chosen_do_not_matter(model: Forecaster, panel: Panel) -> None:
    rows = tuple(mask & (np.arange(len(mask)) < 3000) for mask in panel.usable())
    other = replace(panel, y=tuple(np.where(np.arange(len(y))[:, None] < 3000, y, 1 - y) for y in panel.y))
    assert model.fit(panel, rows, seed=0).to_files() == model.fit(other, rows, seed=0).to_files()


def test_other_features_are_refused(model: Forecaster, panel: Panel) -> None:
    fitted = model.fit(panel, panel.usable(), seed=0)
    with pytest.raises(ConfigError, match="fitted on 4 features, found an array of shape"):
        fitted.logits(panel.X[0][:, :3])


def test_labels_of_one_outcome_are_refused(model: Forecaster, panel: Panel) -> None:
    always = replace(panel, y=tuple(np.where(np.isfinite(y), 1.0, np.nan) for y in panel.y))
    with pytest.raises(FitError, match="needs both outcomes, found only 1"):
        model.fit(always, panel.usable(), seed=0)


def test_no_rows_are_refused(model: Forecaster, panel: Panel) -> None:
    with pytest.raises(FitError, match="found 0 rows"):
        model.fit(panel, tuple(np.zeros(len(x), bool) for x in panel.X), seed=0)


@pytest.mark.parametrize("spec", [RidgeLogistic(), SymmetricLogistic(), Boosted()])
def test_a_planted_signal_is_found_and_beats_the_base_rate(spec: Forecaster, panel: Panel) -> None:
    fresh = panel_of(seed=9)
    X, y = (stack(fresh.usable()) for stack in (fresh.stack_X, fresh.stack_y))
    base = BaseRate().fit(panel, panel.usable(), seed=0).logits(X)
    z = spec.fit(panel, panel.usable(), seed=0).logits(X)
    # the truth itself gains about 46 millinats
    assert loss(base, y) - loss(z, y) > 0.025


def test_labels_without_signal_teach_next_to_nothing(panel: Panel) -> None:
    rng = np.random.default_rng(1)
    permuted = replace(panel, y=tuple(_shuffled(y, rng) for y in panel.y))
    fresh = panel_of(seed=9)
    X, y = fresh.stack_X(fresh.usable()), fresh.stack_y(fresh.usable())
    base = BaseRate().fit(permuted, panel.usable(), seed=0).logits(X)
    z = RidgeLogistic().fit(permuted, panel.usable(), seed=0).logits(X)
    assert abs(loss(base, y) - loss(z, y)) < 0.001


def _shuffled(y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    out = y.copy()
    known = np.isfinite(y).all(axis=1)
    out[known] = rng.permutation(out[known])
    return out


def test_the_base_rate_is_the_weighted_share_of_targets() -> None:
    panel = panel_of(200)
    rows = panel.usable()
    z = BaseRate().fit(panel, rows, seed=0).logits(panel.X[0])[60]
    y, w = panel.stack_y(rows), panel.stack_weight(rows)
    np.testing.assert_allclose(1 / (1 + np.exp(-z)), (y * w).sum(axis=0) / w.sum(axis=0), rtol=1e-12)


def test_volatility_only_reads_volatility_columns_alone(panel: Panel) -> None:
    coef = VolatilityOnly(1.0).fit(panel, panel.usable(), seed=0).coef
    assert (coef[:, 2] != 0).all()
    assert (coef[:, [0, 1, 3]] == 0).all()


def test_without_volatility_columns_volatility_only_is_the_base_rate(panel: Panel) -> None:
    none = replace(panel, is_volatility=np.zeros(4, bool))
    volatility, base = (spec.fit(none, none.usable(), seed=0) for spec in (VolatilityOnly(), BaseRate()))
    np.testing.assert_allclose(volatility.logits(panel.X[0][60:]), base.logits(panel.X[0][60:]), rtol=0, atol=1e-9)


def test_a_mirrored_market_swaps_the_symmetric_models_sides(panel: Panel) -> None:
    fitted = SymmetricLogistic().fit(panel, panel.usable(), seed=0)
    X = panel.X[0][60:]
    mirror = np.where(panel.is_odd, -X, X)
    np.testing.assert_allclose(fitted.logits(mirror), fitted.logits(X)[:, ::-1], rtol=0, atol=1e-12)
    assert (fitted.coef[:, ~panel.is_odd] == 0).all()


def test_complementary_labels_leave_the_symmetric_model_no_intercept() -> None:
    panel = panel_of(volatility=0.0, level=0.0)
    both = replace(
        panel,
        y=tuple(np.column_stack([y[:, 0], 1 - y[:, 0]]) for y in panel.y),
        weight=tuple(w[:, [0, 0]] for w in panel.weight),
    )
    fitted = SymmetricLogistic().fit(both, both.usable(), seed=0)
    np.testing.assert_allclose(fitted.intercept, 0, atol=1e-9)
    np.testing.assert_allclose(fitted.logits(both.X[0][60:]).sum(axis=1), 0, atol=1e-8)


def test_a_symmetric_model_without_odd_columns_is_one_level_for_both_sides(panel: Panel) -> None:
    fitted = SymmetricLogistic().fit(replace(panel, is_odd=np.zeros(4, bool)), panel.usable(), seed=0)
    assert (fitted.coef == 0).all()
    assert fitted.intercept[0] == fitted.intercept[1] != 0


def test_the_logistic_fit_is_scikit_learns() -> None:
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    X = rng.standard_normal((3000, 5))
    y = (rng.random(3000) < 1 / (1 + np.exp(-X[:, 0]))).astype(float)
    w = rng.random(3000)
    for penalty in (1.0, 0.01):
        intercept, coef = fit_logistic(X, y, w, penalty)
        other = LogisticRegression(C=1 / (penalty * w.sum()), tol=1e-12, max_iter=5000).fit(X, y, sample_weight=w)
        np.testing.assert_allclose(coef, other.coef_[0], rtol=0, atol=1e-6)
        np.testing.assert_allclose(intercept, other.intercept_[0], rtol=0, atol=1e-6)


def test_a_separable_column_still_has_a_finite_fit() -> None:
    x = np.linspace(-1, 1, 400)[:, np.newaxis]
    _, coef = fit_logistic(x, (x[:, 0] > 0).astype(float), np.ones(400), 1e-4)
    assert 5 < coef[0] < 100


@pytest.mark.parametrize("penalty", [0.0, -1.0, float("nan")])
def test_a_penalty_must_be_positive(penalty: float) -> None:
    for spec in (RidgeLogistic, VolatilityOnly, SymmetricLogistic):
        with pytest.raises(ConfigError, match="penalty must be positive"):
            spec(penalty)


def problem_of(panel: Panel) -> Problem:
    rows = panel.usable()
    return Problem(
        panel.stack_X(rows),
        panel.stack_y(rows)[:, 0],
        panel.stack_weight(rows)[:, 0],
        panel.start[0][rows[0]],
        panel.end[0][rows[0], 0],
    )


VOLATILITY = np.array([False, False, True, False])


def test_a_strong_signal_asks_for_a_weak_penalty_and_noise_keeps_the_strongest() -> None:
    everything = [np.ones(4, bool)]
    assert choose_penalties([problem_of(panel_of(edge=1.0))], everything).max() <= 0.1
    assert choose_penalties([problem_of(panel_of(edge=0.0, volatility=0.0))], everything).min() == PENALTIES[0]


def test_volatility_gets_the_penalty_that_direction_does_not_need() -> None:
    problem = problem_of(panel_of(edge=0.0, volatility=1.0))
    chosen = choose_penalties([problem], [VOLATILITY, ~VOLATILITY])
    assert chosen[2] <= 0.1
    assert (chosen[[0, 1, 3]] == PENALTIES[0]).all()


def test_too_few_rows_keep_the_strongest_penalty() -> None:
    few = problem_of(panel_of()).take(np.arange(4))
    assert (choose_penalties([few], [np.ones(4, bool)]) == PENALTIES[0]).all()


def test_the_chosen_penalty_is_the_one_the_fit_uses() -> None:
    panel = panel_of(edge=1.0)
    rows = panel.usable()
    long = problem_of(panel)
    short = long._replace(y=panel.stack_y(rows)[:, 1], weight=panel.stack_weight(rows)[:, 1])
    strength = choose_penalties([long, short], [VOLATILITY, ~VOLATILITY])
    fitted = RidgeLogistic().fit(panel, rows, seed=0)
    for side, problem in enumerate((long, short)):
        intercept, coef = fit_logistic(problem.X, problem.y, problem.weight, strength)
        np.testing.assert_allclose(fitted.coef[side], coef, rtol=0, atol=1e-9)
        np.testing.assert_allclose(fitted.intercept[side], intercept, rtol=0, atol=1e-9)


def test_an_unknown_kind_and_a_missing_file_are_refused_by_name() -> None:
    with pytest.raises(BundleError, match="one of boosted, linear, resnet, transformer, volatility, found 'forest'"):
        load_forecaster("forest", {})
    with pytest.raises(BundleError, match=r"needs linear\.json, found \['x'\]"):
        load_forecaster("linear", {"x": b""})
    with pytest.raises(BundleError, match=r"needs boosted\.json"):
        load_forecaster("boosted", {})


def test_loading_a_linear_model_imports_nothing_heavy() -> None:
    script = (
        "import sys; from tradsys.models.forecaster import load_forecaster;"
        "load_forecaster('linear', {'linear.json': b'{\"intercept\": [0, 0], \"coef\": [[1], [2]]}'});"
        "heavy = {'torch', 'xgboost', 'sklearn', 'onnxruntime', 'statsmodels'} & set(sys.modules);"
        "sys.exit(', '.join(heavy) or 0)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_every_kind_names_a_class_that_exists() -> None:
    from importlib import import_module

    for kind, (module, name) in KINDS.items():
        forecaster = getattr(import_module(module), name)
        # a network says in its files whose it is
        assert getattr(forecaster, "kind", kind) == kind
        assert callable(forecaster.from_files)


def test_saved_coefficients_are_plain_json(panel: Panel) -> None:
    files = RidgeLogistic(1.0).fit(panel, panel.usable(), seed=0).to_files()
    content = json.loads(files["linear.json"])
    assert np.shape(content["coef"]) == (2, 4)
    assert len(content["intercept"]) == 2


def test_both_sides_of_a_large_panel_fit_in_a_blink() -> None:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((35_000, 30))
    y = (rng.random(35_000) < 0.5 + 0.02 * np.tanh(X[:, 0])).astype(float)
    fit_logistic(X[:1000], y[:1000], np.ones(1000), 1.0)
    begin = time.perf_counter()
    for _ in range(2):
        fit_logistic(X, y, np.ones(35_000), 1.0)
    assert time.perf_counter() - begin < 1.0  # about .04 s on a quiet core
