"""Where the price came from: returns over several horizons, single past returns, and distances to averages."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray
from tradsys.features.feature import OddColumns, Windowed, masked
from tradsys.features.prices import STANDARD_LOOKBACK, log_close, log_returns, standard_returns
from tradsys.features.registry import register
from tradsys.features.windows import decaying_sum, lagged, standard_sum


@register
@dataclass(frozen=True, slots=True)
class LogReturns(Windowed, OddColumns):
    """Log returns over several horizons, as fractions."""

    horizons: tuple[int, ...] = (1, 6, 24, 168)
    name: ClassVar[str] = "log_returns"
    patterns: ClassVar[tuple[str, ...]] = ("log_return_{horizons}",)
    behind: ClassVar[int] = 1  # the bar that the horizon starts from

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        close = log_close(bars)
        return masked([close - lagged(close, h) for h in self.horizons], self.lookback)


@register
@dataclass(frozen=True, slots=True)
class StandardReturns(Windowed, OddColumns):
    """Momentum: sums of volatility-normalised returns over several horizons, each over the root of its horizon."""

    horizons: tuple[int, ...] = (1, 3, 6, 12, 24, 48, 96, 168)
    name: ClassVar[str] = "returns"
    patterns: ClassVar[tuple[str, ...]] = ("ret_{horizons}",)
    behind: ClassVar[int] = STANDARD_LOOKBACK - 1  # what the earliest return is measured in

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        returns = standard_returns(log_returns(log_close(bars)))
        return masked([standard_sum(returns, h) for h in self.horizons], self.lookback)


@register
@dataclass(frozen=True, slots=True)
class LaggedReturns(Windowed, OddColumns):
    """The volatility-normalised returns of single earlier bars."""

    lags: tuple[int, ...] = (1, 2)
    name: ClassVar[str] = "lagged_returns"
    patterns: ClassVar[tuple[str, ...]] = ("ret_1_lag_{lags}",)
    behind: ClassVar[int] = STANDARD_LOOKBACK  # what that return is measured in

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        returns = standard_returns(log_returns(log_close(bars)))
        return masked([lagged(returns, lag) for lag in self.lags], self.lookback)


@register
@dataclass(frozen=True, slots=True)
class AverageDistance(Windowed, OddColumns):
    """How far the price, in standard deviations, lies above its own exponential averages.

    The log price minus its exponential average is an exponentially weighted sum of past returns; here these are the
    volatility-normalised ones, and the sum is scaled to about one in size.
    """

    spans: tuple[int, ...] = (20, 80)
    name: ClassVar[str] = "average_distance"
    patterns: ClassVar[tuple[str, ...]] = ("above_average_{spans}",)

    @property
    def lookback(self) -> int:
        """The longest average, and what its earliest return is measured in."""
        return max(map(_n_taps, self.spans)) - 1 + STANDARD_LOOKBACK

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        returns = standard_returns(log_returns(log_close(bars)))
        return masked([_distance(returns, span) for span in self.spans], self.lookback)


def _n_taps(span: int) -> int:
    return 2 * span


def _distance(returns: FloatArray, span: int) -> FloatArray:
    decay = (span - 1) / (span + 1)
    variance = np.sum(decay ** (2 * np.arange(_n_taps(span))))
    return decaying_sum(returns, decay, _n_taps(span)) / float(np.sqrt(variance))
