"""Published numbers, and each formula's usual mistake."""

from math import inf, sqrt

import numpy as np
import pytest
from scipy.stats import kurtosis, norm, skew

from tradsys.core.errors import ConfigError, DataError
from tradsys.verdict import (
    deflated_sharpe_ratio,
    expected_max_sharpe,
    min_backtest_length,
    min_track_record_length,
    probabilistic_sharpe_ratio,
)
from tradsys.verdict.sharpe import chance_of_none, moments, normal_upper_quantile

PAPER = {"sharpe": 2.5 / sqrt(250), "n_obs": 1250, "trials_variance": 0.5 / 250}
NORMAL = {"skewness": 0.0, "kurtosis": 3.0}
FUND = {"sharpe": 1.585 / sqrt(12), "n_obs": 24}


@pytest.mark.parametrize(
    ("n_trials", "skewness", "kurt", "expected"),
    [
        (100, -3.0, 10.0, 0.9003968344493910),
        (46, -3.0, 10.0, 0.9505017068755786),
        (88, 0.0, 3.0, 0.9504908166760138),
        (89, 0.0, 3.0, 0.9498393713384772),
    ],
)
def test_deflated_sharpe_ratio_is_the_published_one(n_trials, skewness, kurt, expected):
    value = deflated_sharpe_ratio(**PAPER, n_trials=n_trials, skewness=skewness, kurtosis=kurt)
    assert value == pytest.approx(expected, abs=1e-13)


@pytest.mark.parametrize(("n_trials", "expected"), [(100, 0.11317200186513214), (46, 0.10036237061765357)])
def test_expected_maximum_of_the_papers_trials_is_the_published_one(n_trials, expected):
    assert expected_max_sharpe(n_trials, 0.5 / 250) == pytest.approx(expected, abs=1e-14)


def test_expected_maximum_of_a_hundred_is_the_published_approximation_near_the_exact_value():
    assert expected_max_sharpe(100) == pytest.approx(2.5306028932016846, abs=1e-12)
    grid = np.linspace(-9, 9, 200_001)
    exact = np.trapezoid(grid * 100 * norm.cdf(grid) ** 99 * norm.pdf(grid), grid)
    assert exact == pytest.approx(2.507593636441684, abs=1e-9)
    assert expected_max_sharpe(100) / exact == pytest.approx(1, abs=0.01)


def test_expected_maximum_is_zero_for_one_trial_grows_with_trials_and_keeps_its_digits_for_many():
    values = [expected_max_sharpe(n) for n in (1, 2, 10, 10**6, 10**17)]
    assert values[0] == 0.0
    assert values == sorted(values)
    assert values[-1] == pytest.approx(8.5604, abs=1e-4)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [({"skewness": -2.448, "kurtosis": 10.164}, 0.91323430688486), (NORMAL, 0.98159123609650)],
)
def test_probabilistic_sharpe_ratio_is_the_published_one(shape, expected):
    assert probabilistic_sharpe_ratio(**FUND, **shape) == pytest.approx(expected, abs=2e-11)


@pytest.mark.parametrize(("periods", "years"), [(250, 2.731187801728), (52, 2.828833586945), (12, 3.239800696445)])
def test_minimum_track_record_length_is_the_published_one(periods, years):
    n = min_track_record_length(2 / sqrt(periods), benchmark=1 / sqrt(periods), **NORMAL)
    assert n / periods == pytest.approx(years, abs=1e-11)


def test_minimum_backtest_length_is_the_published_one():
    assert min_backtest_length(45) == pytest.approx(4.9980870044434, abs=1e-12)
    assert min_backtest_length(45, sharpe=2) == pytest.approx(4.9980870044434 / 4, abs=1e-12)


def test_minimum_track_record_is_where_the_probabilistic_sharpe_ratio_reaches_the_confidence():
    shape = {"skewness": -0.7, "kurtosis": 6.0}
    n = min_track_record_length(0.1, benchmark=0.02, confidence=0.9, **shape)
    edge = (0.1 - 0.02) * sqrt(n - 1) / sqrt(1 + 0.7 * 0.1 + 5 / 4 * 0.01)
    assert norm.cdf(edge) == pytest.approx(0.9, abs=1e-12)


def test_no_record_is_long_enough_for_a_sharpe_ratio_at_the_benchmark():
    assert min_track_record_length(0.1, benchmark=0.1, **NORMAL) == inf


