"""Risk-on, neutral and risk-off in other markets: a second hidden Markov model, of daily macro columns of the bars."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from typing import Final

import numpy as np
import polars as pl

from tradsys.core.arrays import BoolArray, FloatArray, IntArray
from tradsys.core.bars import validate_bars
from tradsys.core.counts import check_whole
from tradsys.core.errors import ConfigError, NotEnoughBars
from tradsys.core.outside import outside_values
from tradsys.core.plain_values import PlainValues
from tradsys.core.seeds import derive
from tradsys.core.single_symbol import refuse_several
from tradsys.core.time import DAY_MS, infer_interval, interval_ms, ts_ms
from tradsys.regimes.fitted import FittedRegimes
from tradsys.regimes.model import RegimeModel

STATES: Final = ("risk-on", "neutral", "risk-off")
"""In the order of the states: by the mean of the observation that rises when risk is shunned."""

_LONGEST_PAUSE_DAYS = 10
_DAYS_A_SESSION, _CLOSED_DAYS = 1.4, 12


@dataclass(frozen=True, slots=True)
class MacroRegimes:
    """States of other markets, from two numbers a session: that risk is shunned, and how much wilder than usual it is.

    `series` names each macro series with 1 where it rises when risk is shunned and -1 where it falls. The first number
    is the sum of their signed week's returns over the root of their number, the second the mean of their `vol`. Both
    are read from the bars at the first close of each UTC day, where they differ from the day before: a weekend repeats
    nothing. States are sorted by their mean of the first number. A filtered probability reads the last `window` such
    days, so that a bot with `lookback` bars sees what the research run saw; between them it stays.
    """

    series: tuple[tuple[str, int], ...]
    n_states: int = 3
    n_starts: int = 10
    window: int = 20

    def __post_init__(self) -> None:
        if not self.series or any(risk not in (-1, 1) for _, risk in self.series):
            raise ConfigError(
                "a macro supervisor needs a series that rises (1) or falls (-1) when risk is shunned, found "
                f"{dict(self.series) or 'none'}; add ?risk=1 or ?risk=-1 to a --macro series"
            )
        check_whole(window=self.window)
        if self.window < 1:
            raise ConfigError(f"window counts sessions and must be at least 1, was {self.window}")

    def fit(self, frames: Sequence[pl.DataFrame], *, seed: int) -> "FittedMacroFilter":
        """Fit on training bars alone, one frame a symbol or stretch; days that several of them tell of count once."""
        interval = infer_interval(max(frames, key=len))
        by_day: dict[int, FloatArray] = {}
        for bars in frames:
            daily = DailyObservations.of(bars, self.series, interval)
            by_day |= dict(zip(daily.day[daily.kept].tolist(), daily.values[daily.kept], strict=True))
        if not by_day:
            raise NotEnoughBars("a macro supervisor needs sessions in the training bars, found none; load more history")
        days = np.array(sorted(by_day))
        X = np.stack([by_day[day] for day in days.tolist()])
        ends = np.flatnonzero(np.diff(days) > _LONGEST_PAUSE_DAYS) + 1
        lengths = np.diff([0, *ends.tolist(), len(days)]).tolist()
        model = RegimeModel(
            self.n_states, self.n_starts, derive(seed, "macro supervisor"), order="mean", has_units=False
        )
        return FittedMacroFilter(self.series, model.fit(X, lengths), self.window, interval_ms(interval))


@dataclass(frozen=True, slots=True)
class FittedMacroFilter(PlainValues):
    """From bars with macro columns to the probability of each state, NaN where too little is known."""

    series: tuple[tuple[str, int], ...]
    regimes: FittedRegimes
    window: int
    step_ms: int

    @property
    def n_states(self) -> int:
        return self.regimes.n_states

    @property
    def needs(self) -> tuple[str, ...]:
        """Columns that the bars must carry, as `core.outside` names them."""
        return tuple(name for series, _ in self.series for name in _columns_of(series))

    @property
    def lookback(self) -> int:
        """Bars that hold `window` sessions and the day before them, holidays included."""
        days = ceil(_DAYS_A_SESSION * self.window) + _CLOSED_DAYS
        return ceil(days * DAY_MS / self.step_ms)

    def filter(self, bars: pl.DataFrame) -> FloatArray:
        """Filtered probabilities, shape (n_bars, n_states): no row knows a later bar, nor one before its lookback."""
        daily = DailyObservations.of(bars, self.series, timedelta(milliseconds=self.step_ms))
        out = np.full((len(bars), self.n_states), np.nan)
        rows = np.flatnonzero(daily.kept)
        if len(rows) < self.window:
            return out
        states = self.regimes.filter_windows(daily.values[rows], self.window)
        latest = np.cumsum(daily.kept) - 1  # of the kept rows, the last one up to each bar
        first = latest - self.window + 1
        known = (first >= 0) & np.isfinite(daily.values).all(axis=1)
        # a window counts only where the day before its first one is known within the lookback
        known[known] &= daily.before[rows[first[known]]] >= np.flatnonzero(known) - self.lookback + 2
        out[known] = states[latest[known]]
        return out


def _columns_of(series: str) -> tuple[str, str]:
    """The columns that are read of a series: its week's return, and its volatility."""
    return f"macro_{series}_r5", f"macro_{series}_vol"


@dataclass(frozen=True, slots=True)
class DailyObservations:
    """Daily observations at each bar: two numbers `values` (n, 2), the `day` (n,) of its close, whether it is `kept`.

    Kept are the first bars of a day whose numbers are known and differ from those of the day before, whose first bar
    is the row `before` (n,); -1 where there is none.
    """

    values: FloatArray
    day: IntArray
    kept: BoolArray
    before: IntArray

    @classmethod
    def of(cls, bars: pl.DataFrame, series: Sequence[tuple[str, int]], interval: timedelta) -> "DailyObservations":
        refuse_several(bars, "a macro supervisor")
        if (np.diff(ts_ms(bars)) <= 0).any():
            validate_bars(bars)
        read = [[outside_values(bars, name) for name in _columns_of(one)] for one, _ in series]
        week = [risk * moved for (moved, _), (_, risk) in zip(read, series, strict=True)]
        wild = [vol for _, vol in read]
        shunned = np.sum(week, axis=0) / np.sqrt(len(series))
        values = np.column_stack([shunned, np.mean(wild, axis=0)])
        day = (ts_ms(bars) + interval_ms(interval)) // DAY_MS
        starts = np.flatnonzero(np.diff(day) != 0) + 1
        before = np.full(len(day), -1)
        before[starts[1:]] = starts[:-1]
        kept = np.zeros(len(day), bool)
        later = starts[1:]
        kept[later] = np.isfinite(values[later]).all(axis=1) & (values[later] != values[starts[:-1]]).any(axis=1)
        return cls(values, day, kept, before)
