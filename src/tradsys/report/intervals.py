"""Intervals in words: from where to where, and on which side of zero."""

from collections.abc import Callable
from typing import Literal

from tradsys.report.numbers import is_known, number
from tradsys.runs.section import Number

type SideOfZero = Literal["above", "below", "across"]


def interval_text(low: Number, high: Number, show: Callable[[Number], str] = number) -> str:
    """Both ends, or nothing where one is not known.

    >>> interval_text(-0.5, 2.9), interval_text(0.1, None)
    ('−0.50 to 2.90', '')
    """
    return f"{show(low)} to {show(high)}" if is_known(low) and is_known(high) else ""


def side_of_zero(low: Number, high: Number) -> SideOfZero:
    """Where an interval lies; one that is not known lies across."""
    if not (is_known(low) and is_known(high)):
        return "across"
    return "above" if low > 0 else "below" if high < 0 else "across"
