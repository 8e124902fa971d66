"""Returns, and distances to averages, against plain versions."""

import numpy as np
import polars as pl
import pytest
from tests.features.markets import ordinary

from tradsys.core.errors import ConfigError
from tradsys.features.momentum import AverageDistance, LaggedReturns, LogReturns, StandardReturns
from tradsys.features.prices import LogPrices, standard_returns

BARS = ordinary(600)
LOG_CLOSE = np.log(BARS["close"].to_numpy())


def plain_standard_returns() -> np.ndarray:
    returns = np.diff(LOG_CLOSE)
    weights = np.exp(-np.arange(120) / 24)
    weights /= weights.sum()
    values = np.full(len(LOG_CLOSE), np.nan)
    for t in range(121, len(LOG_CLOSE)):
        before = returns[t - 121 : t - 1][::-1]  # the 120 returns that were known one bar earlier
        values[t] = np.clip(returns[t - 1] / np.sqrt(weights @ before**2), -4, 4)
    return values


def test_log_returns_are_differences_of_log_closes() -> None:
    values = LogReturns((1, 24)).compute(BARS)
    np.testing.assert_allclose(values[24:, 1], LOG_CLOSE[24:] - LOG_CLOSE[:-24])


def test_standard_returns_are_measured_in_the_volatility_known_before() -> None:
    np.testing.assert_allclose(StandardReturns((1,)).compute(BARS)[:, 0], plain_standard_returns(), atol=1e-12)


def test_momentum_sums_them_over_the_root_of_the_horizon() -> None:
    plain = pl.Series(plain_standard_returns()).rolling_sum(12).to_numpy() / 12**0.5
    np.testing.assert_allclose(StandardReturns((12,)).compute(BARS)[140:, 0], plain[140:], atol=1e-12)


def test_one_crash_counts_no_more_than_four_deviations() -> None:
    jump = np.where(np.arange(600) == 300, -2.0, 0.001 * (-1.0) ** np.arange(600))
    assert standard_returns(jump)[300] == -4.0


def test_lagged_returns_are_earlier_rows_of_the_same() -> None:
    lagged, returns = LaggedReturns((1, 5)).compute(BARS), StandardReturns((1,)).compute(BARS)
    np.testing.assert_array_equal(lagged[200:, 1], returns[195:-5, 0])


def test_the_distance_to_an_average_is_an_exponential_sum_of_returns() -> None:
    returns = standard_returns(LogPrices.of(BARS).returns())
    average = np.zeros(len(returns))  # of the price that the returns add up to
    for t, price in enumerate(np.cumsum(returns)[1:], start=1):
        average[t] = average[t - 1] + 2 / 21 * (price - average[t - 1])
    distance = np.cumsum(returns) - average
    values = AverageDistance((20,)).compute(BARS)[:, 0]
    assert np.corrcoef(values[300:], distance[300:])[0, 1] > 0.999


@pytest.mark.parametrize("feature", [LogReturns, StandardReturns])
def test_horizons_count_bars(feature: type) -> None:
    with pytest.raises(ConfigError, match="horizons counts bars"):
        feature((0, 5))
    with pytest.raises(ConfigError, match="horizons counts bars"):
        feature(())
