"""The one kernel: sums over trailing windows that have the same bits wherever they are computed."""

from collections.abc import Callable

import numpy as np
import pytest

from tradsys.features.windows import decaying_mean, decaying_sum, lagged, moving_mean, moving_sum, standard_sum


@pytest.mark.parametrize("n_taps", [1, 2, 3, 4, 5, 282])
@pytest.mark.parametrize("n_bars", [0, 1, 7, 2048, 5001])
def test_moving_sums_agree_with_numpy(n_bars: int, n_taps: int) -> None:
    random = np.random.default_rng(n_taps)
    x, weights = random.standard_normal(n_bars), random.standard_normal(n_taps)
    expected = np.convolve(x, weights)[:n_bars] if n_bars else np.empty(0)
    np.testing.assert_allclose(moving_sum(x, weights), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("window", [1, 2, 3, 7, 8, 168, 2047, 2500])
@pytest.mark.parametrize("decay", [1.0, 0.9])
@pytest.mark.parametrize("n_bars", [0, 1, 2048, 5001])
def test_decaying_sums_agree_with_their_weights(n_bars: int, decay: float, window: int) -> None:
    x = np.random.default_rng(window).standard_normal(n_bars)
    expected = moving_sum(x, decay ** np.arange(window))
    np.testing.assert_allclose(decaying_sum(x, decay, window), expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize(
    "last_window",
    [lambda x: moving_sum(x, 0.9 ** np.arange(37)), lambda x: decaying_sum(x, 0.9, 37), lambda x: moving_mean(x, 37)],
    ids=["weighted", "decaying", "mean"],
)
def test_a_row_has_the_same_bits_in_a_batch_and_from_its_last_bars(last_window: Callable) -> None:
    x = np.random.default_rng(3).standard_normal(5000)
    batch = last_window(x)
    for row in (36, 2047, 2048, 2049, 4999):
        assert last_window(x[row - 36 : row + 1])[-1] == batch[row]


def test_a_crash_is_forgotten_completely_once_it_has_left_the_window() -> None:
    x = np.ones(100)
    x[10] = 1e16
    assert (moving_mean(x, 8)[18:] == 1.0).all()


def test_the_weights_of_a_decaying_mean_sum_to_one() -> None:
    np.testing.assert_allclose(decaying_mean(np.array([4.0, 2.0, 1.0]), 0.5, 3)[-1], (1 * 4 + 2 * 2 + 4 * 1) / 7)


def test_a_standard_sum_divides_by_the_root_of_its_window() -> None:
    assert standard_sum(np.ones(9), 9)[-1] == 3.0


def test_lagged_rows_move_down_and_zeros_move_in() -> None:
    assert lagged(np.array([1.0, 2.0, 3.0]), 1).tolist() == [0.0, 1.0, 2.0]
    assert lagged(np.array([1.0, 2.0, 3.0]), 0).tolist() == [1.0, 2.0, 3.0]
    assert lagged(np.array([1.0, 2.0, 3.0]), 9).tolist() == [0.0, 0.0, 0.0]
