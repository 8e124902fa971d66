"""What most features start from: log prices, returns, true ranges, and the volatility returns are measured in."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray
from tradsys.features.stream.series import ohlcv
from tradsys.features.windows import decaying_mean, lagged, previous

FLOOR = 1e-6
"""Volatility a bar below which a market counts as standing still: a hundredth of a basis point."""

MEMORY = 24
"""Bars over which the volatility that returns are measured in decays by a factor of e."""

VOLATILITY_TAPS = 5 * MEMORY

STANDARD_LOOKBACK = VOLATILITY_TAPS + 2
"""Bars behind a standard return: its two closes, and a volatility that ends one bar earlier."""

_LIMIT = 4.0


@dataclass(frozen=True, slots=True)
class LogPrices:
    """Natural logarithms of one symbol's prices and its volume as it is, each of shape (n_bars,)."""

    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray

    @classmethod
    def of(cls, bars: pl.DataFrame) -> Self:
        """Take the logarithms; in them a mirrored market differs by its sign alone."""
        raw = ohlcv(bars)
        log_open, high, low, close = (np.log(x) for x in (raw.open, raw.high, raw.low, raw.close))
        return cls(log_open, high, low, close, raw.volume)

    def returns(self) -> FloatArray:
        """Change of the log close from row to row, shape (n_bars,)."""
        return log_returns(self.close)

    def ranges(self) -> FloatArray:
        """Log true range: from the lowest to the highest of the bar and the close before it, shape (n_bars,)."""
        before = previous(self.close)
        ranges: FloatArray = np.maximum(self.high, before) - np.minimum(self.low, before)
        return ranges


def log_close(bars: pl.DataFrame) -> FloatArray:
    """Log closes alone, shape (n_bars,), for features that need no other price."""
    close: FloatArray = np.log(ohlcv(bars).close)
    return close


def log_returns(log_close: FloatArray) -> FloatArray:
    """Change from row to row, shape (n_bars,); the first row is zero, since no feature reads it."""
    return log_close - previous(log_close)


def volatility(returns: FloatArray) -> FloatArray:
    """Root of the exponentially averaged squared return, a fraction per bar, at least `FLOOR`; shape (n_bars,)."""
    squared = decaying_mean(returns * returns, np.exp(-1.0 / MEMORY), VOLATILITY_TAPS)
    sd: FloatArray = np.maximum(np.sqrt(squared), FLOOR)
    return sd


def standard_returns(returns: FloatArray) -> FloatArray:
    """Returns over the volatility known one bar earlier, cut at four, shape (n_bars,).

    One crash then weighs like any other very large bar, and does not shrink its own measure.
    """
    return np.clip(returns / np.maximum(lagged(volatility(returns), 1), FLOOR), -_LIMIT, _LIMIT)
