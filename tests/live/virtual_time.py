"""An asyncio loop on virtual time: waits cost nothing, and equal seeds give equal orders of events."""

import asyncio
import heapq
import selectors
from collections.abc import Awaitable, Callable
from typing import Any


class _Unasked(selectors.DefaultSelector):
    """Asks the system for sockets only where there is nothing else to do: each question costs more than most steps."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(None) if timeout is None else []


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Jumps to the next timer where nothing is ready; nothing may wait for a real socket on it."""

    def __init__(self, start_s: float = 0.0) -> None:
        self._now = start_s
        super().__init__(_Unasked())
        self._clock_resolution = 1e-9

    def time(self) -> float:
        return self._now

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:
            while self._scheduled and self._scheduled[0]._cancelled:
                timer = heapq.heappop(self._scheduled)
                timer._scheduled = False
                self._timer_cancelled_count = max(0, self._timer_cancelled_count - 1)
            if self._scheduled:
                self._now = max(self._now, self._scheduled[0]._when)
        super()._run_once()


class LoopClock:
    """Wall-clock time that is the loop's: `epoch_ms` at the loop's second 0."""

    def __init__(self, loop: asyncio.AbstractEventLoop, epoch_ms: int = 1_700_000_000_000) -> None:
        self._loop, self._epoch_ms = loop, epoch_ms

    def now_ms(self) -> int:
        return self._epoch_ms + round(self._loop.time() * 1_000)


def run_virtual[T](main: Callable[[LoopClock], Awaitable[T]], *, epoch_ms: int = 1_700_000_000_000) -> T:
    """What `main(clock)` returns, run on virtual time; tasks that it leaves behind are cancelled."""
    loop = VirtualTimeLoop()
    try:
        return loop.run_until_complete(_coroutine(main(LoopClock(loop, epoch_ms))))
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.wait(left))
        loop.close()


async def _coroutine(awaitable: Awaitable[Any]) -> Any:
    return await awaitable
