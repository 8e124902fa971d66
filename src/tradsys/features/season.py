"""Hour of the day and day of the week as features; they added nothing on the development bars and is not a default."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import ClassVar

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray
from tradsys.core.errors import ConfigError, DataError
from tradsys.core.time import DAY_MS, format_interval, infer_interval
from tradsys.features.feature import Feature, PlainColumns, VolatilityColumns, check_windows, masked
from tradsys.features.prices import FLOOR, LogPrices
from tradsys.features.registry import register
from tradsys.features.stream.series import ohlcv
from tradsys.features.windows import lagged, moving_mean

_DAY = timedelta(days=1)


@register
@dataclass(frozen=True, slots=True)
class SeasonalVolatility(VolatilityColumns):
    """True ranges of the past days in the quarter of a day that comes next, and in the one that just ended.

    Each range is first divided by the mean of the day up to it, so that busy days do not outvote quiet ones. Both
    columns are logs over the mean of the whole days. How many bars make a day is learnt from the training bars; as
    many past days are taken as `max_lookback` leaves room for, at least one and at most `max_days`. Days are counted in
    rows: after a gap the rhythm is out of step until the days behind it have passed.
    """

    max_days: int = 10
    max_lookback: int = 400
    bars_per_day: int | None = None
    name: ClassVar[str] = "seasonal_volatility"
    columns: ClassVar[tuple[str, ...]] = ("season_ahead", "season_now")

    def __post_init__(self) -> None:
        check_windows(self.name, max_days=self.max_days)
        if self.bars_per_day is not None:
            check_windows(self.name, bars_per_day=self.bars_per_day)

    def fit(self, frames: Sequence[pl.DataFrame], *, seed: int) -> Feature:
        """Count the bars of a day; the seed is not used."""
        del seed
        intervals = {infer_interval(bars) for bars in frames}
        if len(intervals) != 1:
            raise DataError(
                f"{self.name} needs frames of one interval, found "
                f"{', '.join(sorted(map(format_interval, intervals)))}; pool symbols of the same interval only"
            )
        return replace(self, bars_per_day=max(1, round(_DAY / intervals.pop())))

    @property
    def lookback(self) -> int:
        """The days, the day before the earliest of them, and a quarter of a day."""
        day = self._day
        return (self._n_days + 1) * day + self._quarter

    @property
    def _day(self) -> int:
        if self.bars_per_day is None:
            raise ConfigError(f"{self.name} does not know yet how many bars make a day; fit it, or give bars_per_day")
        return self.bars_per_day

    @property
    def _quarter(self) -> int:
        return max(1, self._day // 4)

    @property
    def _n_days(self) -> int:
        return min(self.max_days, max(1, (self.max_lookback - self._day - self._quarter) // self._day))

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        """Logs of shape (n_bars, 2), zero where the hours of a day are alike."""
        ranges = LogPrices.of(bars).ranges()
        day, quarter, n_days = self._day, self._quarter, self._n_days
        relative = ranges / (moving_mean(ranges, day) + FLOOR)
        by_quarter = moving_mean(relative, quarter)
        usual = moving_mean(relative, n_days * day)
        ahead = sum((lagged(by_quarter, k * day - quarter) for k in range(1, n_days + 1)), np.zeros_like(ranges))
        now = sum((lagged(by_quarter, k * day) for k in range(1, n_days + 1)), np.zeros_like(ranges))
        base = 0.05 * usual + FLOOR
        return masked([np.log((same / n_days + base) / (usual + base)) for same in (ahead, now)], self.lookback)


_WEEK_MS = 7 * DAY_MS
_MONDAY_MS = 4 * DAY_MS  # the epoch was a Thursday


@register
@dataclass(frozen=True, slots=True)
class TimeOfDay(PlainColumns):
    """Time of day (UTC) of the bar's open, as a point on a circle."""

    name: ClassVar[str] = "time_of_day"
    columns: ClassVar[tuple[str, ...]] = ("day_sin", "day_cos")
    lookback: ClassVar[int] = 1

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        return _on_circle((ohlcv(bars).ts % DAY_MS) / DAY_MS)


@register
@dataclass(frozen=True, slots=True)
class DayOfWeek(PlainColumns):
    """Time of the week (UTC, from Monday) of the bar's open, as a point on a circle."""

    name: ClassVar[str] = "day_of_week"
    columns: ClassVar[tuple[str, ...]] = ("week_sin", "week_cos")
    lookback: ClassVar[int] = 1

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        return _on_circle(((ohlcv(bars).ts - _MONDAY_MS) % _WEEK_MS) / _WEEK_MS)


def _on_circle(turns: FloatArray) -> FloatArray:
    """Sine and cosine, shape (n_bars, 2)."""
    return np.column_stack([np.sin(2.0 * np.pi * turns), np.cos(2.0 * np.pi * turns)])
