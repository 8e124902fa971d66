import numpy as np
import pytest
from tests.verdict.forecasts import gains_of_direction, gains_of_volatility, true_mean

from tradsys.core.errors import ConfigError, DataError
from tradsys.core.seeds import generator
from tradsys.verdict import Overlap, estimate, gain, optimal_block_length
from tradsys.verdict.stationary import studentised_blocks

HOUR = 3_600_000


def hourly(n, horizon=24):
    return Overlap(np.arange(n) * HOUR, HOUR, horizon)


def test_a_gain_is_the_mean_difference_of_losses():
    rng = np.random.default_rng(0)
    reference, loss = rng.random((2, 2_000))
    found = gain(reference, loss, hourly(2_000), seed=0)
    assert found.value == pytest.approx((reference - loss).mean())
    assert found.low < found.value < found.high
    assert (found.n, found.n_blocks) == (2_000, 2_000 // found.block)


def test_independent_rows_have_the_textbook_interval():
    values = np.random.default_rng(1).normal(0.1, 1, 20_000)
    found = estimate(values, hourly(20_000, horizon=1), seed=0)
    assert found.standard_error == pytest.approx(1 / np.sqrt(20_000), rel=0.05)
    assert found.low == pytest.approx(values.mean() - 1.96 / np.sqrt(20_000), rel=0.03)
    assert found.smallest_visible == pytest.approx(2.8 / np.sqrt(20_000), rel=0.08)


def test_symbols_that_move_together_count_once():
    values = np.random.default_rng(2).normal(0, 1, 3_000)
    one = estimate(values, hourly(3_000), seed=0)
    times = np.tile(np.arange(3_000) * HOUR, 4)
    four = estimate(np.tile(values, 4), Overlap(times, HOUR, 24), seed=0)
    assert four.n == 4 * one.n
    assert four.standard_error == pytest.approx(one.standard_error, rel=1e-9)
    assert (four.low, four.high) == pytest.approx((one.low, one.high))


def test_rows_may_come_in_any_order():
    rng = np.random.default_rng(3)
    values, order = rng.normal(size=1_000).cumsum(), rng.permutation(1_000)
    one, other = (
        estimate(values[rows], Overlap(np.arange(1_000)[rows] * HOUR, HOUR, 24), seed=0)
        for rows in (np.arange(1_000), order)
    )
    assert (other.low, other.high, other.block) == pytest.approx((one.low, one.high, one.block))


def test_a_hole_in_the_rows_is_not_closed():
    """Labels on both sides of a month without bars share no block of a day."""
    values = np.random.default_rng(4).normal(size=1_000)
    start = np.arange(1_000) * HOUR
    start[500:] += 30 * 24 * HOUR
    found = estimate(values, Overlap(start, HOUR, 24), seed=0)
    assert found.n_blocks == (1_000 + 720) // found.block
    assert found.n == 1_000


def test_a_block_is_never_shorter_than_a_label_lives_and_grows_with_dependence():
    rng = np.random.default_rng(5)
    noise = rng.normal(size=8_000)
    assert estimate(noise, hourly(8_000, horizon=60), seed=0).block == 60
    slow = np.convolve(noise, np.ones(100), "same")
    assert estimate(slow, hourly(8_000, horizon=10), seed=0).block > 300


def test_a_history_of_few_blocks_says_nothing_of_the_spread():
    found = estimate(np.random.default_rng(6).normal(size=200), hourly(200), seed=0)
    assert (found.low, found.high, found.standard_error, found.smallest_visible) == (None, None, None, None)
    assert (found.n_blocks, found.block) == (8, 24)


def test_two_forecasters_that_say_the_same_differ_by_nothing():
    loss = np.random.default_rng(7).random(1_000)
    found = gain(loss, loss, hourly(1_000), seed=0)
    assert (found.value, found.low, found.high) == (0.0, 0.0, 0.0)


def test_the_seed_draws_the_blocks():
    values = np.random.default_rng(8).normal(size=1_000)
    a, b, c = (estimate(values, hourly(1_000), seed=seed) for seed in (0, 0, 1))
    assert a == b
    assert a.low != c.low


def test_what_has_no_mean_is_refused():
    with pytest.raises(DataError, match=r"finite and of shape \(3,\), found shape \(2,\)"):
        estimate(np.ones(2), hourly(3), seed=0)
    with pytest.raises(DataError, match="finite"):
        estimate(np.array([1.0, np.nan]), hourly(2), seed=0)
    with pytest.raises(DataError, match="found none"):
        estimate(np.empty(0), hourly(0), seed=0)
    with pytest.raises(ConfigError, match="were 0 and 24"):
        Overlap(np.arange(3), 0, 24)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("gains", "n", "memory"),
    [
        (gains_of_direction, 4_000, 0.98),
        (gains_of_volatility, 4_000, 0.98),
        (gains_of_volatility, 20_000, 0.98),
        (gains_of_volatility, 20_000, 0.995),
    ],
)
def test_the_interval_covers_the_truth_in_93_to_97_of_100_samples(gains, n, memory):
    """Labels of 24 bars on every bar, volatility with a half-life of 34 or 138 bars."""
    truth, rng, horizon = true_mean(gains, 24, memory=memory), np.random.default_rng(7), 24
    found = [
        estimate(gains(rng, n, horizon, memory=memory), hourly(n), seed=seed, n_draws=999) for seed in range(1_000)
    ]
    covered = np.mean([one.low <= truth <= one.high for one in found])
    assert 0.93 <= covered <= 0.97


