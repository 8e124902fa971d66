import numpy as np
import pytest

from tradsys.core.errors import ConfigError, DataError
from tradsys.verdict import (
    VerdictSpec,
    auc,
    brier,
    brier_parts,
    clopper_pearson,
    deflated_sharpe_ratio,
    effective_trials,
    estimate,
    expected_max_sharpe,
    gain,
    holm,
    log_loss,
    min_backtest_length,
    min_track_record_length,
    model_confidence_set,
    optimal_block_length,
    probabilistic_sharpe_ratio,
    probability_of_backtest_overfitting,
    reliability_bins,
    romano_wolf,
    sidak,
    superior_models,
    superior_predictive_ability,
)
from tradsys.verdict.refusals import at_least, finite, probabilities
from tradsys.verdict.sharpe import chance_of_none, moments, normal_upper_quantile, path_mean
from tradsys.verdict.shift import circular_shifts
from tradsys.verdict.skill import Overlap
from tradsys.verdict.stationary import long_run_variance, stationary_sums, studentised_blocks

NAN, INF = float("nan"), float("inf")
RNG = np.random.default_rng(0)
NULL = RNG.standard_normal((999, 3))
RETURNS = RNG.standard_normal((64, 3))
HITS = (RNG.random((64, 3)) < 0.5).astype(float)
SHARES = RNG.random((64, 3))
OVERLAP = Overlap(np.arange(64) * 1000, 1000, 2)


def spoilt(values: np.ndarray, bad: float) -> np.ndarray:
    copy = np.array(values, float)
    copy.flat[1] = bad
    return copy


STATISTICS = {
    "romano_wolf of observed": lambda bad: romano_wolf(spoilt(np.array([1.0, 2.0, 0.1]), bad), NULL),
    "romano_wolf of the null": lambda bad: romano_wolf(np.array([1.0, 2.0, 0.1]), spoilt(NULL, bad)),
    "sidak": lambda bad: sidak(spoilt(np.array([0.1, 0.2]), bad)),
    "holm": lambda bad: holm(spoilt(np.array([0.1, 0.2]), bad)),
    "effective_trials": lambda bad: effective_trials(spoilt(RETURNS.T, bad)),
    "superior_models": lambda bad: superior_models(spoilt(RETURNS[:, 0], bad), RETURNS[:, 1:]),
    "superior_predictive_ability": lambda bad: superior_predictive_ability(RETURNS[:, 0], spoilt(RETURNS[:, 1:], bad)),
    "model_confidence_set": lambda bad: model_confidence_set(spoilt(RETURNS, bad)),
    "probability_of_backtest_overfitting": lambda bad: probability_of_backtest_overfitting(spoilt(RETURNS, bad), 4),
    "log_loss of forecasts": lambda bad: log_loss(spoilt(SHARES, bad), HITS),
    "log_loss of outcomes": lambda bad: log_loss(SHARES, spoilt(HITS, bad)),
    "brier": lambda bad: brier(spoilt(SHARES, bad), HITS),
    "brier_parts": lambda bad: brier_parts(spoilt(SHARES, bad), HITS),
    "auc of forecasts": lambda bad: auc(spoilt(SHARES, bad), HITS),
    "auc of outcomes": lambda bad: auc(SHARES, spoilt(HITS, bad)),
    "reliability_bins": lambda bad: reliability_bins(spoilt(SHARES[:, 0], bad), HITS[:, 0], np.ones(64)),
    "reliability_bins by uniqueness": lambda bad: reliability_bins(SHARES[:, 0], HITS[:, 0], spoilt(np.ones(64), bad)),
    "estimate": lambda bad: estimate(spoilt(RETURNS[:, 0], bad), OVERLAP, seed=0),
    "gain": lambda bad: gain(RETURNS[:, 0], spoilt(RETURNS[:, 1], bad), OVERLAP, seed=0),
    "moments": lambda bad: moments(spoilt(RETURNS[:, 0], bad)),
    "path_mean": lambda bad: path_mean(spoilt(RETURNS.T, bad)),
    "circular_shifts of returns": lambda bad: circular_shifts(
        [np.ones((1, 64), np.float32)], spoilt(RETURNS.T, bad), 4
    ),
    "circular_shifts of positions": lambda bad: circular_shifts(
        [spoilt(np.ones((3, 64)), bad).astype(np.float32)], RETURNS.T, 4
    ),
    "optimal_block_length": lambda bad: optimal_block_length(spoilt(RETURNS[:, 0], bad)),
    "long_run_variance": lambda bad: long_run_variance(spoilt(RETURNS, bad), 3.0),
    "stationary_sums": lambda bad: stationary_sums(spoilt(RETURNS, bad), 3.0, 9, np.random.default_rng(0)),
    "studentised_blocks": lambda bad: studentised_blocks(spoilt(RETURNS.T, bad), 3, 9, np.random.default_rng(0)),
}
MOMENTS = {"skewness": 0.0, "kurtosis": 3.0}
NUMBERS = {
    "clopper_pearson's k": lambda bad: clopper_pearson(bad, 10),
    "clopper_pearson's n": lambda bad: clopper_pearson(1, bad),
    "clopper_pearson's tail": lambda bad: clopper_pearson(1, 10, tail=bad),
    "psr": lambda bad: probabilistic_sharpe_ratio(bad, 24, **MOMENTS),
    "psr's n_obs": lambda bad: probabilistic_sharpe_ratio(0.1, bad, **MOMENTS),
    "psr's benchmark": lambda bad: probabilistic_sharpe_ratio(0.1, 24, benchmark=bad, **MOMENTS),
    "psr's skewness": lambda bad: probabilistic_sharpe_ratio(0.1, 24, skewness=bad, kurtosis=3.0),
    "psr's kurtosis": lambda bad: probabilistic_sharpe_ratio(0.1, 24, skewness=0.0, kurtosis=bad),
    "dsr's trials": lambda bad: deflated_sharpe_ratio(0.1, 24, n_trials=bad, trials_variance=1.0, **MOMENTS),
    "dsr's variance": lambda bad: deflated_sharpe_ratio(0.1, 24, n_trials=3, trials_variance=bad, **MOMENTS),
    "expected_max_sharpe": lambda bad: expected_max_sharpe(bad),
    "min_track_record_length": lambda bad: min_track_record_length(bad, **MOMENTS),
    "min_track_record_length's confidence": lambda bad: min_track_record_length(0.1, confidence=bad, **MOMENTS),
    "min_backtest_length": lambda bad: min_backtest_length(10, bad),
    "normal_upper_quantile": lambda bad: normal_upper_quantile(bad, 10),
    "normal_upper_quantile's trials": lambda bad: normal_upper_quantile(0.05, bad),
    "chance_of_none": lambda bad: chance_of_none(bad, 10),
    "alpha of superior_models": lambda bad: superior_models(RETURNS[:, 0], RETURNS[:, 1:], alpha=bad),
    "refute_below": lambda bad: VerdictSpec(refute_below=bad),
}