class TestUsualMistakes:
    """Wrong formulas give other numbers than the published ones, and the inputs that betray them are refused."""

    def test_excess_kurtosis_gives_another_deflated_sharpe_ratio_and_is_refused(self):
        wrong = 0.90177857
        luck = expected_max_sharpe(100, 0.5 / 250)
        s = PAPER["sharpe"]
        assert norm.cdf((s - luck) * sqrt(1249) / sqrt(1 + 3 * s + (7 - 1) / 4 * s**2)) == pytest.approx(
            wrong, abs=1e-8
        )
        value = deflated_sharpe_ratio(**PAPER, n_trials=100, skewness=-3, kurtosis=10)
        assert value != pytest.approx(wrong, abs=1e-4)
        with pytest.raises(ConfigError, match="add 3 to an excess kurtosis"):
            deflated_sharpe_ratio(**PAPER, n_trials=100, skewness=-3, kurtosis=7)
        with pytest.raises(ConfigError, match="kurtosis must be raw"):
            probabilistic_sharpe_ratio(**FUND, skewness=0, kurtosis=0)

    def test_an_annual_sharpe_ratio_gives_another_probability(self):
        right = probabilistic_sharpe_ratio(**FUND, **NORMAL)
        assert probabilistic_sharpe_ratio(1.585, 24, **NORMAL) != pytest.approx(right, abs=1e-3)

    def test_sqrt_n_instead_of_n_minus_one_gives_another_probability(self):
        s = FUND["sharpe"]
        wrong = norm.cdf(s * sqrt(24) / sqrt(1 + s**2 / 2))
        assert wrong != pytest.approx(0.98159123609650, abs=1e-4)

    def test_a_standard_deviation_for_the_variance_of_trials_gives_another_maximum(self):
        assert sqrt(0.5 / 250) * expected_max_sharpe(100) == pytest.approx(0.11317200186513214, abs=1e-14)
        assert expected_max_sharpe(100, sqrt(0.5 / 250)) != pytest.approx(0.11317200186513214, abs=1e-2)

    def test_the_population_variance_of_few_trials_is_too_small(self):
        sharpes = np.array([0.01, 0.05, 0.09, 0.03])
        assert expected_max_sharpe(4, sharpes.var(ddof=1)) / expected_max_sharpe(4, sharpes.var()) == pytest.approx(
            sqrt(4 / 3)
        )


def test_moments_are_raw_and_the_sharpe_ratio_has_one_degree_of_freedom_less():
    x = np.random.default_rng(0).standard_t(4, 300) * 0.01 + 0.001
    m = moments(x)
    assert m.sharpe == pytest.approx(x.mean() / x.std(ddof=1), rel=1e-14)
    assert m.skewness == pytest.approx(skew(x), rel=1e-12)
    assert m.kurtosis == pytest.approx(kurtosis(x, fisher=False), rel=1e-12)
    assert m.n_obs == 300


def test_moments_of_a_flat_record_are_refused():
    with pytest.raises(DataError, match="at least two returns that differ, found 5"):
        moments(np.zeros(5))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: expected_max_sharpe(0), "n_trials must be at least 1, was 0"),
        (lambda: expected_max_sharpe(3, -1.0), "must not be negative"),
        (lambda: probabilistic_sharpe_ratio(0.1, 1, **NORMAL), "n_obs must be at least 2, was 1"),
        (lambda: min_track_record_length(0.1, confidence=95, **NORMAL), "confidence must lie between"),
        (lambda: min_backtest_length(5, 0.0), "sharpe must be positive"),
    ],
)
def test_impossible_arguments_are_refused(call, message):
    with pytest.raises(ConfigError, match=message):
        call()


@pytest.mark.parametrize("n_trials", [1, 4, 100, 10**6])
def test_the_normal_quantile_of_the_best_is_passed_with_probability_alpha(n_trials):
    z = normal_upper_quantile(0.05, n_trials)
    assert 1 - chance_of_none(z, n_trials) == pytest.approx(0.05, abs=1e-9)


def test_the_smallest_arguments_that_mean_something_are_taken():
    assert probabilistic_sharpe_ratio(0.0, 2, **NORMAL) == 0.5
    assert probabilistic_sharpe_ratio(0.1, 10, skewness=0.0, kurtosis=1.0) == pytest.approx(norm.cdf(0.1 * 3))
    assert expected_max_sharpe(5, 0.0) == 0.0
    assert expected_max_sharpe(1.1) == 0.0
    assert moments(np.array([0.0, 2.0])).sharpe == pytest.approx(1 / sqrt(2))
    with pytest.raises(DataError, match="found 1"):
        moments(np.ones(1))


@pytest.mark.parametrize("confidence", [0.5, 1.0])
def test_a_confidence_lies_strictly_between_a_half_and_one(confidence):
    with pytest.raises(ConfigError, match="confidence must lie between"):
        min_track_record_length(0.1, confidence=confidence, **NORMAL)


def test_the_usual_confidence_is_95_percent_above_zero():
    usual, said = ({}, {"benchmark": 0.0, "confidence": 0.95})
    assert min_track_record_length(0.1, **NORMAL, **usual) == min_track_record_length(0.1, **NORMAL, **said)
    assert min_backtest_length(45) == min_backtest_length(45, sharpe=1.0)


def test_a_sharpe_ratio_without_sampling_error_is_certain():
    """Two returns in a ratio that makes 1 - skew s + skew^2 s^2 / 4 vanish at s = 2 / skew."""
    assert probabilistic_sharpe_ratio(2.0, 50, skewness=1.0, kurtosis=2.0, benchmark=1.9) == 1.0
    assert probabilistic_sharpe_ratio(2.0, 50, skewness=1.0, kurtosis=2.0, benchmark=2.1) == 0.0


def test_kurtosis_may_round_below_its_bound_but_not_lie_below_it():
    assert probabilistic_sharpe_ratio(0.1, 10, skewness=0.0, kurtosis=1 - 1e-12) > 0.5
    with pytest.raises(ConfigError, match=r"1 \+ skewness\^2 = 2"):
        probabilistic_sharpe_ratio(0.1, 10, skewness=-1.0, kurtosis=1.9)
