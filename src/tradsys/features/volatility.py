"""How far prices move: volatility by several measures and over several windows, and above all their ratios."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray
from tradsys.features.feature import VolatilityColumns, Windowed, masked
from tradsys.features.prices import FLOOR, STANDARD_LOOKBACK, LogPrices, log_close, log_returns, standard_returns
from tradsys.features.registry import register
from tradsys.features.windows import decaying_mean, moving_mean, standard_sum


@register
@dataclass(frozen=True, slots=True)
class RealisedVolatility(Windowed, VolatilityColumns):
    """Log of the root mean squared return of a bar."""

    windows: tuple[int, ...] = (24, 168)
    name: ClassVar[str] = "realised_volatility"
    patterns: ClassVar[tuple[str, ...]] = ("realised_{windows}",)
    behind: ClassVar[int] = 1  # the close before the first return

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        returns = log_returns(log_close(bars))
        return masked([np.log(_realised(returns, w) + FLOOR) for w in self.windows], self.lookback)


@register
@dataclass(frozen=True, slots=True)
class ParkinsonVolatility(Windowed, VolatilityColumns):
    """Log of the volatility of a bar that its high and low tell, five times as precise as the close alone.

    Parkinson, "The extreme value method for estimating the variance of the rate of return", *J. Business* 53 (1980).
    """

    windows: tuple[int, ...] = (24, 168)
    name: ClassVar[str] = "parkinson_volatility"
    patterns: ClassVar[tuple[str, ...]] = ("parkinson_{windows}",)

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        log = LogPrices.of(bars)
        return masked([np.log(_parkinson(log.high - log.low, w) + FLOOR) for w in self.windows], self.lookback)


@register
@dataclass(frozen=True, slots=True)
class AverageTrueRange(Windowed, VolatilityColumns):
    """Log of the average true range over the price, by Wilder's weights cut after ten periods."""

    period: int = 14
    name: ClassVar[str] = "average_true_range"
    patterns: ClassVar[tuple[str, ...]] = ("atr_{period}",)

    @property
    def lookback(self) -> int:
        """Ten periods of true ranges."""
        return _atr_taps(self.period) + 1

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        return masked([np.log(_atr(LogPrices.of(bars).ranges(), self.period) + FLOOR)], self.lookback)


@register
@dataclass(frozen=True, slots=True)
class VolatilityRatios(Windowed, VolatilityColumns):
    """Logs of volatilities over several windows, each over the average true range, and of realised over Parkinson's.

    Barriers are set in average true ranges. So how likely a barrier is touched in time hangs on how the volatility to
    come compares with that average; these ratios are what a forecast of it is made of.
    """

    windows: tuple[int, ...] = (1, 4, 12, 48, 168)
    atr_period: int = 14
    kind_window: int = 24
    name: ClassVar[str] = "volatility_ratios"
    patterns: ClassVar[tuple[str, ...]] = ("parkinson_{windows}_to_atr", "realised_to_parkinson_{kind_window}")

    @property
    def lookback(self) -> int:
        """The longest window, or the average true range, whichever reaches further back."""
        return max(*self.windows, _atr_taps(self.atr_period) + 1, self.kind_window + 1)

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        log = LogPrices.of(bars)
        atr, size, returns = _atr(log.ranges(), self.atr_period), log.high - log.low, log.returns()
        # a twentieth of the usual keeps a bar without any range from becoming minus infinity
        base = 0.05 * atr + FLOOR
        ratios = [np.log((_parkinson(size, w) + base) / (atr + base)) for w in self.windows]
        kind = np.log((_realised(returns, self.kind_window) + base) / (_parkinson(size, self.kind_window) + base))
        return masked([*ratios, kind], self.lookback)


@register
@dataclass(frozen=True, slots=True)
class AbsoluteReturn(Windowed, VolatilityColumns):
    """Size of the last volatility-normalised return, and of those of a window taken together."""

    windows: tuple[int, ...] = (1,)
    name: ClassVar[str] = "absolute_return"
    patterns: ClassVar[tuple[str, ...]] = ("abs_ret_{windows}",)
    behind: ClassVar[int] = STANDARD_LOOKBACK - 1  # what the earliest return is measured in

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        returns = standard_returns(log_returns(log_close(bars)))
        return masked([np.abs(standard_sum(returns, w)) for w in self.windows], self.lookback)


def _realised(returns: FloatArray, window: int) -> FloatArray:
    return np.sqrt(moving_mean(returns * returns, window))


def _parkinson(size: FloatArray, window: int) -> FloatArray:
    sd: FloatArray = np.sqrt(moving_mean(size * size, window) / (4.0 * np.log(2.0)))
    return sd


def _atr(ranges: FloatArray, period: int) -> FloatArray:
    return decaying_mean(ranges, 1.0 - 1.0 / period, _atr_taps(period))


def _atr_taps(period: int) -> int:
    return 10 * period
