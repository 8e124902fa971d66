"""The triple-barrier specification behind every label of a run: distances, horizon and the rule of its events."""

from dataclasses import dataclass

import polars as pl

from tradsys.core.arrays import IntArray
from tradsys.core.atr import wilder_atr
from tradsys.core.errors import ConfigError
from tradsys.core.time import infer_interval, interval_ms
from tradsys.labels.barriers import check_barriers, label_rows, labelled_rows, single_symbol
from tradsys.labels.events import EventRule, cusum, every_bar


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
