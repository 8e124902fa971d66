"""What volume adds to prices: how much, on which side, at what average price, taken by whom, in trades of what size."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray
from tradsys.core.errors import DataError
from tradsys.features.feature import OddColumns, VolatilityColumns, Windowed, masked
from tradsys.features.prices import STANDARD_LOOKBACK, VOLATILITY_TAPS, LogPrices, standard_returns, volatility
from tradsys.features.registry import register
from tradsys.features.windows import moving_mean, relative_size, standard_sum, trailing_zscore, zscore_lookback


@register
@dataclass(frozen=True, slots=True)
class VolumeZScore(Windowed, VolatilityColumns):
    """The bar's volume against its recent past."""

    window: int = 96
    name: ClassVar[str] = "volume_zscore"
    patterns: ClassVar[tuple[str, ...]] = ("volume_z_{window}",)

    @property
    def lookback(self) -> int:
        return zscore_lookback(self.window)

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        return masked([trailing_zscore(LogPrices.of(bars).volume, self.window)], self.lookback)


@register
@dataclass(frozen=True, slots=True)
class VolumeReturn(Windowed, OddColumns):
    """Volatility-normalised returns, each weighted by its bar's relative volume, summed over a window."""

    windows: tuple[int, ...] = (1, 24)
    volume_window: int = 96
    name: ClassVar[str] = "volume_return"
    patterns: ClassVar[tuple[str, ...]] = ("volume_return_{windows}",)

    @property
    def lookback(self) -> int:
        """The longest window, and what its earliest bar is measured in."""
        return max(self.windows) - 1 + max(STANDARD_LOOKBACK, self.volume_window)

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        log = LogPrices.of(bars)
        weighted = standard_returns(log.returns()) * relative_size(log.volume, self.volume_window) / np.log(2.0)
        return masked([standard_sum(weighted, w) for w in self.windows], self.lookback)


@register
@dataclass(frozen=True, slots=True)
class VwapDistance(Windowed, OddColumns):
    """How far the close lies above the volume-weighted average price of a window, in standard deviations of the window.

    A bar's price is its typical price, the mean of log high, log low and log close. Where no volume was traded in the
    whole window, its bars count alike.
    """

    window: int = 24
    name: ClassVar[str] = "vwap_distance"
    patterns: ClassVar[tuple[str, ...]] = ("above_vwap_{window}",)

    @property
    def lookback(self) -> int:
        """The window, or what returns are measured in, whichever reaches further back."""
        return max(self.window, VOLATILITY_TAPS + 1)

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        log = LogPrices.of(bars)
        typical = (log.high + log.low + log.close) / 3.0
        total = moving_mean(log.volume, self.window)
        weighted = moving_mean(log.volume * typical, self.window)
        vwap = np.divide(weighted, total, out=moving_mean(typical, self.window), where=total > 0.0)
        return masked([(log.close - vwap) / (volatility(log.returns()) * self.window**0.5)], self.lookback)


def optional_column(bars: pl.DataFrame, name: str, feature: str) -> FloatArray:
    """A column that bars may have, shape (n_bars,); a DataError where these come without it."""
    if name not in bars.columns:
        raise DataError(
            f"{feature} needs bars with a column {name}, found {', '.join(bars.columns)}; load bars of a source that "
            "has it (Binance klines do), or leave the feature out"
        )
    return np.ascontiguousarray(bars[name].to_numpy(), dtype=np.float64)


@register
@dataclass(frozen=True, slots=True)
class TakerImbalance(Windowed, OddColumns):
    """Taker-bought less taker-sold volume over all volume, of a bar and of the last ones together; in [-1, 1].

    Where nothing was traded neither side pressed: 0.
    """

    windows: tuple[int, ...] = (1, 24)
    name: ClassVar[str] = "taker_imbalance"
    patterns: ClassVar[tuple[str, ...]] = ("taker_imbalance_{windows}",)

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        bought, volume = (optional_column(bars, name, self.name) for name in ("taker_buy_volume", "volume"))
        columns = []
        for window in self.windows:
            total, net = moving_mean(volume, window), moving_mean(2.0 * bought - volume, window)
            columns.append(np.divide(net, total, out=np.zeros(len(total)), where=total > 0.0))
        return masked(columns, self.lookback)


@register
@dataclass(frozen=True, slots=True)
class TradeSizeZScore(Windowed, VolatilityColumns):
    """The mean size of a bar's trades against its recent past; a bar without trades has size zero."""

    window: int = 96
    name: ClassVar[str] = "trade_size_zscore"
    patterns: ClassVar[tuple[str, ...]] = ("trade_size_z_{window}",)

    @property
    def lookback(self) -> int:
        return zscore_lookback(self.window)

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        volume, n_trades = (optional_column(bars, name, self.name) for name in ("volume", "n_trades"))
        size = np.divide(volume, n_trades, out=np.zeros(len(volume)), where=n_trades > 0.0)
        return masked([trailing_zscore(size, self.window)], self.lookback)
