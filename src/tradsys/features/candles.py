"""Candle shape: where a bar closed in its range, and how far it was turned back on each side."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray
from tradsys.features.feature import OddColumns, VolatilityColumns, Windowed, masked
from tradsys.features.prices import LogPrices
from tradsys.features.registry import register
from tradsys.features.windows import moving_mean, trailing_zscore, zscore_lookback


@register
@dataclass(frozen=True, slots=True)
class CloseLocation(OddColumns):
    """Where the close lies between low (-1) and high (1) of its bar; zero for a bar without range."""

    name: ClassVar[str] = "close_location"
    columns: ClassVar[tuple[str, ...]] = ("close_location",)
    lookback: ClassVar[int] = 1

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        log = LogPrices.of(bars)
        return masked([_over((log.close - log.low) - (log.high - log.close), log.high - log.low)], self.lookback)


@register
@dataclass(frozen=True, slots=True)
class Wick(Windowed, OddColumns):
    """Upper minus lower wick as a share of the range, of the bar and of the bars of a window taken together."""

    windows: tuple[int, ...] = (1,)
    name: ClassVar[str] = "wick"
    patterns: ClassVar[tuple[str, ...]] = ("wick_{windows}",)

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        """Positive where the market was turned back from above, shape (n_bars, n_windows)."""
        log = LogPrices.of(bars)
        upper, lower = log.high - np.maximum(log.open, log.close), np.minimum(log.open, log.close) - log.low
        wick, size = upper - lower, log.high - log.low
        return masked([_over(moving_mean(wick, w), moving_mean(size, w)) for w in self.windows], self.lookback)


@register
@dataclass(frozen=True, slots=True)
class RangeZScore(Windowed, VolatilityColumns):
    """The bar's true range against its recent past."""

    window: int = 96
    name: ClassVar[str] = "range_zscore"
    patterns: ClassVar[tuple[str, ...]] = ("range_z_{window}",)

    @property
    def lookback(self) -> int:
        """Two windows, and the close before the first true range."""
        return zscore_lookback(self.window) + 1

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        return masked([trailing_zscore(LogPrices.of(bars).ranges(), self.window)], self.lookback)


def _over(part: FloatArray, size: FloatArray) -> FloatArray:
    return np.divide(part, size, out=np.zeros_like(part), where=size > 0.0)
