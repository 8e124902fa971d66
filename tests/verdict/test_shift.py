import numpy as np
import pytest
from tests.verdict.brute import shift_statistic

from tradsys.verdict.shift import KEEP_EVERY, bar_returns, circular_shifts, guard


def random_positions(seed, n_trials=3, n_symbols=2, n_grid=700):
    rng = np.random.default_rng(seed)
    held = np.repeat(rng.choice([-1, 0, 0, 1], size=(n_trials, n_symbols, n_grid // 10)), 10, axis=2)
    weights = rng.uniform(0.1, 1, size=(n_trials, 1, 1))
    returns = rng.standard_t(4, size=(n_symbols, n_grid)) * 0.01
    return list((held * weights).astype(np.float32)), returns


def test_every_shift_agrees_with_rolling_the_positions():
    positions, returns = random_positions(0)
    shifted = circular_shifts(positions, returns, 10)
    kept = range(70, 630, KEEP_EVERY)
    for k, position in enumerate(positions):
        null = np.array([shift_statistic(position, returns, j) for j in kept])
        z = (shift_statistic(position, returns, 0) - null.mean()) / null.std()
        assert shifted.z[k] == pytest.approx(z, abs=2e-5)
        assert shifted.null[:, k] == pytest.approx((null - null.mean()) / null.std(), abs=2e-5)


def test_slices_of_trials_change_nothing(monkeypatch):
    positions, returns = random_positions(1, n_trials=5)
    whole = circular_shifts(positions, returns, 10)
    monkeypatch.setattr("tradsys.verdict.shift.SLICE_BYTES", 1)
    sliced = circular_shifts(positions, returns, 10)
    assert sliced.null.tolist() == whole.null.tolist()


def test_each_trial_is_centred_so_that_exposure_in_a_bull_market_is_no_skill():
    rng = np.random.default_rng(2)
    returns = rng.normal(0.002, 0.01, (1, 3000))
    mostly_long = (rng.random((1, 3000)) < 0.9).astype(np.float32)
    shifted = circular_shifts([mostly_long], returns, 10)
    assert shift_statistic(mostly_long, returns, 0) > 5
    assert abs(shifted.z[0]) < 3
    assert shifted.null.mean() == pytest.approx(0, abs=1e-6)
    assert shifted.null.std() == pytest.approx(1, abs=1e-6)


def test_a_position_that_never_changes_has_no_timing():
    returns = np.random.default_rng(3).normal(0.001, 0.01, (1, 1000))
    shifted = circular_shifts([np.ones((1, 1000), np.float32)], returns, 10)
    assert shifted.z[0] == 0
    assert (shifted.null == 0).all()


def test_sizes_of_positions_and_prices_do_not_matter():
    positions, returns = random_positions(4)
    plain = circular_shifts(positions, returns, 10)
    scaled = circular_shifts([p * np.float32(1e-4) for p in positions], returns * 1e-3, 10)
    assert scaled.z == pytest.approx(plain.z, abs=1e-4)


@pytest.mark.parametrize(
    ("n_grid", "memory", "expected"), [(26_280, 24, 200), (26_280, 300, 600), (26_280, 5000, 2628), (1095, 24, 109)]
)
def test_the_guard_is_200_bars_or_twice_the_memory_but_a_tenth_at_most(n_grid, memory, expected):
    assert guard(n_grid, memory) == expected


def test_a_bars_return_runs_to_the_symbols_next_open_and_over_its_gaps():
    opens = np.array([[100.0, np.nan, 110.0, 121.0], [50.0, 25.0, np.nan, np.nan]])
    assert bar_returns(opens) == pytest.approx(np.array([[0.1, 0, 0.1, 0], [-0.5, 0, 0, 0]]))


def test_every_fourth_shift_is_kept_and_never_the_actual_timing():
    positions, returns = random_positions(5, n_trials=1, n_grid=100)
    assert len(circular_shifts(positions, returns, 10).null) == len(range(10, 90, 4))
    positions, returns = random_positions(5, n_trials=1, n_grid=8 * 10)
    tiny = circular_shifts([positions[0][:, :9]], returns[:, :9], 10)
    assert len(tiny.null) == len(range(1, 9, 4))


def test_a_market_that_never_moves_gives_no_timing():
    positions, _ = random_positions(6)
    assert (circular_shifts(positions, np.zeros((2, 700)), 10).z == 0).all()


def test_positions_given_are_left_as_they_are():
    positions, returns = random_positions(7)
    before = [p.copy() for p in positions]
    circular_shifts(positions, returns, 10)
    assert all((a == b).all() for a, b in zip(positions, before, strict=True))


def test_a_price_of_nothing_is_no_bar():
    assert bar_returns(np.array([[2.0, 0.0, 3.0, -1.0, 6.0]])) == pytest.approx(np.array([[0.5, 0, 1.0, 0, 0]]))
    assert bar_returns(np.array([[np.nan, np.nan]])).tolist() == [[0, 0]]
