"""The one object that asks what time it is; tests put another in its place. Waits are asyncio's, on the loop's time."""

import time
from typing import Protocol


class Clock(Protocol):
    """Wall-clock time in whole milliseconds since 1970, UTC."""

    def now_ms(self) -> int: ...


class SystemClock:
    """This machine's clock, set right by what a venue's clock was ahead of it when it was last measured."""

    def __init__(self, ahead_ms: int = 0) -> None:
        self.ahead_ms = ahead_ms

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000 + self.ahead_ms
