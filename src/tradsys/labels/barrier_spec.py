"""The triple-barrier specification behind every label of a run: distances, horizon and the rule of its events."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numba import njit

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.atr import wilder_atr
from tradsys.core.bars import to_arrays
from tradsys.core.errors import ConfigError
from tradsys.core.time import infer_interval, interval_ms
from tradsys.labels.barriers import check_barriers, label_rows, labelled_rows, single_symbol

type EventRule = Literal["every", "cusum"]


def every_bar(bars: pl.DataFrame) -> IntArray:
    """All rows, shape (n_bars,)."""
    return np.arange(len(bars))


def cusum(bars: pl.DataFrame, threshold: float, *, atr_period: int = 14) -> IntArray:
    """Rows at which the close has drifted `threshold` ATRs one way since the last event, shape (n_events,).

    The symmetric CUSUM filter on closes, with each step measured in the ATR of the bar before it, so that one threshold
    serves calm and wild markets alike.

    López de Prado, *Advances in Financial Machine Learning* (2018), ch. 2, snippet 2.4 (there in returns).
    """
    if not threshold > 0:
        raise ConfigError(f"a CUSUM threshold must be positive, in ATR, was {threshold}; 1.0 is a usual start")
    arrays = to_arrays(bars)
    return _cusum_rows(arrays.close, wilder_atr(arrays.high, arrays.low, arrays.close, atr_period), threshold)


@njit(cache=True)
def _cusum_rows(close: FloatArray, atr: FloatArray, threshold: float) -> IntArray:
    rows = np.empty(close.size, np.int64)
    n_events, up, down = 0, 0.0, 0.0
    for t in range(1, close.size):
        if not atr[t - 1] > 0:
            continue
        step = (close[t] - close[t - 1]) / atr[t - 1]
        up, down = max(0.0, up + step), min(0.0, down + step)
        if up >= threshold or down <= -threshold:
            rows[n_events] = t
            n_events += 1
            up, down = 0.0, 0.0
    return rows[:n_events].copy()


@dataclass(frozen=True, slots=True)
class BarrierSpec:
    """Target and stop in ATR, horizon and ATR period in bars, and the rule that picks the events."""

    upper: float = 1.5
    lower: float = 1.5
    horizon: int = 24
    atr_period: int = 14
    events: EventRule = "every"
    cusum_threshold: float = 1.0

    def __post_init__(self) -> None:
        check_barriers(self.upper, self.lower, self.horizon, self.atr_period)
        if self.events not in ("every", "cusum"):
            raise ConfigError(f"events must be 'every' or 'cusum', was {self.events!r}")
        if not self.cusum_threshold > 0:
            raise ConfigError(
                f"cusum_threshold must be a positive number of ATRs, was {self.cusum_threshold}; 1.0 is usual"
            )

    def label(self, bars: pl.DataFrame) -> pl.DataFrame:
        """Labels of both sides: the columns of `triple_barrier` and `side` (Int8); all longs, then all shorts."""
        arrays = single_symbol(bars, "BarrierSpec.label")
        bar_ms = interval_ms(infer_interval(bars))
        atr = wilder_atr(arrays.high, arrays.low, arrays.close, self.atr_period)
        rows = labelled_rows(self.event_rows(bars), atr, self.horizon)
        return pl.concat(
            label_rows(
                arrays, atr, rows, bar_ms, upper=self.upper, lower=self.lower, horizon=self.horizon, side=side
            ).with_columns(pl.lit(side, dtype=pl.Int8).alias("side"))
            for side in (1, -1)
        )

    def event_rows(self, bars: pl.DataFrame) -> IntArray:
        """Rows at whose close a trade may be decided."""
        if self.events == "every":
            return every_bar(bars)
        return cusum(bars, self.cusum_threshold, atr_period=self.atr_period)
