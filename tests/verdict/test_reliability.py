import numpy as np
import pytest

from tradsys.verdict import brier, brier_parts, clopper_pearson, reliability_bins


def forecasts(n=4_000, seed=0):
    """Overconfident probabilities (n, 2) and what came of them."""
    rng = np.random.default_rng(seed)
    truth = rng.beta(8, 6, (n, 2))
    return np.clip(truth + 0.8 * (truth - 0.5), 0.01, 0.99), (rng.random((n, 2)) < truth).astype(float)


def test_reliability_less_resolution_plus_uncertainty_is_the_brier_score_of_binned_forecasts():
    """Murphy's identity, to the last bit but a few, with nothing left over inside the bins."""
    p, y = forecasts()
    p = np.round(p * 8) / 8
    parts = brier_parts(p, y, n_bins=1_000)
    assert parts.reliability - parts.resolution + parts.uncertainty == pytest.approx(brier(p, y).mean(), abs=1e-14)
    assert parts.within == pytest.approx(0.0, abs=1e-14)


def test_what_the_bins_hide_is_counted_within_them():
    p, y = forecasts()
    parts = brier_parts(p, y, n_bins=3)
    total = parts.reliability - parts.resolution + parts.uncertainty + parts.within
    assert total == pytest.approx(brier(p, y).mean(), abs=1e-14)
    assert abs(parts.within) > 1e-4


def test_the_parts_by_hand():
    """Forecasts .2 and .8, happened 1 in 2 and 3 in 4 times; base rate 4 in 6."""
    p = np.array([0.2, 0.2, 0.8, 0.8, 0.8, 0.8])[:, None]
    y = np.array([0.0, 1.0, 1.0, 1.0, 1.0, 0.0])[:, None]
    parts = brier_parts(p, y, n_bins=2)
    assert parts.reliability == pytest.approx((2 * 0.3**2 + 4 * 0.05**2) / 6)
    assert parts.resolution == pytest.approx((2 * (1 / 6) ** 2 + 4 * (1 / 12) ** 2) / 6)
    assert parts.uncertainty == pytest.approx(2 / 9)


def test_honest_forecasts_cost_nothing_in_reliability_and_overconfident_ones_do():
    rng = np.random.default_rng(1)
    truth = rng.beta(8, 6, (40_000, 1))
    y = (rng.random(truth.shape) < truth).astype(float)
    honest, loud = brier_parts(truth, y), brier_parts(np.clip(truth * 2 - 0.5, 0, 1), y)
    assert honest.reliability < 5e-4 < 5e-3 < loud.reliability
    assert honest.resolution == pytest.approx(loud.resolution, rel=0.05)
    assert honest.resolution == pytest.approx(truth.var(), rel=0.15)


def test_a_constant_forecast_resolves_nothing():
    _, y = forecasts()
    parts = brier_parts(np.full(y.shape, 0.5), y)
    assert parts.resolution == pytest.approx(0.0, abs=1e-30)
    assert len(reliability_bins(np.full(50, 0.5), y[:50, 0], np.ones(50))) == 1


def test_equal_forecasts_share_a_bin_and_bins_are_of_about_equal_count():
    rng = np.random.default_rng(2)
    p = rng.permutation(np.concatenate([rng.random(900), np.full(450, 0.5)]))
    bins = reliability_bins(p, np.zeros(1350), np.ones(1350))
    assert sum(one.n for one in bins) == 1350
    assert np.count_nonzero(p == 0.5) <= max(one.n for one in bins) < 450 + 135
    assert all(one.n <= 170 for one in bins if one.n < 450)
    assert len(bins) >= 7
    assert [one.predicted for one in bins] == sorted(one.predicted for one in bins)


def test_a_bin_is_as_sure_as_its_effective_number_of_labels():
    y = np.repeat([1.0, 0.0], [15, 5])
    (one,) = reliability_bins(np.full(20, 0.6), y, np.full(20, 0.4))
    assert (one.predicted, one.observed, one.n, one.effective_n) == pytest.approx((0.6, 0.75, 20, 8.0))
    assert (one.low, one.high) == pytest.approx(clopper_pearson(6.0, 8.0))


def test_a_bin_in_which_nothing_or_everything_happened_has_an_open_end():
    (never,), (always,) = (reliability_bins(np.full(9, 0.6), y, np.ones(9)) for y in (np.zeros(9), np.ones(9)))
    assert (never.low, always.high) == (0.0, 1.0)
    assert 0 < never.high < 0.4 < 0.6 < always.low < 1


def test_no_forecasts_fill_no_bins():
    assert reliability_bins(np.empty(0), np.empty(0), np.empty(0)) == []


def test_ten_bins_are_usual():
    p = np.linspace(0.01, 0.99, 100)
    assert [one.n for one in reliability_bins(p, np.zeros(100), np.ones(100))] == [9, *[10] * 8, 11]
    y = (np.arange(100) % 3 == 0).astype(float)
    assert brier_parts(p[:, None], y[:, None]) == brier_parts(p[:, None], y[:, None], n_bins=10)


def test_a_bin_is_worth_at_least_one_label():
    (one,) = reliability_bins(np.full(3, 0.6), np.array([1.0, 0.0, 0.0]), np.full(3, 0.1))
    assert one.effective_n == 1.0


def test_the_parts_of_two_sides_are_their_mean():
    p, y = forecasts(500)
    both, each = brier_parts(p, y), [brier_parts(p[:, [k]], y[:, [k]]) for k in (0, 1)]
    for part in ("reliability", "resolution", "uncertainty", "within"):
        assert getattr(both, part) == pytest.approx(np.mean([getattr(one, part) for one in each]), rel=1e-12)
