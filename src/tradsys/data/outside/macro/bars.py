"""A macro series joined to bars: each bar carries what was out when it closed, and how old that was."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import polars as pl

from tradsys.data.outside.align import attach
from tradsys.data.outside.macro.changes import CHANGES, SESSIONS, column

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
        """`macro_<series>_r1, _r5, _z, _vol, _age_h`."""
        return tuple(column(self.series, what) for what in (*CHANGES, AGE))

    @property
    def sentence(self) -> str:
        """Where the closes came from."""
        return f"macro {self.origin}"

    def join(self, bars: pl.DataFrame, interval: timedelta) -> pl.DataFrame:
        """The bars with what the series had done; NaN where nothing was out yet or the last is beyond the tolerance."""
        return attach(
            bars,
            self.changes,
            interval=interval,
            columns=[column(self.series, what) for what in CHANGES],
            tolerance=self.tolerance,
            age=column(self.series, AGE),
        )
