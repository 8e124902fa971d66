"""Gaps in a series of bars: listed and counted, never filled."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from tradsys.core.arrays import IntArray
from tradsys.core.time import from_ms, interval_ms


@dataclass(frozen=True, slots=True)
class Gap:
    """Bars missing between two that are there; `start` and `end` are the opens of the first and last missing bar."""

    start: datetime
    end: datetime
    n_missing: int
    symbol: str = ""

    def __str__(self) -> str:
        of = f" of {self.symbol}" if self.symbol else ""
        noun = "bar" if self.n_missing == 1 else "bars"
        return f"{self.n_missing:,} {noun}{of} missing from {self.start:%Y-%m-%d %H:%M} to {self.end:%Y-%m-%d %H:%M}"


def find_gaps(ts: IntArray, interval: timedelta, symbol: str = "") -> list[Gap]:
    """Every hole in sorted opens, shape (n_bars,), that leaves out at least one bar of `interval`."""
    step = interval_ms(interval)
    missing = np.diff(ts) // step - 1
    return [
        Gap(from_ms(ts[i] + step), from_ms(ts[i] + n * step), n, symbol)
        for i, n in ((int(i), int(missing[i])) for i in np.flatnonzero(missing > 0))
    ]
