"""Time that goes faster than the world's, or stands elsewhere: one for an exchange and for the bot that trades on it.

Both take it from the machine's clock and the same three numbers, so that they agree without speaking to each other: at
60 times the speed a bar of a minute closes every second, and waits of a minute take one.
`python -m tests.exchange.scaled SCALE ARGS` is `tradsys ARGS` in such a time; the server prints its SCALE.
"""

import asyncio
import selectors
import sys
import time
from dataclasses import dataclass


def real_ms() -> float:
    return time.time_ns() / 1e6


@dataclass(frozen=True, slots=True)
class Scale:
    """A clock that showed `shown_ms` at the real time `real_ms`, and goes `speed` times as fast.

    >>> Scale.read("60:1000:500000").at(2000.0)
    560000
    """

    speed: float = 1.0
    real_ms: float = 0.0
    shown_ms: float = 0.0

    @staticmethod
    def read(text: str) -> "Scale":
        speed, real, shown = (float(part) for part in text.split(":"))
        return Scale(speed, real, shown)

    def __str__(self) -> str:
        return f"{self.speed:g}:{self.real_ms:.0f}:{self.shown_ms:.0f}"

    def at(self, real: float) -> int:
        return int(self.shown_ms + (real - self.real_ms) * self.speed)

    def now_ms(self) -> int:
        return self.at(real_ms())


class _Sooner(selectors.DefaultSelector):
    """Waits for sockets the shorter, the faster time goes."""

    speed = 1.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(timeout / self.speed if timeout else timeout)


class ScaledLoop(asyncio.SelectorEventLoop):
    """An asyncio loop whose waits are in the faster time; sockets are real ones."""

    def __init__(self, speed: float) -> None:
        selector = _Sooner()
        selector.speed = self._speed = speed
        super().__init__(selector)

    def time(self) -> float:
        return super().time() * self._speed


class _ScaledPolicy(asyncio.DefaultEventLoopPolicy):
    def __init__(self, speed: float) -> None:
        super().__init__()
        self._speed = speed

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        return ScaledLoop(self._speed)


def enter(scale: Scale) -> None:
    """From here on this process's bot lives in that time: its clock, and every wait of a new event loop."""
    from tradsys.live.clock import SystemClock

    def now_ms(self: SystemClock) -> int:
        return scale.now_ms() + self.ahead_ms

    SystemClock.now_ms = now_ms  # type: ignore[method-assign]
    asyncio.set_event_loop_policy(_ScaledPolicy(scale.speed))


if __name__ == "__main__":
    from tradsys.__main__ import main

    enter(Scale.read(sys.argv[1]))
    sys.argv = ["tradsys", *sys.argv[2:]]
    sys.exit(main())