@pytest.mark.parametrize("bad", [NAN, INF, -INF])
@pytest.mark.parametrize("statistic", STATISTICS.values(), ids=STATISTICS)
def test_no_statistic_is_made_of_what_is_not_finite(statistic, bad: float) -> None:
    with pytest.raises(DataError, match=r"finite|between 0 and 1"):
        statistic(bad)


@pytest.mark.parametrize("bad", [NAN, INF, -INF])
@pytest.mark.parametrize("statistic", NUMBERS.values(), ids=NUMBERS)
def test_no_argument_is_taken_that_is_no_number(statistic, bad: float) -> None:
    with pytest.raises(ConfigError, match=r"finite|between|wanted"):
        statistic(bad)


@pytest.mark.parametrize(("k", "n"), [(5, 3), (-1, 3), (1, -1), (0.1, 0)])
def test_more_successes_than_trials_are_refused(k: float, n: float) -> None:
    with pytest.raises(ConfigError, match="wanted 0 <= k <= n"):
        clopper_pearson(k, n)


@pytest.mark.parametrize("p", [1.5, -0.1])
@pytest.mark.parametrize("adjust", [sidak, holm])
def test_p_values_beyond_zero_and_one_are_refused(adjust, p: float) -> None:
    with pytest.raises(DataError, match="p-values must lie between 0 and 1"):
        adjust(np.array([0.2, p]))


@pytest.mark.parametrize("score", [log_loss, brier, brier_parts, auc])
def test_outcomes_of_another_shape_are_not_spread_over_the_forecasts(score) -> None:
    with pytest.raises(DataError, match="must have one shape"):
        score(SHARES, HITS[:, :1])


def test_losses_of_another_shape_are_not_spread_either() -> None:
    with pytest.raises(DataError, match="must have one shape"):
        gain(RETURNS[:, :1], RETURNS[:, 0], OVERLAP, seed=0)


@pytest.mark.parametrize("score", [log_loss, brier, brier_parts])
def test_a_forecast_that_is_no_probability_is_refused(score) -> None:
    with pytest.raises(DataError, match=r"forecasts must lie between 0 and 1, found 1.5 at \(0, 1\)"):
        score(spoilt(SHARES, 1.5), HITS)


def test_what_is_refused_is_named_with_its_place() -> None:
    with pytest.raises(DataError, match="z must be finite, found nan at 1 and 1 such in all"):
        finite([0.0, NAN], "z")
    with pytest.raises(DataError, match="z must be numbers"):
        probabilities(["a"], "z")
    with pytest.raises(ConfigError, match="n must be at least 1, was 0"):
        at_least(1, n=0)