@pytest.mark.slow
def test_the_smallest_visible_gain_is_seen_in_four_of_five_samples():
    rng, horizon, n = np.random.default_rng(8), 24, 6_000
    truth = true_mean(gains_of_direction, horizon)
    samples = [gains_of_direction(rng, n, horizon) - truth for _ in range(400)]
    visible = np.median([estimate(one, hourly(n), seed=0, n_draws=499).smallest_visible for one in samples])
    seen = [estimate(one + visible, hourly(n), seed=0, n_draws=499).low > 0 for one in samples]
    assert np.mean(seen) == pytest.approx(0.8, abs=0.06)


def test_ten_blocks_are_enough_for_an_interval_and_nine_are_not():
    values = np.random.default_rng(9).normal(size=240)
    assert estimate(values, hourly(240), seed=0).low is not None
    assert estimate(values[:239], hourly(239), seed=0).low is None


def test_a_block_is_three_circular_lengths_and_a_tenth_of_the_history_at_most():
    slow = np.convolve(np.random.default_rng(10).normal(size=3_000), np.ones(8), "same")
    best = optimal_block_length(slow - slow.mean())
    assert estimate(slow, hourly(3_000, horizon=1), seed=0).block == np.ceil(3 * 1.5 ** (1 / 3) * best)
    assert estimate(slow[:200], hourly(200, horizon=1), seed=0).block == 20


def test_the_interval_is_made_of_the_quantiles_of_the_draws_and_of_the_error():
    values = np.random.default_rng(11).exponential(size=500)
    found = estimate(values, hourly(500), seed=3, n_draws=199)
    drawn = studentised_blocks((values - values.mean())[None], found.block, 199, generator(3, "verdict", "scores"))
    error = drawn.long_run_sd[0] / np.sqrt(500)
    low, high = np.quantile(drawn.draws, [0.025, 0.975])
    assert found.standard_error == pytest.approx(error, rel=1e-12)
    assert (found.low, found.high) == pytest.approx((values.mean() - high * error, values.mean() - low * error))
    assert found.smallest_visible == pytest.approx((high + 0.84) * error, rel=1e-12)
    assert estimate(values, hourly(500), seed=3) == estimate(values, hourly(500), seed=3, n_draws=1999)


def test_some_of_the_rows_keep_their_times_and_their_reach():
    some = Overlap(np.arange(5) * HOUR, HOUR, 24).rows(np.array([3, 1]))
    assert (some.start.tolist(), some.step_ms, some.horizon) == ([3 * HOUR, HOUR], HOUR, 24)


@pytest.mark.parametrize(("step_ms", "horizon"), [(0, 1), (1, 0)])
def test_a_step_and_a_horizon_are_at_least_one(step_ms, horizon):
    assert Overlap(np.arange(3), 1, 1).horizon == 1
    with pytest.raises(ConfigError, match=f"were {step_ms} and {horizon}"):
        Overlap(np.arange(3), step_ms, horizon)
