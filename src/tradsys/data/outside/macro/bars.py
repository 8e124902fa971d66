"""A macro series joined to bars: each bar carries what was out when it closed, and how old that was."""

from bisect import bisect_left
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray
from tradsys.data.outside.align import AVAILABLE, attach

SESSIONS = 60
"""Sessions that say what is usual: a quarter of a year."""

WEEK = 5

CHANGES = ("r1", "r5", "z", "vol")
"""Endings of a series' columns; its age in hours ends in `age_h`."""


def column(series: str, what: str) -> str:
    """Name of a bars' column: `macro_dxy_r5`."""
    return f"macro_{series}_{what}"


def changes(series: str, published: pl.DataFrame) -> pl.DataFrame:
    """A row a publication: `available_at`, and what was known then of the last `SESSIONS` sessions, NaN before.

    `r1`, `r5` are the log returns of the last session and week over the usual deviation of as long a time; `z` is how
    many deviations the last close stands from the sessions' mean log close; `vol` the log of the week's root mean
    square return over the usual one. A late or revised close changes what is known from its own time on. A close of
    zero or less has no logarithm: returns from and to it are NaN, and the others are read without it.
    """
    days: list[date] = []
    logs: list[float] = []
    values = np.full((len(published), len(CHANGES)), np.nan)
    closes = published["close"].to_numpy()
    known = np.log(closes, out=np.full(len(closes), np.nan), where=closes > 0)
    for row, (day, value) in enumerate(zip(published["date"].to_list(), known.tolist(), strict=True)):
        at = bisect_left(days, day)
        if at < len(days) and days[at] == day:
            logs[at] = value
        else:
            days.insert(at, day)
            logs.insert(at, value)
        if len(days) > SESSIONS:
            values[row] = _summary(np.array(logs[-SESSIONS - 1 :]))
    columns = {column(series, what): values[:, k] for k, what in enumerate(CHANGES)}
    return published.select(AVAILABLE).with_columns(**{name: pl.Series(part) for name, part in columns.items()})


def _summary(logs: FloatArray) -> FloatArray:
    """The four numbers of `SESSIONS + 1` log closes; NaN where the series never moved."""
    returns, last = np.diff(logs), logs[1:]
    is_known, has_close = np.isfinite(returns), np.isfinite(last)
    if is_known.sum() < SESSIONS // 2:
        return np.full(len(CHANGES), np.nan)
    usual = float(np.sqrt(np.mean(returns[is_known] ** 2)))
    spread = float(last[has_close].std())
    week = returns[-WEEK:][is_known[-WEEK:]]
    if usual == 0.0 or spread == 0.0 or not len(week):
        return np.full(len(CHANGES), np.nan)
    return np.array(
        [
            returns[-1] / usual,
            (logs[-1] - logs[-1 - WEEK]) / (usual * np.sqrt(WEEK)),
            (logs[-1] - last[has_close].mean()) / spread,
            np.log(max(float(np.sqrt(np.mean(week**2))), 0.05 * usual) / usual),
        ]
    )


AGE: Final = "age_h"

WARM_UP: Final = timedelta(days=2 * SESSIONS + 30)
"""Enough days before the first bar for `SESSIONS` sessions, closures and lag included."""


@dataclass(frozen=True, slots=True)
class MacroSeriesColumns:
    """What one series had done by each `available_at` (`changes`), the same for every symbol."""

    series: str
    changes: pl.DataFrame
    tolerance: timedelta
    origin: str

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(column(self.series, what) for what in (*CHANGES, AGE))

    @property
    def sentence(self) -> str:
        return f"macro {self.origin}"

    def join(self, bars: pl.DataFrame, interval: timedelta) -> pl.DataFrame:
        return attach(
            bars,
            self.changes,
            interval=interval,
            columns=[column(self.series, what) for what in CHANGES],
            tolerance=self.tolerance,
            age=column(self.series, AGE),
        )
