"""What was counted lately and survives restarts: orders of a minute, errors in a row, symbols resting after a loss."""

from collections import deque
from typing import Final

from tradsys.live.risk.remembered import Remembered
from tradsys.live.state import Flags

ORDERS: Final = "risk.orders"
ERRORS: Final = "risk.errors"
COOLDOWN: Final = "risk.cooldown"
WINDOW_MS: Final = 60_000


class OrderRate:
    """Orders sent within the last minute; `keep` puts them on disk, off the way of an order."""

    def __init__(self, flags: Flags) -> None:
        self._remembered = Remembered(flags, ORDERS, may_wait=True)
        self._times: deque[int] = deque(int(sent_ms) for sent_ms in self._remembered.read() or ())

    def add(self, now_ms: int, n_orders: int) -> None:
        """That many left now."""
        self._times.extend([now_ms] * n_orders)

    def count(self, now_ms: int) -> int:
        """How many left within the minute that ends now."""
        while self._times and self._times[0] <= now_ms - WINDOW_MS:
            self._times.popleft()
        return len(self._times)

    def keep(self) -> None:
        """On disk with the next commit."""
        self._remembered.keep(list(self._times))


class ErrorRow:
    """Calls to the venue that failed one after another."""

    def __init__(self, flags: Flags) -> None:
        self._remembered = Remembered(flags, ERRORS)
        self.count = int(self._remembered.read() or 0)

    def add(self) -> None:
        """One more; on disk when this returns."""
        self.count += 1
        self._remembered.keep(self.count)

    def end(self) -> None:
        """One succeeded."""
        if self.count:
            self.count = 0
            self._remembered.keep(0)


class Cooldowns:
    """Symbol to the time at which its rest after a loss ends."""

    def __init__(self, flags: Flags) -> None:
        self._remembered = Remembered(flags, COOLDOWN)
        self.until_ms: dict[str, int] = {name: int(end) for name, end in (self._remembered.read() or {}).items()}

    def rest(self, symbol: str, until_ms: int, now_ms: int) -> None:
        """Rest until then; on disk when this returns."""
        self.until_ms = {name: end for name, end in self.until_ms.items() if end > now_ms} | {symbol: until_ms}
        self._remembered.keep(self.until_ms)
