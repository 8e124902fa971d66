"""How often a venue may be asked: what it said of its limits is kept to, and orders keep the last of the room."""

import asyncio
from dataclasses import dataclass

from tradsys.live.venue import NotSent

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 120.0
"""Where a venue says that it was asked too often and not for how long: this, doubled each time."""
SPREAD_FROM, ORDERS_FROM = 0.6, 0.9
"""Shares of a minute's limit: from the one on questions are spread over what is left of the minute, so that the other
is not reached; beyond that only orders are sent."""
MOST_WAIT_S = 5.0
"""A question that would have to wait for longer fails at once: who asks has his own cycle."""


@dataclass(slots=True)
class Restraint:
    """Until when nothing is sent, and how much of the minute's limit is used; times are the loop's."""

    venue: str
    silent_until: float = 0.0
    _n_in_a_row: int = 0
    _used: float = 0.0
    _minute_ends: float = 0.0
    _next_question: float = 0.0

    def check(self) -> None:
        """Raise VenueUnknown at once while nothing may be sent."""
        now = asyncio.get_running_loop().time()
        if now < self.silent_until:
            raise self._not_sent("no requests", self.silent_until - now)

    async def question(self, share: float) -> None:
        """Wait for the turn of a question that takes such a share of the minute's limit."""
        now = asyncio.get_running_loop().time()
        used = self.used_share()
        if share <= 0 or used < SPREAD_FROM:
            return
        left_s = self._minute_ends - now
        room = ORDERS_FROM - used
        turn = max(now, self._next_question) + (share * left_s / room if room > share else left_s)
        if turn - now > MOST_WAIT_S:
            raise self._not_sent("nothing but orders", min(turn - now, left_s))
        self._next_question = turn
        await asyncio.sleep(turn - now)

    def used_share(self) -> float:
        """How much of the running minute's limit is used, as far as is known."""
        return self._used if asyncio.get_running_loop().time() < self._minute_ends else 0.0

    def used(self, share: float, left_s: float) -> None:
        """The venue told how much is used of a minute that goes on for so long."""
        self._used, self._minute_ends = share, asyncio.get_running_loop().time() + left_s

    def too_often(self, wait_s: float | None, least_s: float) -> float:
        """The venue said that it was asked too often: how long it is left alone now."""
        now = asyncio.get_running_loop().time()
        if now >= self.silent_until:  # answers to requests that left together count once
            self._n_in_a_row += 1
        guess = min(FIRST_WAIT_S * 2.0 ** (self._n_in_a_row - 1), LONGEST_WAIT_S)
        wait_s = max(guess if wait_s is None else wait_s, least_s)
        self.silent_until = max(self.silent_until, now + wait_s)
        return wait_s

    def answered(self) -> None:
        """It answers again."""
        self._n_in_a_row = 0

    def _not_sent(self, what: str, wait_s: float) -> NotSent:
        return NotSent(f"{self.venue} is to be sent {what} for another {wait_s:.1f} s; nothing was sent", wait_s)
