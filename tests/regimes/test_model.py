import json
from dataclasses import replace

import numpy as np
import pytest
from tests.regimes.log_space import posterior

from tradsys.core.errors import ConfigError, DataError, FitError, NotEnoughBars
from tradsys.regimes.filter import forward_filter
from tradsys.regimes.fitted import FittedRegimes
from tradsys.regimes.model import RegimeModel

SD = np.array([0.5, 1.0, 3.0])
STAY = 0.98


def returns_of(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Returns of three volatilities, (n, 1), and the true states."""
    rng = np.random.default_rng(seed)
    moves = rng.random(n) > STAY
    state = np.cumsum(moves * rng.integers(1, 3, n)) % 3
    return SD[state][:, None] * rng.standard_normal((n, 1)), state


@pytest.fixture(scope="module")
def fitted() -> FittedRegimes:
    return RegimeModel(n_starts=4).fit(returns_of(8000)[0])


def test_known_states_are_recovered_in_order_of_volatility(fitted: FittedRegimes) -> None:
    X, state = returns_of(4000, seed=1)
    assert fitted.is_converged
    np.testing.assert_allclose(np.sqrt(np.array(fitted.covariances).ravel()), SD, rtol=0.1)
    np.testing.assert_allclose(np.diag(np.array(fitted.transition)), STAY, atol=0.02)
    assert np.mean(fitted.filter(X).argmax(axis=1) == state) > 0.8


def test_the_order_does_not_depend_on_the_seed() -> None:
    X = returns_of(6000)[0]
    first, second = (RegimeModel(n_starts=3, seed=seed).fit(X) for seed in (1, 2))
    np.testing.assert_allclose(first.covariances, second.covariances, rtol=0.05)


def test_the_logarithm_of_a_volatility_is_ordered_by_its_mean() -> None:
    X, _ = returns_of(6000)
    log_size = np.log(np.abs(X) + 0.05)
    means = np.array(RegimeModel(n_starts=4, order="mean").fit(log_size).means)[:, 0]
    assert (np.diff(means) > 0).all()


def test_the_same_seed_gives_the_same_model() -> None:
    X = returns_of(2000)[0]
    model = RegimeModel(n_starts=3, seed=4)
    assert model.fit(X) == model.fit(X)


def test_the_likelihood_is_that_of_the_rows_it_was_fitted_on(fitted: FittedRegimes) -> None:
    assert fitted.log_likelihood == pytest.approx(fitted.score(returns_of(8000)[0]))


def test_several_starts_end_no_worse_than_one() -> None:
    X = returns_of(2500, seed=3)[0]
    one, many = (RegimeModel(n_starts=n, tolerance=1e-7, max_steps=400).fit(X) for n in (1, 8))
    assert many.log_likelihood >= one.log_likelihood - 1.0


def test_an_em_run_that_only_ran_out_of_steps_is_not_converged() -> None:
    X = returns_of(3000)[0]
    assert not RegimeModel(n_starts=2, max_steps=2, tolerance=1e-12).fit(X).is_converged
    assert RegimeModel(n_starts=2).fit(X).is_converged


def test_a_warm_start_ends_where_a_cold_one_does(fitted: FittedRegimes) -> None:
    X = returns_of(10_000)[0]
    warm = RegimeModel(n_starts=4).fit(X, start_from=fitted)
    cold = RegimeModel(n_starts=4).fit(X)
    assert warm.is_converged
    assert warm.log_likelihood == pytest.approx(cold.log_likelihood, abs=1.0)


def test_a_break_between_runs_is_no_transition() -> None:
    X, state = returns_of(6000)
    # each run stays within one state: what looks like a change happens only where runs meet
    order = np.argsort(state, kind="stable")
    lengths = np.bincount(state).tolist()
    apart = RegimeModel(n_starts=4).fit(X[order], lengths)
    assert np.diag(np.array(apart.transition)).min() > 0.999


def test_filtered_rows_are_probabilities_that_know_only_the_past(fitted: FittedRegimes) -> None:
    X = returns_of(1000, seed=2)[0]
    values = fitted.filter(X)
    np.testing.assert_allclose(values.sum(axis=1), 1)
    changed = X.copy()
    changed[600:] *= 5
    assert fitted.filter(changed)[:600].tobytes() == values[:600].tobytes()
    assert np.abs(fitted.smoothed_proba(changed)[:600] - fitted.smoothed_proba(X)[:600]).max() > 1e-3


def test_smoothed_states_of_the_umbrella_example_are_the_published_ones() -> None:
    # two Gaussians whose densities stand in the ratios of the umbrella's likelihoods
    umbrella = FittedRegimes((0.5, 0.5), ((0.7, 0.3), (0.3, 0.7)), ((1.0,), (-1.0,)), (((1.0,),), ((1.0,),)), 0.0, True)
    observed = np.array([np.log(4.5), np.log(4.5), np.log(0.125), np.log(4.5), np.log(4.5)])[:, None] / 2
    np.testing.assert_allclose(
        umbrella.smoothed_proba(observed)[:, 0], [0.867339, 0.820419, 0.307484, 0.820419, 0.867339], atol=5e-7
    )


def test_the_filter_is_the_last_row_of_forward_backward(fitted: FittedRegimes) -> None:
    """That row knows no future."""
    X = returns_of(60, seed=7)[0]
    parts = (fitted.initial, fitted.transition, fitted.means, fitted.covariances)
    plain = posterior(X, *map(np.array, parts))
    np.testing.assert_allclose(fitted.filter(X)[-1], plain.states[-1], atol=1e-10)
    np.testing.assert_allclose(fitted.smoothed_proba(X), plain.states, atol=1e-10)
    assert fitted.score(X) == pytest.approx(plain.log_likelihood, abs=1e-8)


def test_units_that_are_powers_of_two_change_no_bit() -> None:
    X = returns_of(1500)[0]
    first, second = (RegimeModel(n_starts=2).fit(unit * X) for unit in (1.0, 2.0**-20))
    assert second.transition == first.transition
    assert np.array(second.covariances).tobytes() == (np.array(first.covariances) * 2.0**-40).tobytes()


def test_every_transition_stays_possible(fitted: FittedRegimes) -> None:
    assert np.array(fitted.transition).min() > 0
    np.testing.assert_allclose(np.array(fitted.initial) @ np.array(fitted.transition), fitted.initial, atol=1e-12)


def test_a_saved_model_comes_back_equal(fitted: FittedRegimes) -> None:
    again = FittedRegimes.from_dict(json.loads(json.dumps(fitted.to_dict())))
    assert again == fitted
    assert hash(again) == hash(fitted)
    assert again != replace(fitted, is_converged=False)


def test_diagonal_covariances_fit_as_well() -> None:
    X, _ = returns_of(3000)
    model = RegimeModel(n_starts=3, covariance="diag").fit(np.column_stack([X, np.abs(X)]))
    covariances = np.array(model.covariances)
    assert covariances.shape == (3, 2, 2)
    assert (covariances[:, 0, 1] == 0).all()
    assert np.isfinite(model.filter(np.column_stack([X, np.abs(X)]))).all()


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(NotEnoughBars, match="3 regimes need 90 rows, found 60"):
        RegimeModel().fit(returns_of(60)[0])


def test_a_column_that_never_changes_is_refused() -> None:
    X = np.column_stack([returns_of(500)[0], np.full(500, 2.0)])
    with pytest.raises(FitError, match="observation 1 never changes"):
        RegimeModel().fit(X)


def test_holes_are_refused_with_their_rows(fitted: FittedRegimes) -> None:
    X = returns_of(500)[0]
    X[[3, 7]] = np.nan
    for read in (RegimeModel().fit, fitted.filter):
        with pytest.raises(DataError, match=r"found 2 rows with NaN or infinity, first \[3, 7\]"):
            read(X)


def test_settings_that_cannot_mean_anything_are_refused(fitted: FittedRegimes) -> None:
    with pytest.raises(ConfigError, match="needs 2 states"):
        RegimeModel(n_states=1)
    with pytest.raises(ConfigError, match="covariance is 'full' or 'diag'"):
        RegimeModel(covariance="spherical")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="order is 'size' or 'mean'"):
        RegimeModel(order="index")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="tolerance must be positive"):
        RegimeModel(tolerance=0.0)
    with pytest.raises(ConfigError, match="start_from has 3 states, wanted 2"):
        RegimeModel(n_states=2).fit(returns_of(500)[0], start_from=fitted)
    with pytest.raises(ConfigError, match="lengths must add up to the 500 rows, found 10"):
        RegimeModel().fit(returns_of(500)[0], [10])
    with pytest.raises(ConfigError, match="reads 1 observations a bar"):
        fitted.filter(np.zeros((5, 2)))


def test_the_generic_filter_and_the_model_agree(fitted: FittedRegimes) -> None:
    X = returns_of(200)[0]
    sd = np.sqrt(np.array(fitted.covariances)[:, 0, 0])
    log_density = -0.5 * ((X - np.array(fitted.means)[:, 0]) / sd) ** 2 - np.log(sd * np.sqrt(2 * np.pi))
    values = forward_filter(log_density, np.array(fitted.transition), np.array(fitted.initial))[0]
    np.testing.assert_allclose(fitted.filter(X), values, rtol=0, atol=1e-12)


THREE_RETURNS = np.array([0.002, 0.006, 0.02])


@pytest.fixture(scope="module")
def clear_states() -> tuple[np.ndarray, np.ndarray]:
    """Returns in fractions of three volatilities that are three times apart, beside a column of noise; the states."""
    X, state = returns_of(3000)
    noise = np.random.default_rng(1).standard_normal((3000, 1))
    return np.column_stack([X / SD[state][:, None] * THREE_RETURNS[state][:, None], noise]), state


@pytest.mark.parametrize("n_columns", [1, 2])
@pytest.mark.parametrize("unit", [1e2, 1e4, 1e-6, -1.0])
def test_the_units_of_a_column_change_no_state(clear_states, unit: float, n_columns: int) -> None:
    X = clear_states[0][:, :n_columns]
    Y = X.copy()
    Y[:, 0] = unit * Y[:, 0]
    model = RegimeModel()
    first, second = model.fit(X), model.fit(Y)
    assert np.mean(first.filter(X).argmax(axis=1) == clear_states[1]) > 0.85
    np.testing.assert_allclose(first.filter(X), second.filter(Y), atol=1e-6)
    again = model.fit(Y, start_from=second)
    assert np.abs(again.filter(Y) - second.filter(Y)).mean() < 0.01


def test_observations_without_units_are_fitted_as_they_are() -> None:
    X, _ = returns_of(2000)
    given, scaled = (RegimeModel(n_starts=2, has_units=flag).fit(X) for flag in (False, True))
    assert given != scaled
    np.testing.assert_allclose(given.covariances, scaled.covariances, rtol=0.02)


def halted(X: np.ndarray) -> np.ndarray:
    X[-3000:] = 0.0
    return X


def nearly_halted(X: np.ndarray) -> np.ndarray:
    X[-2990:] = 0.0
    return X


def often_still(X: np.ndarray) -> np.ndarray:
    X[::4] = 0.0
    return X


def twice_the_same(X: np.ndarray) -> np.ndarray:
    return np.column_stack([X, X])


def one_far_away(X: np.ndarray) -> np.ndarray:
    X[7] = 1e300
    return X


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (halted, "the latest 3000 of 5000 rows never change"),
        (nearly_halted, "state 0 is 2990 rows that are all alike; try fewer states"),
        (often_still, "rows that are all alike"),
        (twice_the_same, "could not be separated"),
        (one_far_away, r"never change|all alike|without finite"),
        (np.sign, "all alike"),
    ],
)
def test_rows_that_hold_no_regimes_are_refused(spoil, sentence: str) -> None:
    with pytest.raises(FitError, match=sentence):
        RegimeModel(n_starts=3).fit(spoil(0.01 * np.random.default_rng(0).standard_normal((5000, 1))))


def test_two_states_that_are_one_are_refused() -> None:
    twin = FittedRegimes((0.5, 0.5), ((0.9, 0.1), (0.1, 0.9)), ((0.0,), (0.0,)), (((1.0,),), ((1.0,),)), 0.0, True)
    with pytest.raises(FitError, match="states 0 and 1 are the same; try fewer states"):
        RegimeModel(n_states=2).fit(returns_of(500)[0], start_from=twin)


def test_rows_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(ConfigError, match="observations are numbers"):
        RegimeModel().fit([["a"], ["b"]])


def test_a_model_of_other_columns_starts_nothing(fitted: FittedRegimes) -> None:
    with pytest.raises(ConfigError, match="start_from reads 1 columns a row, found 2"):
        RegimeModel().fit(np.random.default_rng(0).standard_normal((200, 2)), start_from=fitted)
