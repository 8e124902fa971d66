"""Taker imbalance and trade size; read from optional columns of the bars."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray
from tradsys.core.errors import DataError
from tradsys.features.feature import OddColumns, VolatilityColumns, Windowed, masked
from tradsys.features.registry import register
from tradsys.features.windows import moving_mean, trailing_zscore, zscore_lookback


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
        """Two windows."""
        return zscore_lookback(self.window)

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        volume, n_trades = (optional_column(bars, name, self.name) for name in ("volume", "n_trades"))
        size = np.divide(volume, n_trades, out=np.zeros(len(volume)), where=n_trades > 0.0)
        return masked([trailing_zscore(size, self.window)], self.lookback)
