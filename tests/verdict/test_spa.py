import numpy as np
import pytest
from arch.bootstrap import SPA

from tradsys.core.errors import ConfigError, DataError
from tradsys.verdict import superior_models, superior_predictive_ability


def one_good_among_noisy(seed, n_obs=500):
    """Losses of METHODS.md section 6: the first model is better by .03 with sd .2, 29 have sd 5 and nothing."""
    losses = np.random.default_rng(seed).normal(size=(n_obs, 30)) * 5
    losses[:, 0] = losses[:, 0] / 25 - 0.03
    return np.zeros(n_obs), losses


@pytest.mark.slow
def test_size_and_power_on_the_published_panels():
    size, power = [], []
    for seed in range(500):
        noise = np.random.default_rng(10_000 + seed).normal(size=(500, 30))
        options = {"block_length": 10, "n_bootstrap": 399, "seed": seed}
        size.append(superior_predictive_ability(np.zeros(500), noise, **options).p_value <= 0.05)
        power.append(superior_predictive_ability(*one_good_among_noisy(seed), **options).p_value <= 0.05)
    assert 0.03 <= np.mean(size) <= 0.07
    assert np.mean(power) >= 0.6


def test_studentising_finds_the_good_model_that_the_reference_loses_among_noisy_ones():
    ours, theirs = [], []
    for seed in range(25):
        benchmark, losses = one_good_among_noisy(seed)
        ours.append(superior_predictive_ability(benchmark, losses, block_length=10, n_bootstrap=199).p_value <= 0.05)
        spa = SPA(benchmark, losses, block_size=10, reps=199, seed=seed, studentize=True)
        spa.compute()
        theirs.append(spa.pvalues["consistent"] <= 0.05)
    assert np.mean(ours) > np.mean(theirs) + 0.25


def test_units_of_a_model_do_not_matter():
    benchmark, losses = one_good_among_noisy(3)
    scale = np.random.default_rng(0).uniform(0.01, 100, 30)
    plain = superior_predictive_ability(benchmark, losses, block_length=5, n_bootstrap=199)
    scaled = superior_predictive_ability(benchmark, losses * scale, block_length=5, n_bootstrap=199)
    assert scaled.p_value == plain.p_value
    assert scaled.t == pytest.approx(plain.t, rel=1e-9)


def test_poor_models_are_left_out_so_that_the_three_p_values_are_in_order():
    rng = np.random.default_rng(4)
    losses = rng.normal(size=(400, 20))
    losses[:, 5:] += 0.5
    losses[:, 0] -= 0.1
    result = superior_predictive_ability(np.zeros(400), losses, block_length=3)
    assert result.p_lower <= result.p_value < result.p_upper
    assert result.best == 0


def test_a_benchmark_that_beats_all_models_has_nothing_to_fear():
    losses = np.random.default_rng(5).normal(0.5, 1, (300, 6))
    result = superior_predictive_ability(np.zeros(300), losses, block_length=2)
    assert result.statistic == 0
    assert result.p_value == 1.0


def test_the_step_down_names_the_models_that_are_better():
    rng = np.random.default_rng(6)
    losses = rng.normal(size=(500, 8)) - np.array([0.4, 0.3, 0, 0, 0, 0, 0, 0])
    result = superior_models(np.zeros(500), losses, block_length=4)
    assert np.flatnonzero(result.is_superior).tolist() == [0, 1]
    assert result.is_superior.tolist() == (result.p_values <= 0.05).tolist()


def test_the_block_length_is_chosen_from_the_data_where_none_is_given():
    noise = np.random.default_rng(7).normal(size=(500, 2))
    trending = noise.cumsum(axis=0) * 0.1 + noise
    short = superior_predictive_ability(np.zeros(500), noise, n_bootstrap=99).block_length
    assert 1 <= short < superior_predictive_ability(np.zeros(500), trending, n_bootstrap=99).block_length


def test_the_same_seed_gives_the_same_p_and_another_seed_another():
    benchmark, losses = one_good_among_noisy(8)
    p = [superior_predictive_ability(benchmark, losses, block_length=5, seed=s).p_value for s in (0, 0, 1)]
    assert p[0] == p[1] != p[2]


@pytest.mark.parametrize(
    ("benchmark", "models", "options", "error", "message"),
    [
        (np.zeros(20), np.zeros((19, 2)), {}, DataError, r"found \(20,\) and \(19, 2\)"),
        (np.zeros(20), np.full((20, 2), np.nan), {}, DataError, "losses must be finite"),
        (np.zeros(20), np.ones((20, 2)), {}, DataError, r"models \[0, 1\] differ from the benchmark by a constant"),
        (np.zeros(20), np.eye(20), {"block_length": 0.5}, ConfigError, "between 1 and 20, was 0.5"),
    ],
)
def test_unusable_losses_are_refused(benchmark, models, options, error, message):
    with pytest.raises(error, match=message):
        superior_predictive_ability(benchmark, models, **options)
