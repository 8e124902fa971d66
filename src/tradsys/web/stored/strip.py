"""A series as a strip over time: what is there, and where it is not."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from tradsys.report.numbers import minute

LEAST: Final = 0.15
"""Percent of the strip that the shortest gap takes, to be seen."""


@dataclass(frozen=True, slots=True)
class GapStrip:
    """Gaps by place and width in percent, joined where they would touch, and years by place."""

    gaps: tuple[tuple[float, float, str], ...]
    years: tuple[tuple[float, str], ...]


def gap_strip(first_ms: int, last_ms: int, gaps: Sequence[tuple[int, int, int]]) -> GapStrip:
    """The strip from the first row to the last."""
    span = max(1, last_ms - first_ms)

    def place(ms: int) -> float:
        return 100 * min(1.0, max(0.0, (ms - first_ms) / span))

    joined: list[list[float]] = []
    for start, end, n in sorted(gaps):
        left = min(place(start), 100 - LEAST)
        right = max(place(end), left + LEAST)
        if joined and left <= joined[-1][1] + LEAST / 2:
            joined[-1][1:5] = [max(right, joined[-1][1]), joined[-1][2] + 1, joined[-1][3] + n, end]
        else:
            joined.append([left, right, 1, n, end, start])
    return GapStrip(tuple(_told(*one) for one in joined), tuple(_years(first_ms, last_ms, place)))


def _told(left: float, right: float, n_gaps: float, n: float, end: float, start: float) -> tuple[float, float, str]:
    words = f"{n:,.0f} missing from {minute(start)} to {minute(end)}"
    return round(left, 3), round(right - left, 3), words if n_gaps == 1 else f"{n_gaps:,.0f} gaps: {words}"


def _years(first_ms: int, last_ms: int, place: Callable[[int], float]) -> list[tuple[float, str]]:
    first, last = (datetime.fromtimestamp(ms / 1_000, UTC).year for ms in (first_ms, last_ms))
    starts = {year: round(datetime(year, 1, 1, tzinfo=UTC).timestamp() * 1_000) for year in range(first + 1, last + 1)}
    every = 1 + len(starts) // 12
    return [(round(place(ms), 2), str(year)) for k, (year, ms) in enumerate(starts.items()) if k % every == 0]
