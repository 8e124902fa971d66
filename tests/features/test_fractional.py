"""Fractional differencing against its published numbers, and the order that training rows choose."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.features.markets import ordinary

from tradsys.core.errors import ConfigError, DataError, FitError, NotEnoughBars
from tradsys.features import frac_diff, frac_diff_weights
from tradsys.features.fractional import FracDiff


@pytest.mark.parametrize(
    ("d", "published"),
    [
        (0.5, [1, -0.5, -0.125, -0.0625, -0.0390625]),
        (0.4, [1, -0.4, -0.12, -0.064, -0.0416, -0.029952, -0.0229632]),
        (1.0, [1, -1]),
        (0.0, [1]),
    ],
)
def test_weights_are_the_published_ones(d: float, published: list[float]) -> None:
    np.testing.assert_allclose(frac_diff_weights(d)[: len(published)], published, rtol=1e-12)


@pytest.mark.parametrize(
    ("d", "tau", "count"), [(0.9, 1e-3, 12), (0.4, 1e-3, 55), (0.4, 1e-4, 282), (0.4, 1e-5, 1458), (0.5, 1e-5, 927)]
)
def test_as_many_weights_are_kept_as_published(d: float, tau: float, count: int) -> None:
    weights = frac_diff_weights(d, tau)
    assert len(weights) == count
    assert np.abs(weights).min() >= tau


def test_a_short_series_is_differenced_as_published() -> None:
    n_weights = len(frac_diff_weights(0.5, 1e-2))
    padded = np.concatenate([np.zeros(n_weights - 1), [1.0, 2.0, 4.0, 7.0, 0.0]])
    differenced = frac_diff(padded, 0.5, 1e-2)[n_weights - 1 :]
    np.testing.assert_allclose(differenced, [1, 1.5, 2.875, 4.6875, -4.1640625], rtol=1e-12)


def test_rows_before_the_full_width_are_masked() -> None:
    out = frac_diff(np.arange(100.0), 0.4, 1e-3)
    assert np.isnan(out[:54]).all()
    assert np.isfinite(out[54:]).all()


def test_a_series_shorter_than_the_weights_is_all_warm_up() -> None:
    out = frac_diff([1.0, 2.0, 4.0], 0.5)
    assert len(out) == 3
    assert np.isnan(out).all()


@pytest.mark.parametrize("tau", [1e-3, 1e-5])
def test_it_agrees_with_the_sum_written_out(tau: float) -> None:
    x = np.cumsum(np.random.default_rng(0).standard_normal(2000)) + 10
    weights = frac_diff_weights(0.4, tau)
    out = frac_diff(x, 0.4, tau)
    for row in (len(weights) - 1, 1700, 1999):
        assert out[row] == pytest.approx(sum(w * x[row - k] for k, w in enumerate(weights)), abs=1e-12)


@pytest.mark.parametrize("tau", [1e-3, 1e-5])
def test_a_longer_future_leaves_every_bit_of_the_past(tau: float) -> None:
    x = np.cumsum(np.random.default_rng(0).standard_normal(6000))
    cut = 4321
    assert frac_diff(x, 0.4, tau)[:cut].tobytes() == frac_diff(x[:cut], 0.4, tau).tobytes()


@pytest.mark.parametrize("hole", [np.nan, np.inf])
def test_a_hole_is_an_error_that_names_its_row(hole: float) -> None:
    with pytest.raises(DataError, match=r"rows \[3\]"):
        frac_diff([1.0, 2.0, 3.0, hole, 5.0], 0.5)


@pytest.mark.parametrize(("d", "tau"), [(-0.1, 1e-4), (0.5, 0.0), (0.5, 2.0)])
def test_settings_that_cannot_mean_anything_are_refused(d: float, tau: float) -> None:
    with pytest.raises(ConfigError):
        frac_diff_weights(d, tau)


def test_a_table_is_refused() -> None:
    with pytest.raises(DataError, match=r"shape \(2, 2\)"):
        frac_diff([[1.0, 2.0], [3.0, 4.0]], 0.5)


def test_the_smallest_order_that_makes_training_rows_stationary_is_chosen() -> None:
    from statsmodels.tsa.stattools import adfuller

    bars = ordinary(3000)
    fitted = FracDiff().fit([bars], seed=0)
    assert isinstance(fitted, FracDiff)
    assert fitted.d is not None
    log_close = np.log(bars["close"].to_numpy())
    p_values = []
    for d in (fitted.d - 0.05, fitted.d):
        x = frac_diff(log_close, d)
        p_values.append(adfuller(x[np.isfinite(x)], maxlag=1, regression="c", autolag=None, result_object=False)[1])
    assert p_values[0] >= 0.05 > p_values[1]


def test_a_given_order_is_kept() -> None:
    assert FracDiff(d=0.4).fit([ordinary(200)], seed=0) == FracDiff(d=0.4)


def test_every_symbol_has_to_be_stationary() -> None:
    calm, trending = ordinary(1500), ordinary(1500, seed=9)
    orders = [FracDiff().fit(frames, seed=0) for frames in ([calm], [trending], [calm, trending])]
    assert orders[2].d == max(orders[0].d, orders[1].d)


def test_a_gap_in_the_bars_is_an_error_that_names_the_last_bar_before_it() -> None:
    bars = ordinary(400)
    gappy = pl.concat([bars[:100], bars[103:]])
    with pytest.raises(DataError, match="found 1, after 2023-01-05 03:00"):
        FracDiff(d=0.4).compute(gappy)
    with pytest.raises(DataError, match="leave frac_diff out"):
        FracDiff().fit([gappy], seed=0)


def test_too_few_rows_to_choose_an_order_are_refused() -> None:
    with pytest.raises(NotEnoughBars, match="needs 100 rows"):
        FracDiff().fit([ordinary(80)], seed=0)


def test_a_price_that_never_moves_has_no_order() -> None:
    still = ordinary(400).with_columns(pl.col("open", "high", "low", "close") * 0.0 + 100.0)
    with pytest.raises(FitError, match="never moves"):
        FracDiff().fit([still], seed=0)


def test_an_order_is_needed_before_anything_is_computed() -> None:
    with pytest.raises(ConfigError, match="fit it on training bars"):
        FracDiff().compute(ordinary(400))


@pytest.mark.needs_data
def test_real_hourly_prices_keep_most_of_their_memory(development_data: Path) -> None:
    bars = pl.read_parquet(development_data / "market" / "BTCUSDT-1h-binancefut.parquet")
    fitted = FracDiff().fit([bars.with_columns(pl.from_epoch("ts", "ms").cast(pl.Datetime("ms", "UTC")))], seed=0)
    assert 0.0 < fitted.d < 0.5
