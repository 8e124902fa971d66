"""Superior predictive ability (Hansen 2005): the best of several models against a benchmark."""

import numpy as np
import pytest
from arch.bootstrap import SPA

from tradsys.core.errors import ConfigError, DataError
from tradsys.core.seeds import generator
from tradsys.verdict import optimal_block_length, superior_models, superior_predictive_ability
from tradsys.verdict.stationary import long_run_variance, stationary_sums


def one_good_among_noisy(seed, n_obs=500):
    """Losses of thirty models: the first is better by .03 with sd .2, 29 have sd 5 and nothing."""
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
    result = superior_predictive_ability(np.zeros(400), losses, block_length=3, n_bootstrap=299)
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
    options = {"block_length": 5, "n_bootstrap": 199}
    p = [superior_predictive_ability(benchmark, losses, **options, seed=s).p_value for s in (0, 0, 1)]
    assert p[0] == p[1] != p[2]


@pytest.mark.parametrize(
    ("benchmark", "models", "options", "error", "message"),
    [
        (np.zeros(20), np.zeros((19, 2)), {}, DataError, r"found \(20,\) and \(19, 2\)"),
        (np.zeros(20), np.zeros((20, 2, 2)), {}, DataError, r"and \(20, 2, 2\)"),
        (np.zeros(20), np.where(np.eye(20) > 0, np.nan, 1), {}, DataError, "losses must be finite"),
        (np.zeros(20), np.ones((20, 2)), {}, DataError, r"models \[0, 1\] differ from the benchmark by a constant"),
        (np.zeros(20), np.eye(20)[:, :2] * [0.1, 0], {}, DataError, r"models \[1\] differ from the benchmark"),
        (np.zeros(20), np.eye(20), {"block_length": 0.5}, ConfigError, "between 1 and 20, was 0.5"),
    ],
)
def test_unusable_losses_are_refused(benchmark, models, options, error, message):
    with pytest.raises(error, match=message):
        superior_predictive_ability(benchmark, models, **options)


def written_out(benchmark, losses, block, n_draws):
    """Hansen's three p-values step by step, on the bootstrap's own draws."""
    advantage, n = benchmark[:, None] - losses, len(benchmark)
    drawn = stationary_sums(advantage, block, n_draws, generator(0, "verdict", "stationary"))
    single = advantage.var(axis=0, ddof=1)

    def error(variance):
        ratio = variance / single
        return np.sqrt(single * (0.7 * ratio + 0.3 * np.mean(ratio)))

    t = np.sqrt(n) * advantage.mean(axis=0) / error(long_run_variance(advantage, block))
    draws = np.array([s / np.sqrt(n) / error(v / n) for s, v in zip(drawn.sums, drawn.variances, strict=True)])
    centres = [np.minimum(t, 0), np.where(t < -np.sqrt(2 * np.log(np.log(n))), t, 0), np.zeros(len(t))]
    largest = [np.maximum(0, (draws + centre).max(axis=1)) for centre in centres]
    return t, [(1 + (one >= max(0, t.max())).sum()) / (1 + n_draws) for one in largest]


def test_the_three_p_values_are_those_written_out():
    rng = np.random.default_rng(9)
    losses = rng.normal(size=(40, 5)) * [1, 2, 3, 1, 1] + [-0.4, 0, 0.3, 1.0, 0.15]
    benchmark = rng.normal(0, 0.5, 40)
    result = superior_predictive_ability(benchmark, losses, block_length=3, n_bootstrap=199)
    t, (lower, consistent, upper) = written_out(benchmark, losses, 3, 199)
    assert result.t == pytest.approx(t, rel=1e-10)
    assert (result.p_lower, result.p_value, result.p_upper) == (lower, consistent, upper)
    assert lower < consistent < upper
    assert (result.statistic, result.best, result.block_length) == (result.t.max(), 0, 3)


def test_what_is_not_said_is_a_thousand_draws_from_seed_zero_at_five_percent():
    benchmark, losses = np.zeros(12), np.random.default_rng(10).normal(-0.6, 1, (12, 3))
    said = {"block_length": 2, "n_bootstrap": 1000, "seed": 0}
    one, other = (superior_predictive_ability(benchmark, losses, **o) for o in ({"block_length": 2}, said))
    assert (one.p_value, one.p_lower, one.p_upper) == (other.p_value, other.p_lower, other.p_upper)
    one, other = (superior_models(benchmark, losses, **o) for o in ({"block_length": 2}, said | {"alpha": 0.05}))
    assert one.p_values.tolist() == other.p_values.tolist()
    assert one.is_superior.tolist() == other.is_superior.tolist()


def test_a_lone_model_needs_no_second_dimension():
    losses = np.random.default_rng(11).normal(size=30)
    flat, column = (superior_predictive_ability(np.zeros(30), x, n_bootstrap=49) for x in (losses, losses[:, None]))
    assert flat.p_value == column.p_value


def test_ten_rows_are_enough_and_a_block_may_be_one_of_them_or_all():
    losses = np.random.default_rng(12).normal(size=(10, 2))
    for block in (1, 10):
        assert superior_predictive_ability(np.zeros(10), losses, block_length=block, n_bootstrap=19).p_value > 0
    for block in (0.99, 11):
        with pytest.raises(ConfigError, match="between 1 and 10"):
            superior_predictive_ability(np.zeros(10), losses, block_length=block)
    with pytest.raises(DataError, match=r"found \(9,\)"):
        superior_predictive_ability(np.zeros(9), losses[:9])


def test_the_longest_block_that_any_model_wants_serves_all():
    slow = np.random.default_rng(13).normal(size=(200, 2)).cumsum(axis=0)
    losses = np.column_stack([np.random.default_rng(14).normal(size=200), slow])
    wanted = max(optimal_block_length(-column) for column in losses.T)
    assert superior_predictive_ability(np.zeros(200), losses, n_bootstrap=19).block_length == wanted
