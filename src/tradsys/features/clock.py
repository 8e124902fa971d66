"""The clock as cyclic columns; not in the default set, since on the development bars a model only memorised it."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray
from tradsys.core.time import DAY_MS
from tradsys.features.registry import register
from tradsys.features.stream.series import ohlcv

_WEEK_MS = 7 * DAY_MS
_MONDAY_MS = 4 * DAY_MS  # the epoch was a Thursday


@register
@dataclass(frozen=True, slots=True)
class TimeOfDay:
    """Time of day (UTC) of the bar's open, as a point on a circle."""

    name: ClassVar[str] = "time_of_day"
    columns: ClassVar[tuple[str, ...]] = ("day_sin", "day_cos")
    lookback: ClassVar[int] = 1
    is_odd: ClassVar[tuple[bool, ...]] = (False, False)
    is_volatility: ClassVar[tuple[bool, ...]] = (False, False)

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        """Sine and cosine, shape (n_bars, 2)."""
        return _on_circle((ohlcv(bars).ts % DAY_MS) / DAY_MS)


@register
@dataclass(frozen=True, slots=True)
class DayOfWeek:
    """Time of the week (UTC, from Monday) of the bar's open, as a point on a circle."""

    name: ClassVar[str] = "day_of_week"
    columns: ClassVar[tuple[str, ...]] = ("week_sin", "week_cos")
    lookback: ClassVar[int] = 1
    is_odd: ClassVar[tuple[bool, ...]] = (False, False)
    is_volatility: ClassVar[tuple[bool, ...]] = (False, False)

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        """Sine and cosine, shape (n_bars, 2)."""
        return _on_circle(((ohlcv(bars).ts - _MONDAY_MS) % _WEEK_MS) / _WEEK_MS)


def _on_circle(turns: FloatArray) -> FloatArray:
    return np.column_stack([np.sin(2.0 * np.pi * turns), np.cos(2.0 * np.pi * turns)])
