"""Observations of the regime model: each bar's range, adjusted for the hour of the day, against the days before."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.errors import ConfigError
from tradsys.core.time import HOUR_MS
from tradsys.features.feature import masked
from tradsys.features.prices import FLOOR, LogPrices
from tradsys.features.stream.series import ohlcv
from tradsys.features.windows import looked_up, moving_mean

_LIMIT = 3.0


@dataclass(frozen=True, slots=True)
class RangeObservation:
    """Log true range of the bar, less the daily rhythm of its hour, less its mean over the last `reference` bars.

    One number a bar, at any price, the same for a market and its mirror image. The range tells the volatility of a
    single bar so much better than its return that no average has to delay it. Without the rhythm, which is learnt
    from training bars, the states would be the hours of the day. The reference makes symbols and years comparable and
    must be long against a regime's stay: on the simulated regimes 168, 240 and 336 bars find 60, 87 and 90% of the
    states.
    """

    reference: int = 240

    def __post_init__(self) -> None:
        if self.reference < 2:
            raise ConfigError(f"reference counts bars and must be at least 2, was {self.reference}; 240 is usual")

    def fit(self, frames: Sequence[pl.DataFrame]) -> "FittedRangeObservation":
        """Learn the daily rhythm from training bars, one frame a symbol; hours never seen count as ordinary."""
        total, count = np.zeros(24), np.zeros(24)
        for bars in frames:
            ranges, hour = _log_ranges(bars), _hours(bars)
            total += np.bincount(hour, ranges - ranges.mean(), 24)
            count += np.bincount(hour, minlength=24)
        rhythm = total / np.maximum(count, 1)
        return FittedRangeObservation(self.reference, tuple(rhythm.tolist()))


@dataclass(frozen=True, slots=True)
class FittedRangeObservation:
    """The observation with the rhythm it was fitted to: log range of each UTC hour over that of the day."""

    reference: int
    rhythm: tuple[float, ...]

    @property
    def lookback(self) -> int:
        """The reference, and the close before its first bar."""
        return self.reference + 1

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        """Observations of shape (n_bars, 1), cut at three; NaN in the first `lookback - 1` rows."""
        ranges = _log_ranges(bars) - looked_up(_hours(bars), np.array(self.rhythm))
        return masked([np.clip(ranges - moving_mean(ranges, self.reference), -_LIMIT, _LIMIT)], self.lookback)


def _log_ranges(bars: pl.DataFrame) -> FloatArray:
    log: FloatArray = np.log(np.maximum(LogPrices.of(bars).ranges(), FLOOR))
    return log


def _hours(bars: pl.DataFrame) -> IntArray:
    return ohlcv(bars).ts // HOUR_MS % 24
