"""A bot in miniature that lives until it is killed: cycles, hints, and whatever it is asked to do."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from tests.exchange.in_process import InProcessVenue

from tradsys.live.clock import Clock
from tradsys.live.execution.rules import ExecutionRules
from tradsys.live.executor import OrderExecutor
from tradsys.live.intents import IntentJournal
from tradsys.live.venue import MarketRules, VenueUnknown


class Killed(BaseException):
    """The process is gone: no code that catches errors may live through it."""


class Life:
    """One process over a journal. `fate` is asked at every marked step whether this is the last one.

    What was on its way to the venue when it died arrives all the same; nothing that would come after it happens.
    """

    def __init__(
        self,
        venue: InProcessVenue,
        journal: IntentJournal,
        clock: Clock,
        rules: ExecutionRules,
        markets: dict[str, MarketRules],
        fate: Callable[[str], bool],
        hear: Callable[..., object] = lambda *_: None,
    ) -> None:
        self.venue, self.fate, self.is_dead, self.died_at = venue, fate, False, ""
        self.dead = asyncio.Event()
        self.executor = OrderExecutor(
            venue, journal, clock, rules, markets=dict(markets), step=self._step,
            tell=lambda kind, fields: hear(clock.now_ms(), kind, fields),
        )  # fmt: skip
        self._tasks: set[asyncio.Task[Any]] = set()
        self._asked: dict[str, asyncio.Task[Any]] = {}

    def _step(self, point: str) -> None:
        if not self.is_dead and self.fate(point):
            self.is_dead, self.died_at = True, point
            self.dead.set()
        if self.is_dead:
            raise Killed(point)

    def begin(self, every_s: float) -> None:
        """Start the loop of cycles, and listen."""
        self.do(self._cycle(every_s))
        self.do(self._listen())

    def do(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        """Work that dies with the process; any other error is the test's."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None and not isinstance(task.exception(), Killed):
            self.error = task.exception()
            self.dead.set()

    error: BaseException | None = None

    async def end(self, *, is_abrupt: bool = True) -> None:
        """Kill it if it lives, and wait for its last task. Abruptly: what has not left by now never leaves."""
        self.is_dead = True
        if not is_abrupt:
            await asyncio.sleep(0.3)
        while self._tasks:
            for task in list(self._tasks):
                task.cancel()
            await asyncio.wait(list(self._tasks))
        with suppress(Killed):
            await self.executor.close()
        if self.error is not None:
            raise self.error

    async def _cycle(self, every_s: float) -> None:
        while True:
            await self.executor.reconcile_all()
            await asyncio.sleep(every_s)

    async def _listen(self) -> None:
        """Each hint leads to a look, one at a time a symbol."""
        while True:
            try:
                async for hint in self.venue.hints(list(self.executor.markets), self.venue.exchange.interval_ms):
                    if hint.about == "account" and (hint.symbol not in self._asked or self._asked[hint.symbol].done()):
                        self._asked[hint.symbol] = self.do(self.executor.reconcile(hint.symbol))
            except VenueUnknown:
                await asyncio.sleep(0.5)
