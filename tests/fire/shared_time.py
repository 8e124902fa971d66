"""One time for several processes that goes on only while all of them wait: on a busy machine nobody comes too late.

Each process runs an asyncio loop whose selector says what it waits for. Once nobody has anything to do, the time jumps
to what is due first. What the bot's processor takes is added, so that work takes time and waiting for a processor none.
"""

import asyncio
import fcntl
import math
import mmap
import os
import select
import selectors
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

EXCHANGE, BOT, RUNNER = range(3)
"""Who takes part."""

ABSENT, BUSY, IDLE = range(3)
NEVER: Final = 2**62
NOW, VERSION, WORDS = 0, 1, 3
"""Places in the shared memory: the time in ns, how often anybody came to rest, and three words for each who takes part:
what he is at, the version that he has seen while idle, and when he wants to go on."""

LEAST_NS: Final = 1_000
"""A wait is at least so long, or rounding could let the time stand."""


ALONE_S: Final = 10.0
"""How often a process that waits sees in the world's time whether its parent is still there."""


class SharedTime:
    """Made before the processes are forked; `began_ms` is what its clock shows at first."""

    def __init__(self, began_ms: int) -> None:
        self.began_ms = began_ms
        self._words = memoryview(mmap.mmap(-1, 4_096)).cast("q")
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  # locks of it end with the process that has them
        self._pipes = [os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC) for _ in range(3)]

    def now_ms(self) -> int:
        return self.began_ms + self._words[NOW] // 1_000_000

    def now_ns(self) -> int:
        """Since it began."""
        return self._words[NOW]

    def wake_of(self, who: int) -> int:
        """What becomes readable when somebody is to look again."""
        return self._pipes[who][0]

    def join(self, who: int) -> None:
        """From now on the time waits for him."""
        with self._locked():
            self._set(who, BUSY)

    busy = join

    def leave(self, who: int) -> None:
        """He is gone: nobody waits for him any more."""
        with self._locked():
            self._set(who, ABSENT)
            self._words[VERSION] += 1
        self.heard(who)
        self._nudge()

    def rest(self, who: int, due_ns: int) -> None:
        """He has nothing to do until then; what he has done may be work for others, who look again."""
        with self._locked():
            self._words[VERSION] += 1
            at = self._at(who)
            self._words[at + 1], self._words[at + 2] = self._words[VERSION], due_ns
            self._set(who, IDLE)
            self._go_on()
        self._nudge()

    def still_rests(self, who: int) -> None:
        """He has looked again, and there is nothing."""
        with self._locked():
            self._words[self._at(who) + 1] = self._words[VERSION]
            self._go_on()

    def is_due(self, who: int) -> bool:
        return self._words[self._at(who) + 2] <= self._words[NOW]

    def add(self, ns: int) -> None:
        """Work has taken so long."""
        with self._locked():
            self._words[NOW] += ns

    def heard(self, who: int) -> None:
        """Take away what woke him."""
        with suppress(BlockingIOError):
            while len(os.read(self._pipes[who][0], 4_096)) == 4_096:
                pass

    def wait(self, until_ms: float, is_over: Callable[[], bool], *, every_s: float = 0.004) -> None:
        """As the runner: let the time go on until then, or until something has happened that is looked for."""
        due_ns = round((until_ms - self.began_ms) * 1e6)
        self.rest(RUNNER, due_ns)
        while not self.is_due(RUNNER) and not is_over():
            select.select([self.wake_of(RUNNER)], [], [], every_s)
            self.heard(RUNNER)
            self.still_rests(RUNNER)
        self.busy(RUNNER)

    def _go_on(self) -> None:
        """Jump to what is due first, if everybody rests and has seen that all the others do."""
        there = [who for who in range(3) if self._words[self._at(who)] != ABSENT]
        for who in there:
            at = self._at(who)
            if self._words[at] == BUSY or self._is_behind(who):
                return
        due_ns = min((self._words[self._at(who) + 2] for who in there), default=NEVER)
        if due_ns < NEVER:
            self._words[NOW] = max(self._words[NOW], due_ns)
            for who in there:
                if self.is_due(who):
                    self._wake(who)

    def _nudge(self) -> None:
        for who in range(3):
            at = self._at(who)
            if self._words[at] == IDLE and self._is_behind(who):
                self._wake(who)

    def _is_behind(self, who: int) -> bool:
        """Whether there may be work for him that he has not seen; nobody has any for the runner."""
        return who != RUNNER and self._words[self._at(who) + 1] != self._words[VERSION]

    def _wake(self, who: int) -> None:
        with suppress(BlockingIOError):
            os.write(self._pipes[who][1], b".")

    def _at(self, who: int) -> int:
        return 2 + WORDS * who

    def _set(self, who: int, what: int) -> None:
        self._words[self._at(who)] = what

    @contextmanager
    def _locked(self) -> Iterator[None]:
        fcntl.lockf(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN)


class _Resting(selectors.DefaultSelector):
    """Sockets are real ones; waits are for the shared time. While a thread works, the process is not at rest."""

    def __init__(self, shared: SharedTime, who: int) -> None:
        super().__init__()
        self.shared, self.who, self.n_threads = shared, who, 0
        self._worked_ns, self._parent = time.process_time_ns(), os.getppid()
        self.register(shared.wake_of(who), selectors.EVENT_READ)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        shared, who = self.shared, self.who
        if who == BOT:
            worked_ns, self._worked_ns = self._worked_ns, time.process_time_ns()
            shared.add(self._worked_ns - worked_ns)
        ready = self._ready(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        while self.n_threads:
            if ready := self._ready(None):
                return ready
        due_ns = NEVER if timeout is None else shared.now_ns() + max(LEAST_NS, math.ceil(timeout * 1e9))
        shared.rest(who, due_ns)
        while not (ready := self._ready(None)) and not shared.is_due(who):
            shared.still_rests(who)
        shared.busy(who)
        return ready

    def _ready(self, timeout: float | None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(ALONE_S if timeout is None else timeout)
        if not found and os.getppid() != self._parent:
            os._exit(1)  # whoever began this is gone, and no time will ever go on
        wake = self.shared.wake_of(self.who)
        if any(key.fd == wake for key, _ in found):
            self.shared.heard(self.who)
        return [(key, events) for key, events in found if key.fd != wake]


class SharedLoop(asyncio.SelectorEventLoop):
    """An asyncio loop in the shared time."""

    def __init__(self, shared: SharedTime, who: int) -> None:
        self._shared, self._resting = shared, _Resting(shared, who)
        super().__init__(self._resting)

    def time(self) -> float:
        return self._shared.now_ns() / 1e9

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:
        self._resting.n_threads += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._has_ended)
        return future

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        self._resting.n_threads += 1
        try:
            await super().shutdown_default_executor(timeout)
        finally:
            self._resting.n_threads -= 1

    def _has_ended(self, _: Any) -> None:
        self._resting.n_threads -= 1


def enter(shared: SharedTime, who: int) -> Callable[[], SharedLoop]:
    """From here on this process lives in that time: its clock, and the loops that the result makes."""
    from tradsys.live.clock import SystemClock

    def now_ms(self: SystemClock) -> int:
        return shared.now_ms() + self.ahead_ms

    SystemClock.now_ms = now_ms
    return lambda: SharedLoop(shared, who)
