"""Keeps an exchange going on an asyncio loop: wakes it when something is due."""

import asyncio

from tests.exchange.model import Exchange


class Driver:
    """Call `arm` after anything that may have put something on the agenda; timers cost nothing until they are due.

    `speed` is how much faster the exchange's time goes than the loop's.
    """

    def __init__(self, exchange: Exchange, *, speed: float = 1.0) -> None:
        self.exchange, self._speed = exchange, speed
        self._timer: asyncio.TimerHandle | None = None
        self._at_ms: int | None = None

    def arm(self) -> None:
        due = self.exchange.agenda.next_ms()
        if due is None or (self._timer is not None and self._at_ms is not None and self._at_ms <= due):
            return
        self.stop()
        wait_s = max(0, due - self.exchange.agenda.clock.now_ms()) / 1_000 / self._speed
        self._timer, self._at_ms = asyncio.get_running_loop().call_later(wait_s, self._wake), due

    def _wake(self) -> None:
        self._timer = None
        self.exchange.advance()
        self.arm()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
