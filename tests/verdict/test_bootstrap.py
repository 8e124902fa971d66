"""The studentised circular block bootstrap."""

import numpy as np
import pytest
from tests.verdict.brute import block_t

from tradsys.verdict.stationary import studentised_blocks


def test_the_t_of_the_mean_uses_overlapping_circular_block_sums():
    daily = np.random.default_rng(0).normal(0.001, 0.01, (3, 123))
    tested = studentised_blocks(daily, 10, 50, np.random.default_rng(0))
    assert tested.t == pytest.approx([block_t(row, 10) for row in daily], rel=1e-10)


def test_draws_are_studentised_by_their_own_blocks():
    daily = np.random.default_rng(1).normal(0.002, 0.01, (1, 60))
    drawn = studentised_blocks(daily, 10, 4, np.random.default_rng(2)).draws[:, 0]
    starts = np.random.default_rng(2).integers(60, size=(4, 6))
    centred = daily[0] - daily[0].mean()
    for t, start in zip(drawn, starts, strict=True):
        sums = np.array([sum(centred[(s + i) % 60] for i in range(10)) for s in start])
        assert t == pytest.approx(sums.sum() / np.sqrt(60) / np.sqrt(sums.var() / 10), rel=1e-9)


def test_all_trials_share_the_drawn_blocks():
    daily = np.random.default_rng(3).normal(0, 0.01, (1, 300))
    draws = studentised_blocks(np.vstack([daily, 3 * daily, -daily]), 10, 99, np.random.default_rng(0)).draws
    assert draws[:, 1] == pytest.approx(draws[:, 0], rel=1e-9)
    assert draws[:, 2] == pytest.approx(-draws[:, 0], rel=1e-9)


def test_draws_are_centred_so_that_a_profitable_trial_stands_out_from_its_own_null():
    daily = np.random.default_rng(4).normal(0.004, 0.01, (1, 600))
    tested = studentised_blocks(daily, 10, 1999, np.random.default_rng(0))
    assert abs(np.median(tested.draws)) < 0.2
    assert tested.t[0] > np.quantile(tested.draws, 0.999)


def test_dependence_widens_the_error():
    noise = np.random.default_rng(5).normal(size=3000)
    slow = np.convolve(noise, np.ones(5) / 5, mode="valid")[None] + 0.05
    narrow = studentised_blocks(slow, 1, 9, np.random.default_rng(0)).t[0]
    assert studentised_blocks(slow, 20, 9, np.random.default_rng(0)).t[0] < 0.6 * narrow


def test_a_record_whose_blocks_all_sum_to_the_same_has_no_t():
    daily = np.tile([0.01, -0.01], 150)[None]
    tested = studentised_blocks(daily, 10, 99, np.random.default_rng(0))
    assert tested.t.tolist() == [0.0]
    assert (tested.draws == 0).all()


def test_a_draw_of_one_repeated_block_is_extreme_and_finite():
    daily = np.zeros((1, 20))
    daily[0, 3] = 1.0
    draws = studentised_blocks(daily, 10, 500, np.random.default_rng(0)).draws
    assert np.isfinite(draws).all()
    assert np.abs(draws).max() == 1e3


def test_the_long_run_deviation_is_that_of_the_mean_times_the_root_of_the_days():
    daily = np.random.default_rng(6).normal(0.001, 0.01, (2, 90))
    tested = studentised_blocks(daily, 7, 5, np.random.default_rng(0))
    assert tested.long_run_sd == pytest.approx(daily.mean(axis=1) * np.sqrt(90) / tested.t)
    assert studentised_blocks(daily, 7, 5, np.random.default_rng(0)).draws.shape == (5, 2)


def test_a_mean_of_zero_with_repeated_blocks_is_no_sign_of_anything():
    daily = np.array([[1.0, -1.0, 0.0, 0.0] * 5])
    drawn = studentised_blocks(daily, 3, 200, np.random.default_rng(0)).draws
    assert np.isfinite(drawn).all()
    assert np.abs(drawn[np.abs(drawn) != 1e3]).max() < 1e3


def test_units_of_a_record_do_not_matter():
    daily = np.random.default_rng(7).normal(0.001, 0.01, (1, 80))
    one, other = (studentised_blocks(daily * unit, 8, 20, np.random.default_rng(0)) for unit in (1, 1e-12))
    assert other.t == pytest.approx(one.t)
    assert other.draws == pytest.approx(one.draws)
