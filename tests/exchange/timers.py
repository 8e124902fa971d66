"""Things that are due at a time: the exchange's own agenda, worked off whenever its clock is read."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Protocol


class ReadsTime(Protocol):
    """Where the time comes from; a LoopClock, a SystemClock, or a test's own."""

    def now_ms(self) -> int: ...


@dataclass(slots=True)
class HandClock:
    """A clock that a test sets by hand."""

    ms: int = 1_700_000_000_000

    def now_ms(self) -> int:
        return self.ms


@dataclass(slots=True)
class Agenda:
    """Acts in the order of their times, those of one time in the order in which they were put."""

    clock: ReadsTime
    time_ms: int = 0
    _due: list[tuple[int, int, Callable[[], None]]] = field(default_factory=list)
    _order: "count[int]" = field(default_factory=count)

    def __post_init__(self) -> None:
        self.time_ms = self.clock.now_ms()

    def at(self, due_ms: int, act: Callable[[], None]) -> None:
        heapq.heappush(self._due, (due_ms, next(self._order), act))

    def after(self, wait_ms: float, act: Callable[[], None]) -> None:
        self.at(self.time_ms + round(wait_ms), act)

    def next_ms(self) -> int | None:
        """When something is due next."""
        return self._due[0][0] if self._due else None

    def advance(self) -> int:
        """Do what is due by now, each at its own time, and return what the clock says.

        A clock that was set back shows less than `time_ms`, which stands until it has caught up.
        """
        now = self.clock.now_ms()
        while self._due and self._due[0][0] <= now:
            due, _, act = heapq.heappop(self._due)
            self.time_ms = max(self.time_ms, due)
            act()
        self.time_ms = max(self.time_ms, now)
        return now
