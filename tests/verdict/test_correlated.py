"""Paths that share their days: what their mean is worth."""

import numpy as np
import pytest

from tradsys.verdict.sharpe import path_mean

N_PATHS, N_DAYS, CORRELATION = 5, 730, 0.66


def paths(rng, sharpe, correlation=CORRELATION, n_days=N_DAYS):
    """Correlated daily returns (n_paths, n_days) of true annual Sharpe ratio `sharpe`."""
    common, own = rng.normal(size=n_days), rng.normal(size=(N_PATHS, n_days))
    return 0.01 * (correlation**0.5 * common + (1 - correlation) ** 0.5 * own + sharpe / 365**0.5)


def coverage(correlation, n=600):
    """How often both intervals hold the true Sharpe ratio: corrected, naive."""
    rng = np.random.default_rng(7)
    held = []
    for _ in range(n):
        found = path_mean(paths(rng, 1.0, correlation))
        held.append([low <= 1.0 <= high for low, high in (found.interval(), found.naive_interval())])
    return np.mean(held, axis=0)


def test_the_corrected_interval_holds_the_truth_as_often_as_it_says_and_the_naive_one_does_not():
    corrected, naive = coverage(CORRELATION)
    assert 0.92 <= corrected <= 0.975
    assert naive < 0.75


def test_independent_paths_need_no_correction():
    corrected, naive = coverage(0.0, n=300)
    assert 0.91 <= corrected <= 0.98
    assert naive == pytest.approx(corrected, abs=0.03)


def test_the_naive_error_is_nearly_two_times_too_small_where_paths_correlate_as_on_noise():
    found = path_mean(paths(np.random.default_rng(0), 0.0, n_days=20_000))
    assert found.correlation == pytest.approx(CORRELATION, abs=0.02)
    assert found.error / found.naive_error == pytest.approx(1.9, abs=0.05)


def test_one_path_has_the_standard_error_of_a_sharpe_ratio():
    """Lo (2002): (1 + S^2 / 2) / T for independent normal returns; S = 4.8 a year makes the second part count."""
    rng = np.random.default_rng(3)
    found = path_mean(paths(rng, 4.8 * 4, 1.0 - 1e-12, n_days=40_000), block_days=1)
    per_day = found.mean / 365**0.5
    assert found.error == pytest.approx(((1 + per_day**2 / 2) / 40_000 * 365) ** 0.5, rel=0.03)


def test_the_mean_is_that_of_the_paths():
    daily = paths(np.random.default_rng(1), 0.5)
    sharpes = [one.mean() / one.std(ddof=1) * 365**0.5 for one in daily]
    found = path_mean(daily)
    assert found.sharpes == pytest.approx(sharpes)
    assert found.mean == pytest.approx(np.mean(sharpes))
    low, high = found.interval()
    assert (low + high) / 2 == pytest.approx(found.mean)


def test_a_path_without_trades_has_no_ratio_and_is_left_out():
    daily = paths(np.random.default_rng(2), 0.5)
    daily[2] = 0.0
    found = path_mean(daily)
    assert found.sharpes[2] is None
    assert found.mean == pytest.approx(path_mean(daily[[0, 1, 3, 4]]).mean)
    assert path_mean(np.zeros((5, 100))).interval() is None
    alone = path_mean(daily[:1])
    assert (alone.mean is None, alone.interval()) == (False, None)


def test_skewed_returns_have_mertens_standard_error():
    """(1 - g3 S + (g4 - 1) / 4 S^2) / T of independent returns: exponential gains less .2 have S .8, g3 2, g4 9."""
    rng = np.random.default_rng(4)
    gains = rng.exponential(size=100_000) - 0.2
    found = path_mean(np.stack([gains, gains]), block_days=1)
    assert found.error == pytest.approx(((1 - 2 * 0.8 + 8 / 4 * 0.8**2) / 100_000 * 365) ** 0.5, rel=0.05)


def test_blocks_are_ten_days_long_unless_said_otherwise():
    trending = np.convolve(np.random.default_rng(5).normal(size=2_000), np.ones(5), "valid")
    daily = np.stack([trending, trending[::-1]])
    assert path_mean(daily) == path_mean(daily, block_days=10)
    assert path_mean(daily).error > 1.5 * path_mean(daily, block_days=1).error


def test_two_paths_that_mirror_each_other_average_to_what_is_known_for_certain():
    noise = np.random.default_rng(6).normal(size=500)
    found = path_mean(np.stack([noise, -noise]))
    assert found.correlation == pytest.approx(-1.0)
    assert (found.mean, found.error) == pytest.approx((0.0, 0.0), abs=1e-6)


def test_a_single_day_has_no_ratio():
    assert path_mean(np.ones((3, 1))).sharpes == (None, None, None)
    assert path_mean(np.array([[0.01, 0.03], [0.02, 0.05]])).mean is not None
