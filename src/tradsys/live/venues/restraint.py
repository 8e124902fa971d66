"""How often a venue may be asked: what it said of its limits is kept to, and orders keep the last of the room."""

import asyncio
from dataclasses import dataclass

from tradsys.live.venue import VenueUnknown

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 120.0
"""Where a venue says that it was asked too often and not for how long: this, doubled each time."""


@dataclass(slots=True)
class Restraint:
    """Until when nothing is sent, and until when nothing but orders; times are the loop's."""

    venue: str
    silent_until: float = 0.0
    orders_only_until: float = 0.0
    _n_in_a_row: int = 0

    def check(self, *, is_order: bool) -> None:
        """Raise VenueUnknown at once, rather than wait, while nothing may be sent: who asks has his own cycle."""
        now = asyncio.get_running_loop().time()
        until = self.silent_until if is_order else max(self.silent_until, self.orders_only_until)
        if now < until:
            what = "no requests" if now < self.silent_until else "nothing but orders"
            raise VenueUnknown(f"{self.venue} is to be sent {what} for another {until - now:.1f} s; nothing was sent")

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
        self._n_in_a_row = 0

    def keep_for_orders(self, wait_s: float) -> None:
        """The limit is nearly reached: for that long only orders are sent."""
        until = asyncio.get_running_loop().time() + wait_s
        self.orders_only_until = max(self.orders_only_until, until)
