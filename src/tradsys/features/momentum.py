"""Where the price came from: returns over several horizons, single past returns, and distances to averages."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray
from tradsys.features.feature import OddColumns, check_windows, masked
from tradsys.features.prices import STANDARD_LOOKBACK, log_close, log_returns, standard_returns
from tradsys.features.registry import register
from tradsys.features.windows import decaying_sum, lagged, standard_sum


@register
@dataclass(frozen=True, slots=True)
class LogReturns(OddColumns):
    """Log returns over several horizons, as fractions."""

    horizons: tuple[int, ...] = (1, 6, 24, 168)
    name: ClassVar[str] = "log_returns"

    def __post_init__(self) -> None:
        check_windows(self.name, horizons=self.horizons)

    @property
    def columns(self) -> tuple[str, ...]:
        """`log_return_<bars>`."""
        return tuple(f"log_return_{h}" for h in self.horizons)

    @property
    def lookback(self) -> int:
        """The longest horizon and the bar it starts from."""
        return max(self.horizons) + 1

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        """Difference of two log closes, shape (n_bars, n_horizons)."""
        close = log_close(bars)
        return masked([close - lagged(close, h) for h in self.horizons], self.lookback)


@register
@dataclass(frozen=True, slots=True)
class StandardReturns(OddColumns):
    """Momentum: sums of volatility-normalised returns over several horizons, each over the root of its horizon."""

    horizons: tuple[int, ...] = (1, 3, 6, 12, 24, 48, 96, 168)
    name: ClassVar[str] = "returns"

    def __post_init__(self) -> None:
        check_windows(self.name, horizons=self.horizons)

    @property
    def columns(self) -> tuple[str, ...]:
        """`ret_<bars>`."""
        return tuple(f"ret_{h}" for h in self.horizons)

    @property
    def lookback(self) -> int:
        """The longest horizon, and what its earliest return is measured in."""
        return max(self.horizons) - 1 + STANDARD_LOOKBACK

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        """Momentum of shape (n_bars, n_horizons), about one in size."""
        returns = standard_returns(log_returns(log_close(bars)))
        return masked([standard_sum(returns, h) for h in self.horizons], self.lookback)


@register
@dataclass(frozen=True, slots=True)
class LaggedReturns(OddColumns):
    """The volatility-normalised returns of single earlier bars."""

    lags: tuple[int, ...] = (1, 2)
    name: ClassVar[str] = "lagged_returns"

    def __post_init__(self) -> None:
        check_windows(self.name, lags=self.lags)

    @property
    def columns(self) -> tuple[str, ...]:
        """`ret_1_lag_<bars>`."""
        return tuple(f"ret_1_lag_{lag}" for lag in self.lags)

    @property
    def lookback(self) -> int:
        """The longest lag, and what that return is measured in."""
        return max(self.lags) + STANDARD_LOOKBACK

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        """Earlier returns of shape (n_bars, n_lags)."""
        returns = standard_returns(log_returns(log_close(bars)))
        return masked([lagged(returns, lag) for lag in self.lags], self.lookback)


@register
@dataclass(frozen=True, slots=True)
class AverageDistance(OddColumns):
    """How far the price, in standard deviations, lies above its own exponential averages.

    The log price minus its exponential average is an exponentially weighted sum of past returns; here these are the
    volatility-normalised ones, and the sum is scaled to about one in size.
    """

    spans: tuple[int, ...] = (20, 80)
    name: ClassVar[str] = "average_distance"

    def __post_init__(self) -> None:
        check_windows(self.name, spans=self.spans)

    @property
    def columns(self) -> tuple[str, ...]:
        """`above_average_<span>`."""
        return tuple(f"above_average_{span}" for span in self.spans)

    @property
    def lookback(self) -> int:
        """The longest average, and what its earliest return is measured in."""
        return max(map(_n_taps, self.spans)) - 1 + STANDARD_LOOKBACK

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        """Distances of shape (n_bars, n_spans)."""
        returns = standard_returns(log_returns(log_close(bars)))
        return masked([_distance(returns, span) for span in self.spans], self.lookback)


def _n_taps(span: int) -> int:
    return 2 * span


def _distance(returns: FloatArray, span: int) -> FloatArray:
    decay = (span - 1) / (span + 1)
    variance = np.sum(decay ** (2 * np.arange(_n_taps(span))))
    return decaying_sum(returns, decay, _n_taps(span)) / float(np.sqrt(variance))
