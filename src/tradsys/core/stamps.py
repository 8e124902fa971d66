"""Bars stamped with their close, as 23:59:59.999: no open, and a whole bar of look-ahead where it is taken as one."""

from dataclasses import dataclass, replace
from math import gcd

import numpy as np

from tradsys.core.arrays import BoolArray, IntArray
from tradsys.core.time import HOUR_MS

_MINUTE_MS, _QUARTER_MS = 60_000, 900_000
_WRITTEN = ((1, _QUARTER_MS), (1_000, _QUARTER_MS), (_MINUTE_MS, HOUR_MS), (_MINUTE_MS, _QUARTER_MS))
"""How long before its close a bar is stamped, ms, and what the closes are whole numbers of. Zones lie quarters of an
hour apart; a minute before a quarter that is no hour may be either.
"""
_CERTAIN = 4
"""Of this many places between two closes or more, the last is no accident."""


@dataclass(frozen=True, slots=True)
class ClosingStamps:
    """Stamps that lie `before_ms` before the bars' closes, which rows carry one, and whether that is sure."""

    before_ms: int
    rows: BoolArray
    is_certain: bool

    def opens(self, ts: IntArray, step_ms: int) -> IntArray:
        """The opens of bars of `step_ms` that were stamped so."""
        return ts + self.before_ms - step_ms


def closing_stamps(ts: IntArray, step_ms: int) -> ClosingStamps | None:
    """How times (n_bars,), ms, of bars of `step_ms` are stamped with closes; None where most are no such stamps.

    >>> closing_stamps(np.array([1, 2, 3]) * 86_400_000 - 1, 86_400_000).before_ms
    1
    """
    if len(ts) > 1 and (ts % step_ms == ts[0] % step_ms).all():  # one bar stands for all, which is quicker
        first = closing_stamps(ts[:1], step_ms)
        return first and replace(first, rows=np.ones(len(ts), dtype=bool))
    for before, whole in _WRITTEN:
        unit = gcd(step_ms, whole)
        if unit < 2 * before:
            continue  # a stamp that is on the grid tells nothing
        rows = ts % unit == unit - before
        if 2 * np.count_nonzero(rows) > len(ts):
            is_certain = unit >= _CERTAIN * before and (before < _MINUTE_MS or whole == HOUR_MS)
            return ClosingStamps(before, rows, is_certain)
    return _in_the_last_minute(ts, gcd(step_ms, _QUARTER_MS))


def _in_the_last_minute(ts: IntArray, unit: int) -> ClosingStamps | None:
    """Stamps such as 23:59:58, which no bar opens at: what they mean is anybody's guess."""
    left = unit - ts % unit
    rows = left < _MINUTE_MS
    if unit < _CERTAIN * _MINUTE_MS or 2 * np.count_nonzero(rows) <= len(ts):
        return None
    return ClosingStamps(int(np.median(left[rows])), rows, is_certain=False)
