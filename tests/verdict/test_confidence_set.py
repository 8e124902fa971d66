import numpy as np
import pytest
from arch.bootstrap import MCS
from scipy.stats import norm

from tradsys.core.errors import ConfigError, DataError
from tradsys.verdict import model_confidence_set


def losses_with(means, seed, n_obs=400, phi=0.0):
    """Losses of models with these means, sharing half of their variance, each with autocorrelation phi."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(n_obs, len(means))) + rng.normal(size=(n_obs, 1))
    for i in range(1, n_obs):
        noise[i] = phi * noise[i - 1] + np.sqrt(1 - phi**2) * noise[i]
    return np.asarray(means) + noise


@pytest.mark.slow
@pytest.mark.parametrize("statistic", ["max", "range"])
@pytest.mark.parametrize(("phi", "block", "n_obs"), [(0.0, 2, 400), (0.5, 25, 1600)])
def test_the_best_models_are_in_the_set_as_often_as_promised_and_bad_ones_are_not(statistic, phi, block, n_obs):
    """Three equal best ones among six: all three must be inside in 90% of samples, up to 3 standard errors of 300."""
    covered, bad = [], []
    for seed in range(300):
        losses = losses_with([0, 0, 0, 0.6, 0.6, 0.6], seed, n_obs, phi)
        inside = model_confidence_set(
            losses, statistic=statistic, block_length=block, n_bootstrap=399, seed=seed
        ).contains(0.1)
        covered.append(inside[:3].all())
        bad.append(inside[3:].mean())
    assert np.mean(covered) >= 0.9 - 3 * np.sqrt(0.09 / 300)
    assert np.mean(bad) < 0.02


@pytest.mark.parametrize(("ours", "theirs"), [("max", "max"), ("range", "R")])
def test_p_values_agree_with_those_of_arch(ours, theirs):
    losses = losses_with([0, 0.05, 0.1, 0.15, 0.3], 1, phi=0.3)
    reference = MCS(losses, 0.1, reps=4000, block_size=8, method=theirs, bootstrap="stationary", seed=1)
    reference.compute()
    mine = model_confidence_set(losses, statistic=ours, block_length=8, n_bootstrap=4000)
    expected = reference.pvalues.sort_index()["Pvalue"].to_numpy()
    assert mine.p_values == pytest.approx(expected, abs=0.035)
    assert set(np.flatnonzero(mine.contains(0.1))) == set(reference.included)


def test_two_models_are_one_paired_test():
    losses = losses_with([0, 0.08], 3)
    difference = losses[:, 1] - losses[:, 0]
    t = difference.mean() / difference.std() * np.sqrt(len(losses))
    result = model_confidence_set(losses, statistic="range", block_length=1, n_bootstrap=9999)
    assert result.p_values[1] == pytest.approx(2 * norm.sf(abs(t)), abs=0.02)
    assert result.p_values[0] == 1.0
    assert result.order.tolist() == [1, 0]


def test_a_clear_winner_stands_alone():
    result = model_confidence_set(losses_with([0, 1, 1.2, 1.4], 4), block_length=3)
    assert result.contains(0.1).tolist() == [True, False, False, False]
    assert result.order[-1] == 0


def test_p_values_never_fall_along_the_elimination_and_units_do_not_matter():
    losses = losses_with([0, 0.1, 0.1, 0.3, 0.2], 5)
    result = model_confidence_set(losses, block_length=4)
    assert (np.diff(result.p_values[result.order]) >= 0).all()
    scaled = model_confidence_set(1e-6 * losses + 3, block_length=4)
    assert scaled.p_values == pytest.approx(result.p_values)


def test_models_that_are_one_and_the_same_stay_together():
    losses = losses_with([0, 0.5], 6)
    twice = model_confidence_set(losses[:, [0, 0, 1, 1]], block_length=2)
    assert twice.p_values[0] == twice.p_values[1] == 1.0
    assert twice.p_values[2] == twice.p_values[3] < 0.05
    alone = model_confidence_set(losses[:, [0, 0]])
    assert alone.p_values.tolist() == [1.0, 1.0]


def test_losses_that_cannot_be_compared_are_refused():
    with pytest.raises(DataError, match="10 rows or more"):
        model_confidence_set(np.zeros((9, 2)))
    with pytest.raises(DataError, match="finite"):
        model_confidence_set(np.full((20, 2), np.nan))
    with pytest.raises(ConfigError, match="between 1 and 20, was 30"):
        model_confidence_set(np.random.default_rng(0).normal(size=(20, 2)), block_length=30)
    with pytest.raises(ConfigError, match="'max' or 'range'"):
        model_confidence_set(np.zeros((20, 2)), statistic="min")
