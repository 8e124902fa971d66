"""An event loop whose time is a tape's: at a multiple of real time, or jumping on as soon as nothing is left to do.

Whatever waits on it, bot, venue and timeouts alike, waits in the tape's time, so that nothing has to know the speed.
"""

import asyncio
import selectors
import time
from collections.abc import Callable, Coroutine
from math import inf
from typing import Any

from tradsys.core.errors import ConfigError

_LONGEST_S = 24 * 3600.0
"""No real wait is longer: a selector takes no longer ones, and asks again."""


class _PlayedTime:
    """Seconds since the tape began; at infinite speed they pass only where somebody waits for them."""

    def __init__(self, speed: float) -> None:
        self.speed = speed
        self._passed, self._began = 0.0, time.monotonic()

    def now(self) -> float:
        return self._passed if self.speed == inf else (time.monotonic() - self._began) * self.speed

    def jump(self, seconds: float) -> None:
        self._passed += seconds


class _PlayedSelector(selectors.DefaultSelector):
    """Waits in played time: a real wait cut by the speed, or none at all where time may jump."""

    def __init__(self, played: _PlayedTime) -> None:
        super().__init__()
        self._played = played

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        if self._played.speed != inf:
            return super().select(min(timeout / self._played.speed, _LONGEST_S))
        if ready := super().select(0):
            return ready
        self._played.jump(timeout)
        return ready


class TapeLoop(asyncio.SelectorEventLoop):
    """A loop that plays at `speed` times real time; infinitely fast, its time jumps to the next timer when idle."""

    def __init__(self, speed: float = inf) -> None:
        if not speed > 0:
            raise ConfigError(f"a tape is played at a positive speed, was {speed}; 3600 plays an hour a second")
        self._played = _PlayedTime(speed)
        super().__init__(_PlayedSelector(self._played))

    def time(self) -> float:
        return self._played.now()


class TapeClock:
    """Wall-clock time of a tape: `start_ms` when its loop's time was 0."""

    def __init__(self, loop: asyncio.AbstractEventLoop, start_ms: int) -> None:
        self._loop, self._start_ms = loop, start_ms

    def now_ms(self) -> int:
        return self._start_ms + round(self._loop.time() * 1_000)


def play[T](main: Callable[[TapeClock], Coroutine[Any, Any, T]], *, start_ms: int, speed: float = inf) -> T:
    """What `main(clock)` returns, run in a tape's time from `start_ms` on; tasks that it leaves are cancelled."""
    with asyncio.Runner(loop_factory=lambda: TapeLoop(speed)) as runner:
        return runner.run(main(TapeClock(runner.get_loop(), start_ms)))
