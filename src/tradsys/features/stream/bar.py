"""One closed bar as it comes from a venue, and what is refused of it."""

import math
from collections.abc import Mapping
from typing import NamedTuple

from tradsys.core.errors import DataError
from tradsys.core.time import stamp


class Bar(NamedTuple):
    """A closed bar: `ts` is its open in milliseconds since 1970, UTC; `outside` its columns from outside, by name."""

    ts: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    outside: Mapping[str, float] = {}


def check_bar(bar: Bar) -> None:
    """A DataError for a bar that cannot be."""
    _, open_, high, low, close, volume, _ = bar
    is_possible = 0.0 < low <= open_ <= high and low <= close <= high and high < math.inf
    if not (is_possible and 0.0 <= volume < math.inf):
        raise DataError(
            f"wanted finite prices 0 < low <= open, close <= high and a volume of at least 0, found open {open_}, "
            f"high {high}, low {low}, close {close}, volume {volume} at {stamp(bar.ts)}; ask the venue for it again"
        )


def check_order(ts: int, last_ts: int, step_ms: int, *, after_gap: bool) -> None:
    """A DataError for a bar that is not the next one: repeated, out of order, off the grid, or after a gap."""
    passed = ts - last_ts
    if passed == step_ms:
        return
    if passed <= 0:
        raise DataError(
            f"bars come in order, each once; wanted the bar of {stamp(last_ts + step_ms)}, found that of {stamp(ts)} "
            f"again or too late, after {stamp(last_ts)}; drop it"
        )
    if passed % step_ms:
        raise DataError(
            f"wanted the bar of {stamp(last_ts + step_ms)}, found one of {stamp(ts)}, off the grid of "
            f"{step_ms / 1e3:g} s; only closed bars of this interval belong here"
        )
    if not after_gap:
        raise DataError(
            f"wanted the bar of {stamp(last_ts + step_ms)}, found that of {stamp(ts)}: {passed // step_ms - 1} bars "
            "are missing; load them and step through each, or say after_gap=True if the venue has none"
        )
