"""How far this machine's clock is off the venue's: measured, told, set right, or a reason to enter nothing."""

import asyncio
from typing import Final

from tradsys.live.clock import Clock, SystemClock
from tradsys.live.telling import Tell
from tradsys.live.venue import MarketData, VenueUnknown

MAX_DOUBT_MS: Final = 1_000.0
"""Half the round trip at most: a worse connection does not tell the time."""

MAX_JUMP_MS: Final = 1_000.0
"""Quartz drifts by milliseconds an hour; a clock that moved more since it was set right cannot be trusted just now."""


NOTABLE_MS: Final = 50.0
"""Corrections below this are not told."""


class ServerClock:
    """The offset between a clock and the venue's server time, from the quickest of several round trips.

    `problem` is why nothing may be entered, None where the time is known. A clock that was found off is set right where
    it can be (`SystemClock.ahead_ms`); one that jumped since then costs one close.
    """

    def __init__(self, data: MarketData, clock: Clock, *, tell: Tell, n_asked: int = 3) -> None:
        self._data, self._clock, self._tell, self._n_asked = data, clock, tell, n_asked
        self.problem: str | None = "the venue's clock was not measured yet"
        self.doubt_ms = float("inf")
        self._is_set = False

    async def measure(self) -> None:
        """Ask for the venue's time, and set `problem`, `doubt_ms` and the clock accordingly."""
        found, why, before = [], "", self.problem
        self.problem = "the venue's clock could not be measured in time"
        for _ in range(self._n_asked):
            try:
                found.append(await self._ask())
            except VenueUnknown as error:
                why = str(error)
        if not found:
            self._refuse(f"the venue's clock could not be measured: {why}")
            return
        self.doubt_ms, ahead_ms = min(found)
        if self.doubt_ms > MAX_DOUBT_MS:
            self._refuse(f"the venue's clock is known to {self.doubt_ms:.0f} ms only, {MAX_DOUBT_MS:.0f} are needed")
            return
        has_jumped = abs(ahead_ms) > MAX_JUMP_MS and self._is_set
        is_right = self._set_right(ahead_ms)
        self._is_set = True
        if has_jumped or not is_right:
            self._refuse(f"this machine's clock is {-ahead_ms:+.0f} ms off the venue's")
            return
        self.problem = None
        if before or abs(ahead_ms) > NOTABLE_MS:
            self._tell("state", {"what": "clock", "moved_ms": round(ahead_ms), "doubt_ms": round(self.doubt_ms, 1)})

    async def _ask(self) -> tuple[float, float]:
        """Half the round trip, and how far the venue is ahead."""
        loop = asyncio.get_running_loop()
        began, sent_ms = loop.time(), self._clock.now_ms()
        server_ms = await self._data.server_time_ms()
        half_ms = (loop.time() - began) * 1_000 / 2
        return half_ms, server_ms - (sent_ms + half_ms)

    def _set_right(self, ahead_ms: float) -> bool:
        """Whether the clock says the venue's time now, near enough."""
        if isinstance(self._clock, SystemClock):
            self._clock.ahead_ms += round(ahead_ms)
            return True
        return abs(ahead_ms) <= MAX_JUMP_MS

    def _refuse(self, why: str) -> None:
        self.problem = why
        self._tell("error", {"what": "clock", "reason": why})
