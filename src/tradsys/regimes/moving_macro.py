"""The macro supervisor bar by bar: its states move on at the first close of a UTC day, and stay until the next."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import NamedTuple

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray
from tradsys.core.errors import DataError, NotEnoughBars
from tradsys.core.time import DAY_MS, stamp
from tradsys.regimes.macro import DailyObservations, FittedMacroFilter


class _Session(NamedTuple):
    """A day's first bar whose numbers were new: its values (2,), and the row in which the day before it began."""

    values: tuple[float, float]
    before: int


@dataclass(frozen=True, slots=True)
class MovingMacro:
    """What the filter knows at the last bar, to go on from; rows are counted from the first bar of the history.

    `sessions` are the last `window` ones at most, `day` and `begun` the last bar's day and the row and values of that
    day's first bar, None where no day has begun yet. `states` (n_states,) are as in the last row of `filter`.
    """

    macro: FittedMacroFilter
    row: int
    day: int
    begun: tuple[int, tuple[float, float]] | None
    sessions: tuple[_Session, ...]
    latest: FloatArray
    states: FloatArray

    @classmethod
    def of(cls, macro: FittedMacroFilter, history: pl.DataFrame) -> "MovingMacro":
        """At the last bar of one symbol's history, of which the filter's lookback is needed."""
        if len(history) < macro.lookback:
            raise NotEnoughBars(
                f"a supervisor needs {macro.lookback} bars with the columns of other markets, found {len(history)}; "
                "load earlier history first"
            )
        daily = DailyObservations.of(history, macro.series, timedelta(milliseconds=macro.step_ms))
        starts = np.flatnonzero(np.diff(daily.day) != 0) + 1
        kept = np.flatnonzero(daily.kept)[-macro.window :]
        sessions = tuple(_Session(_pair(daily.values[row]), int(daily.before[row])) for row in kept)
        last = int(starts[-1]) if len(starts) else None
        begun = None if last is None else (last, _pair(daily.values[last]))
        at = cls(macro, len(history) - 1, int(daily.day[-1]), begun, sessions, *_nothing(macro))
        return at._filtered()._told(_pair(daily.values[-1]))

    def after(self, ts: int, outside: Mapping[str, float]) -> "MovingMacro":
        """After the bar that opened at `ts` (ms), whose columns from outside were known at its close."""
        values, day = self._values(ts, outside), (ts + self.macro.step_ms) // DAY_MS
        moved = replace(self, row=self.row + 1, day=day)
        if day == self.day:
            return moved._told(values)
        is_new = self.begun is not None and values != self.begun[1] and bool(np.isfinite(values).all())
        begun = replace(moved, begun=(moved.row, values))
        if self.begun is None or not is_new:
            return begun._told(values)
        sessions = (*self.sessions, _Session(values, self.begun[0]))[-self.macro.window :]
        return replace(begun, sessions=sessions)._filtered()._told(values)

    def _values(self, ts: int, outside: Mapping[str, float]) -> tuple[float, float]:
        """The two numbers of a bar; a DataError where a column is not given at all."""
        if missing := [name for name in self.macro.needs if name not in outside]:
            raise DataError(
                f"wanted the columns of other markets that the supervisor watches, found no {', '.join(missing)} with "
                f"the bar of {stamp(ts)}; give them, NaN where nothing is known"
            )
        week = [risk * outside[f"macro_{name}_r5"] for name, risk in self.macro.series]
        wild = [outside[f"macro_{name}_vol"] for name, _ in self.macro.series]
        shunned = np.sum(week, axis=0) / np.sqrt(len(self.macro.series))
        return float(shunned), float(np.mean(wild, axis=0))

    def _filtered(self) -> "MovingMacro":
        """With the states after the last session, which hold until the next."""
        if len(self.sessions) < self.macro.window:
            return self
        X = np.array([one.values for one in self.sessions])
        return replace(self, latest=self.macro.regimes.filter_windows(X, self.macro.window)[-1])

    def _told(self, values: tuple[float, float]) -> "MovingMacro":
        """With what may be said at this bar: nothing where it knows nothing, or where sessions lie too far back."""
        is_whole = len(self.sessions) == self.macro.window
        is_near = is_whole and self.sessions[0].before >= self.row - self.macro.lookback + 2
        return replace(self, states=self.latest if is_near and np.isfinite(values).all() else _nothing(self.macro)[0])


def _pair(values: FloatArray) -> tuple[float, float]:
    return float(values[0]), float(values[1])


def _nothing(macro: FittedMacroFilter) -> tuple[FloatArray, FloatArray]:
    return np.full(macro.n_states, np.nan), np.full(macro.n_states, np.nan)
