import numpy as np
import pytest

from tradsys.data.simulate import simulate
from tradsys.regimes.filter import forward_filter, gaussian_log_likelihood, window_filter

UMBRELLA = np.log([[0.9, 0.2], [0.9, 0.2], [0.1, 0.8], [0.9, 0.2], [0.9, 0.2]])
RAIN = np.array([[0.7, 0.3], [0.3, 0.7]])
EVEN = np.array([0.5, 0.5])


def chain(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log-likelihoods of n observations under three states, sticky transitions, and their stationary distribution."""
    rng = np.random.default_rng(seed)
    transition = np.array([[0.97, 0.02, 0.01], [0.03, 0.95, 0.02], [0.02, 0.08, 0.90]])
    stationary = np.linalg.matrix_power(transition, 4096)[0]
    return -0.5 * rng.standard_normal((n, 3)) ** 2, transition, stationary


def plain_filter(log_likelihood: np.ndarray, transition: np.ndarray, initial: np.ndarray) -> tuple[np.ndarray, float]:
    rows, total, predicted = [], 0.0, initial
    for row in log_likelihood:
        joint = predicted * np.exp(row)
        total += np.log(joint.sum())
        rows.append(joint / joint.sum())
        predicted = rows[-1] @ transition
    return np.array(rows), total


def test_the_umbrella_example_gives_the_published_numbers() -> None:
    filtered, log_likelihood = forward_filter(UMBRELLA, RAIN, EVEN)
    np.testing.assert_allclose(filtered[:, 0], [0.818182, 0.883357, 0.190668, 0.730794, 0.867339], atol=5e-7)
    assert log_likelihood == pytest.approx(-3.372502044332, abs=1e-12)


def test_the_filter_is_the_plain_recursion() -> None:
    arrays = chain(500)
    filtered, total = forward_filter(*arrays)
    slow, slow_total = plain_filter(*arrays)
    np.testing.assert_allclose(filtered, slow, rtol=0, atol=1e-12)
    assert total == pytest.approx(slow_total, abs=1e-9)


def test_later_observations_leave_filtered_values_their_bits() -> None:
    log_likelihood, transition, stationary = chain(300)
    other = log_likelihood.copy()
    other[200:] = -9.0 * np.arange(3)
    for read in (
        lambda x: forward_filter(x, transition, stationary)[0],
        lambda x: window_filter(x, transition, stationary, 40),
    ):
        assert (
            read(other)[:200].tobytes() == read(log_likelihood)[:200].tobytes() == read(log_likelihood[:200]).tobytes()
        )


def test_tiny_likelihoods_do_not_vanish() -> None:
    log_likelihood, transition, stationary = chain(200)
    filtered, total = forward_filter(log_likelihood - 1e5, transition, stationary)
    expected, plain = forward_filter(log_likelihood, transition, stationary)
    np.testing.assert_allclose(filtered, expected, rtol=0, atol=1e-9)
    assert total == pytest.approx(plain - 200 * 1e5, rel=1e-12)


def test_an_unlikely_observation_of_the_only_state_within_reach_is_survived() -> None:
    absorbed = np.array([[1.0, 0.0], [0.5, 0.5]])
    log_likelihood = np.array([[0.0, -np.inf], [-2000.0, 0.0], [-3.0, -1.0]])
    filtered, total = forward_filter(log_likelihood, absorbed, EVEN)
    np.testing.assert_allclose(filtered, [[1, 0]] * 3)
    assert total == pytest.approx(np.log(0.5) - 2003.0)


def test_an_impossible_history_is_unknown_from_there_on() -> None:
    log_likelihood = np.array([[0.0, -1.0], [-np.inf, -np.inf], [0.0, 0.0]])
    filtered, total = forward_filter(log_likelihood, RAIN, EVEN)
    assert np.isfinite(filtered[0]).all()
    assert np.isnan(filtered[1:]).all()
    assert total == -np.inf


@pytest.mark.parametrize("window", [1, 2, 7, 40, 99, 100])
def test_a_window_is_the_filter_started_anew(window: int) -> None:
    log_likelihood, transition, stationary = chain(100, seed=window)
    values = window_filter(log_likelihood, transition, stationary, window)
    assert np.isnan(values[: window - 1]).all()
    for t in range(window - 1, 100):
        anew = forward_filter(log_likelihood[t - window + 1 : t + 1], transition, stationary)[0][-1]
        np.testing.assert_allclose(values[t], anew, rtol=0, atol=1e-12)


def test_fewer_rows_than_the_window_know_nothing() -> None:
    log_likelihood, transition, stationary = chain(9)
    assert np.isnan(window_filter(log_likelihood, transition, stationary, 10)).all()
    assert window_filter(log_likelihood[:0], transition, stationary, 10).shape == (0, 3)


def test_a_sticky_chain_forgets_what_lies_a_window_back() -> None:
    log_likelihood, transition, stationary = chain(3000)
    whole = forward_filter(log_likelihood, transition, stationary)[0]
    short, long = (window_filter(log_likelihood, transition, stationary, window) for window in (40, 400))
    assert np.nanmax(np.abs(long - whole)) < 1e-6 < np.nanmax(np.abs(short - whole))


def test_gaussian_densities_are_scipys() -> None:
    from scipy.stats import multivariate_normal

    rng = np.random.default_rng(0)
    X, means = rng.standard_normal((50, 3)), rng.standard_normal((2, 3))
    roots = rng.standard_normal((2, 3, 3))
    covariances = roots @ roots.transpose(0, 2, 1) + 0.1 * np.eye(3)
    slow = np.column_stack([multivariate_normal(m, c).logpdf(X) for m, c in zip(means, covariances, strict=True)])
    np.testing.assert_allclose(gaussian_log_likelihood(X, means, covariances), slow, rtol=1e-10)


def test_hindsight_earns_on_a_random_walk_and_the_filter_does_not() -> None:
    """What makes smoothed states forbidden: on a martingale they trade well."""
    from tradsys.regimes.model import RegimeModel

    close = np.log(simulate("noise", seed=5, n_bars=6000)["close"].to_numpy())
    returns = np.diff(close)
    scale = returns.std()
    trend = np.convolve(returns, np.full(24, 1 / 24), "full")[: len(returns)] / scale
    X = np.column_stack([trend, returns / scale])[24:]
    fitted = RegimeModel(n_states=2, n_starts=4).fit(X)
    rising = np.argmax(np.array(fitted.means)[:, 0])
    nxt = np.append(returns[25:], 0.0)

    def sharpe(states: np.ndarray) -> float:
        earned = np.where(states.argmax(axis=1) == rising, 1.0, -1.0) * nxt
        return float(earned.mean() / earned.std() * np.sqrt(8760))

    assert sharpe(fitted.smoothed_proba(X)) > 1.5 > abs(sharpe(fitted.filter(X)))
