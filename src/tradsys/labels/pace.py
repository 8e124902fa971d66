"""Barrier rules: how far a distance of 1 to a target or a stop is at each bar's close, Wilder's ATR unless set."""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol, Self, runtime_checkable

import numpy as np
import polars as pl

from tradsys.core.arrays import BoolArray, FloatArray
from tradsys.core.atr import wilder_atr
from tradsys.core.bars import to_arrays
from tradsys.core.counts import check_counts
from tradsys.core.kernels import njit

ATR_MEMORY = 20
"""Periods after which an exponential mean has forgotten its seed to 4e-7 of it."""


class BarrierRule(Protocol):
    """A frozen spec that measures the market's pace: targets and stops stand at multiples of it.

    >>> from tradsys.labels import BarrierSpec
    >>> BarrierSpec(upper=3.0, lower=2.0, rule=EwmaVolatility(span=50)).unit
    'times ewma_volatility'
    """

    @property
    def name(self) -> str:
        """What `labels.rule` calls it."""

    @property
    def lookback(self) -> int:
        """Closed bars that settle a value, its own included."""

    def pace(self, bars: pl.DataFrame) -> FloatArray:
        """One symbol's pace in price units, (n_bars,), each value from bars up to its own close; NaN in the warm-up.

        A bar without a positive pace has no label and no decision.
        """


@runtime_checkable
class ChoosesEvents(Protocol):
    """A rule that also says at which bars a trade may be labelled."""

    def event_rows(self, bars: pl.DataFrame) -> BoolArray:
        """Mask (n_bars,) of the events, each known at its bar's close."""


@runtime_checkable
class Configured(Protocol):
    """A rule with parameters among the settings; any other has those of its registered class."""

    @classmethod
    def configured(cls, settings: Any) -> Self:
        """The rule that section `labels` describes."""


class MovingPace(Protocol):
    """The pace after some bars, and what it takes to go on; a value that never changes."""

    @property
    def pace(self) -> float:
        """In price units."""

    def after(self, bar: Any) -> "MovingPace":
        """The pace when one more bar (open, high, low, close, volume) has closed."""


@runtime_checkable
class Stepping(Protocol):
    """A rule that moves on by a bar without the bars before it; any other is computed anew from its lookback."""

    def moving(self, bars: pl.DataFrame) -> MovingPace:
        """The pace at the last of these bars, to go on from."""


class _MovingAtr(NamedTuple):
    pace: float
    close: float
    period: int

    def after(self, bar: Any) -> "_MovingAtr":
        true_range = max(bar.high, self.close) - min(bar.low, self.close)
        return self._replace(pace=(self.pace * (self.period - 1) + true_range) / self.period, close=bar.close)


@dataclass(frozen=True, slots=True)
class WilderAtr:
    """Wilder's average true range over `period` bars, `labels.atr_period` in the settings."""

    period: int = 14
    name: ClassVar[str] = "atr"

    def __post_init__(self) -> None:
        check_counts(atr_period=self.period)

    @classmethod
    def configured(cls, settings: Any) -> Self:
        return cls(settings.atr_period)

    @property
    def lookback(self) -> int:
        return ATR_MEMORY * self.period

    def pace(self, bars: pl.DataFrame) -> FloatArray:
        arrays = to_arrays(bars)
        return wilder_atr(arrays.high, arrays.low, arrays.close, self.period)

    def moving(self, bars: pl.DataFrame) -> MovingPace:
        return _MovingAtr(float(self.pace(bars)[-1]), float(bars["close"][-1]), self.period)


class _MovingVolatility(NamedTuple):
    pace: float
    close: float
    sums: FloatArray
    span: int

    def after(self, bar: Any) -> "_MovingVolatility":
        sums = self.sums.copy()
        deviation = _with_return(sums, np.log(bar.close / self.close), 2.0 / (self.span + 1.0))
        return self._replace(pace=float(bar.close * deviation), close=bar.close, sums=sums)


@dataclass(frozen=True, slots=True)
class EwmaVolatility:
    """Exponentially weighted standard deviation of a bar's log returns times its close; the first after `span` returns.

    `labels.volatility_span` in the settings. Weights fall by 1 - 2 / (span + 1) a bar, and the variance is unbiased, as
    of `pandas.Series.ewm(span=span).std()`.

    López de Prado, *Advances in Financial Machine Learning* (2018), ch. 3, snippet 3.1 (there of daily returns).
    """

    span: int = 100
    name: ClassVar[str] = "ewma_volatility"

    def __post_init__(self) -> None:
        check_counts(2, volatility_span=self.span)

    @classmethod
    def configured(cls, settings: Any) -> Self:
        return cls(settings.volatility_span)

    @property
    def lookback(self) -> int:
        return ATR_MEMORY * (self.span + 1) // 2 + 1

    def pace(self, bars: pl.DataFrame) -> FloatArray:
        return self._measured(bars)[0]

    def moving(self, bars: pl.DataFrame) -> MovingPace:
        pace, sums = self._measured(bars)
        return _MovingVolatility(float(pace[-1]), float(bars["close"][-1]), sums, self.span)

    def _measured(self, bars: pl.DataFrame) -> tuple[FloatArray, FloatArray]:
        sums = np.zeros(4)
        return _ewma_volatility(to_arrays(bars).close, self.span, sums), sums


@njit(cache=True)
def _with_return(sums: FloatArray, value: float, alpha: float) -> float:
    """The deviation with one more return; `sums` are of weights, of their squares, the mean, the biased variance."""
    kept = 1.0 - alpha
    weight, squared = kept * sums[0], kept * kept * sums[1]
    step = value - sums[2]
    sums[0], sums[1] = weight + 1.0, squared + 1.0
    sums[2] += step / sums[0]
    sums[3] = weight / sums[0] * (sums[3] + step * step / sums[0])
    free = 1.0 - sums[1] / (sums[0] * sums[0])
    return np.sqrt(sums[3] / free) if free > 0.0 else np.nan


@njit(cache=True)
def _ewma_volatility(close: FloatArray, span: int, sums: FloatArray) -> FloatArray:
    """The pace of each bar, (n_bars,), and in `sums` what the last one goes on from."""
    pace = np.full(close.size, np.nan)
    alpha = 2.0 / (span + 1.0)
    for t in range(1, close.size):
        deviation = _with_return(sums, np.log(close[t] / close[t - 1]), alpha)
        if t >= span:
            pace[t] = close[t] * deviation
    return pace
