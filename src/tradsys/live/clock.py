"""The one object that asks what time it is; tests put another in its place. Waits are asyncio's, on the loop's time."""

import time
from typing import Final, Protocol

_SINCE_BOOT: Final[int | None] = getattr(time, "CLOCK_BOOTTIME", None)
"""Only Linux has it."""


class Clock(Protocol):
    """Wall-clock time in whole milliseconds since 1970, UTC."""

    def now_ms(self) -> int: ...


class SystemClock:
    """This machine's time, set right by what a venue's clock was ahead of it when it was last measured.

    It goes on from when it was made, whatever is done to the machine's clock: one that is set back would keep a
    position from its stop or a trade from its deadline, one that is set forward would end trades.
    """

    def __init__(self, ahead_ms: int = 0) -> None:
        self.ahead_ms = ahead_ms
        self._began_ns = time.time_ns() - _passed_ns()

    def now_ms(self) -> int:
        return (self._began_ns + _passed_ns()) // 1_000_000 + self.ahead_ms


def _passed_ns() -> int:
    """Nanoseconds since some moment, those among them in which the machine slept."""
    if _SINCE_BOOT is None:
        return time.monotonic_ns()
    return time.clock_gettime_ns(_SINCE_BOOT)
