"""Measures of volatility against plain versions, and what their ratios say."""

import numpy as np
import polars as pl
from tests.features.markets import ordinary

from tradsys.core.atr import wilder_atr
from tradsys.features.volatility import (
    AbsoluteReturn,
    AverageTrueRange,
    ParkinsonVolatility,
    RealisedVolatility,
    VolatilityRatios,
)

BARS = ordinary(900)


def test_realised_volatility_is_the_root_of_the_mean_squared_return() -> None:
    returns = BARS["close"].log().diff()
    plain = (returns**2).rolling_mean(24).sqrt().to_numpy()
    np.testing.assert_allclose(np.exp(RealisedVolatility((24,)).compute(BARS)[24:, 0]), plain[24:], atol=2e-6)


def test_parkinson_volatility_is_the_published_formula() -> None:
    ranges = (BARS["high"] / BARS["low"]).log()
    plain = ((ranges**2).rolling_sum(24) / (4 * 24 * np.log(2))).sqrt().to_numpy()
    np.testing.assert_allclose(np.exp(ParkinsonVolatility((24,)).compute(BARS)[23:, 0]), plain[23:], atol=2e-6)


def test_the_average_true_range_agrees_with_wilders_over_the_price() -> None:
    high, low, close = (BARS[name].to_numpy() for name in ("high", "low", "close"))
    wilder = wilder_atr(high, low, close, 14) / close
    values = np.exp(AverageTrueRange().compute(BARS)[:, 0])
    np.testing.assert_allclose(values[400:], wilder[400:], rtol=0.1)


def test_ratios_rise_when_the_market_wakes_up() -> None:
    quiet = pl.col("close").log().diff().fill_null(0.0).cum_sum() / 10
    log_close = BARS.select(quiet)["close"].to_numpy().copy()
    log_close[880:] += np.cumsum(np.where(np.arange(20) % 2, 0.02, -0.02))
    close = np.exp(log_close)
    bars = BARS.with_columns(close=close, open=close, high=close * 1.01, low=close / 1.01)
    calm = bars.with_columns(high=pl.when(pl.int_range(900) < 880).then(close).otherwise(pl.col("high")))
    feature = VolatilityRatios()
    column = feature.columns.index("parkinson_168_to_atr")
    values = feature.compute(calm)
    assert values[899, column] < values[879, column] - 0.5


def test_the_size_of_a_return_has_no_sign() -> None:
    falling = BARS.with_columns(close=pl.when(pl.int_range(900) == 899).then(pl.col("close") * 0.5).otherwise("close"))
    assert AbsoluteReturn().compute(falling)[-1, 0] == 4.0
