"""Bars whose interval changes on the way: stretches whose neighbours are another constant step apart."""

from dataclasses import dataclass

import numpy as np

from tradsys.core.arrays import IntArray
from tradsys.core.time import DAY_MS

MIN_RUN = 3
"""Equal steps in a row, other than the commonest, that may be another interval; fewer are gaps."""
MIN_SHARE = 0.5
"""Share of the steps of one length that stand in such runs. Holes of an illiquid market stay far below it: even where a
third of all bars is missing, a seventh of the gaps of one bar have two equal ones beside them.
"""
_CALENDAR = ((28, 31, 30), (90, 92, 91), (365, 366, 365))
"""Months, quarters and years: from so many days to so many, and the days that stand for them all."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rows `first` to `last` of sorted opens, each `step_ms` (30 days for a month) before the next one."""

    first: int
    last: int
    step_ms: int


def other_intervals(ts: IntArray, step_ms: int) -> list[Stretch]:
    """Stretches of sorted, unique opens, shape (n_bars,), that are bars of another interval than `step_ms`.

    A gap is a single step that is too long, and no change; shorter steps count where they go on for more than a bar.

    >>> hours = 3_600_000 * np.array([0, 24, 48, 72, 73, 74, 75, 76, 80, 81])
    >>> other_intervals(hours, 3_600_000)
    [Stretch(first=0, last=2, step_ms=86400000)]
    """
    steps = np.diff(ts)
    if (steps == step_ms).all():
        return []
    for shortest, longest, usual in _CALENDAR:
        if step_ms < shortest * DAY_MS:
            steps[(steps >= shortest * DAY_MS) & (steps <= longest * DAY_MS)] = usual * DAY_MS
    begins = np.flatnonzero(np.concatenate([[True], np.diff(steps) != 0]))
    lengths = np.diff(np.append(begins, len(steps)))
    values = steps[begins]
    enough = MIN_RUN if (values == step_ms).any() else 2  # a symbol that has no bar of the interval at all
    is_long = (lengths >= enough) & (values != step_ms) & ((values > step_ms) | (lengths * values > step_ms))
    found = []
    for value in np.unique(values[is_long]):
        same = values == value
        if lengths[same & is_long].sum() >= MIN_SHARE * lengths[same].sum():
            found += [_stretch(begins[i], lengths[i], value, len(ts)) for i in np.flatnonzero(same & is_long)]
    return sorted(found, key=lambda stretch: stretch.first)


def _stretch(begin: int, length: int, value: int, n_bars: int) -> Stretch:
    """The last bar of all has no next one, and belongs to the stretch that ends with it."""
    end = int(begin + length)
    return Stretch(int(begin), end if end == n_bars - 1 else end - 1, int(value))
