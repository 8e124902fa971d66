"""Barrier rules as somebody else might write them, registered by nobody."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from tradsys.core.arrays import BoolArray, FloatArray


@dataclass(frozen=True)
class MedianRange:
    """The median range of the last bars, which is nothing that an ATR would say."""

    window: int = 12
    name: ClassVar[str] = "median_range"

    @property
    def lookback(self) -> int:
        return self.window

    def pace(self, bars: pl.DataFrame) -> FloatArray:
        return (bars["high"] - bars["low"]).rolling_median(self.window).to_numpy()


@dataclass(frozen=True)
class EveryThird(MedianRange):
    """The same, with events of its own."""

    name: ClassVar[str] = "every_third"

    def event_rows(self, bars: pl.DataFrame) -> BoolArray:
        return bars["ts"].dt.epoch("ms").to_numpy() // 3_600_000 % 3 == 0


@dataclass(frozen=True)
class Says:
    """Whatever it is told to say."""

    values: object
    name: ClassVar[str] = "says"
    lookback: ClassVar[int] = 1

    def pace(self, bars: pl.DataFrame) -> FloatArray:
        return self.values  # type: ignore[return-value]  # what a user might return


@dataclass(frozen=True)
class Peeks(MedianRange):
    """The same, but of the bar after it in one row of `every`."""

    every: int = 1
    name: ClassVar[str] = "peeks"

    def pace(self, bars: pl.DataFrame) -> FloatArray:
        own = super().pace(bars)
        ahead = np.append(own[1:], np.nan)
        hours = bars["ts"].dt.epoch("ms").to_numpy() // 3_600_000
        return np.where(hours * 2_654_435_761 % self.every == 0, ahead, own)
