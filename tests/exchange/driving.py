"""Keeps an exchange going on an asyncio loop: wakes it when something is due."""

import asyncio

from tests.exchange.model import Exchange


class Driver:
    """Call `arm` after anything that may have put something on the agenda; timers cost nothing until they are due."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self._timer: asyncio.TimerHandle | None = None
        self._at_ms: int | None = None

    def arm(self) -> None:
        due = self.exchange.agenda.next_ms()
        if due is None or (self._timer is not None and self._at_ms is not None and self._at_ms <= due):
            return
        self.stop()
        wait_s = max(0, due - self.exchange.agenda.clock.now_ms()) / 1_000
        self._timer, self._at_ms = asyncio.get_running_loop().call_later(wait_s, self._wake), due

    def _wake(self) -> None:
        self._timer = None
        self.exchange.advance()
        self.arm()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
