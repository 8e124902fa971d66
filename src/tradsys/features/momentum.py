"""Where the price came from: returns over several horizons, single past returns, distances to averages, RSI, MACD.

RSI and MACD, the oscillators that everybody watches, are sums over a finite window here. TA-Lib's versions are
recursive. They never quite forget their first bar, and after a long flat stretch that memory is all they show, so that
the last bars alone do not reproduce them and they fail the battery. On ordinary bars these agree with them.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray
from tradsys.core.errors import ConfigError
from tradsys.features.feature import OddColumns, Windowed, masked
from tradsys.features.prices import (
    STANDARD_LOOKBACK,
    VOLATILITY_TAPS,
    log_close,
    log_returns,
    standard_returns,
    volatility,
)
from tradsys.features.registry import register
from tradsys.features.windows import decaying_sum, lagged, moving_sum, standard_sum


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


@register
@dataclass(frozen=True, slots=True)
class Rsi(Windowed, OddColumns):
    """Relative strength index of the log price, moved from 0..100 to -1..1; zero where nothing moved.

    Wilder, *New Concepts in Technical Trading Systems* (1978), p. 63-70.
    """

    period: int = 14
    name: ClassVar[str] = "rsi"
    patterns: ClassVar[tuple[str, ...]] = ("rsi_{period}",)

    @property
    def lookback(self) -> int:
        """Twenty periods of returns: by then Wilder's average has forgotten all but a billionth."""
        return self._n_taps + 1

    @property
    def _n_taps(self) -> int:
        return 20 * self.period

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        """(gains - losses) / (gains + losses), shape (n_bars, 1)."""
        returns = log_returns(log_close(bars))
        net, gross = (decaying_sum(x, 1.0 - 1.0 / self.period, self._n_taps) for x in (returns, np.abs(returns)))
        return masked([np.divide(net, gross, out=np.zeros_like(net), where=gross > 0.0)], self.lookback)


@register
@dataclass(frozen=True, slots=True)
class Macd(Windowed, OddColumns):
    """Histogram of the MACD of the log price (the line minus its signal line), in units of a bar's volatility.

    Appel, *The Moving Average Convergence-Divergence Trading Method* (1979).
    """

    fast: int = 12
    slow: int = 26
    signal: int = 9
    name: ClassVar[str] = "macd"
    patterns: ClassVar[tuple[str, ...]] = ("macd_{fast}_{slow}_{signal}",)

    def __post_init__(self) -> None:
        Windowed.__post_init__(self)  # super() does not know a class with slots
        if self.fast >= self.slow:
            raise ConfigError(f"macd: fast must be below slow, was {self.fast} and {self.slow}; 12 and 26 are usual")

    @property
    def lookback(self) -> int:
        """Eight slow spans of returns: by then the slow average has forgotten all but a ten-millionth."""
        return max(self._n_taps, VOLATILITY_TAPS) + 1

    @property
    def _n_taps(self) -> int:
        return 8 * self.slow

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        """Histogram over volatility, shape (n_bars, 1)."""
        returns = log_returns(log_close(bars))
        return masked([moving_sum(returns, self._weights()) / volatility(returns)], self.lookback)

    def _weights(self) -> FloatArray:
        # a price minus its average is a sum of returns, weighted by what the average still owes to later prices
        fast, slow, signal = (((span - 1) / (span + 1)) for span in (self.fast, self.slow, self.signal))
        lags = np.arange(self._n_taps)
        line = slow ** (lags + 1) - fast ** (lags + 1)
        smoothed = np.convolve(line, (1.0 - signal) * signal**lags)[: self._n_taps]
        return np.asarray(line - smoothed)
