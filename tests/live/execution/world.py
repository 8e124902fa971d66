"""An executor on the exchange's model, in one process and on virtual time."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from tests.exchange.building import quiet_exchange
from tests.exchange.in_process import InProcessVenue
from tests.exchange.model import Exchange
from tests.live.virtual_time import LoopClock, run_virtual

from tradsys.live.entry import Entry
from tradsys.live.execution.rules import ExecutionRules
from tradsys.live.execution.steps import StepHook, no_step
from tradsys.live.executor import OrderExecutor
from tradsys.live.intents import IntentJournal

SYMBOL, PRICE = "BTCUSDT", 60_000.0
RULES = ExecutionRules(account="test")


class ExecutorWorld:
    """The exchange, a journal, and an executor that can be thrown away and made anew over the same journal."""

    def __init__(self, clock: LoopClock, exchange: Exchange, *, journal: IntentJournal | None = None) -> None:
        self.clock, self.exchange = clock, exchange
        self.venue = InProcessVenue(exchange, latency_ms=(1.0, 2.0))
        self.journal = journal or IntentJournal(":memory:")
        self.told: list[tuple[str, Mapping[str, Any]]] = []
        self.executor = self.anew()

    def anew(self, step: StepHook = no_step, rules: ExecutionRules = RULES) -> OrderExecutor:
        """As after a restart: nothing is known but the journal."""
        self.executor = OrderExecutor(
            self.venue, self.journal, self.clock, rules,
            markets={}, tell=lambda kind, fields: self.told.append((kind, fields)), step=step,
        )  # fmt: skip
        return self.executor

    async def ready(self) -> OrderExecutor:
        """With the rules of every symbol, which were all looked at."""
        self.executor.markets.update(await self.venue.markets(list(self.exchange.symbols)))
        await self.executor.reconcile_all()
        return self.executor

    async def run(self, seconds: float, every_s: float = 0.5) -> None:
        """Reconcile for a while, as the bot does."""
        for _ in range(round(seconds / every_s)):
            await self.executor.reconcile_all()
            await asyncio.sleep(every_s)

    async def run_dead(self) -> None:
        """A second in which nobody is there; what was under way when the process died comes to its end."""
        with suppress(BaseException):
            await self.executor.close()
        await asyncio.sleep(1)

    def stops(self, symbol: str = SYMBOL) -> list[tuple[float, float]]:
        return self._orders(symbol, is_algo=True)

    def limits(self, symbol: str = SYMBOL) -> list[tuple[float, float]]:
        return self._orders(symbol, is_algo=False)

    def held(self, symbol: str = SYMBOL) -> float:
        return self.exchange.state(symbol).holding.size

    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.told]

    def _orders(self, symbol: str, *, is_algo: bool) -> list[tuple[float, float]]:
        return [(order.left, order.level or 0.0) for order in self.exchange.open_orders(symbol, is_algo=is_algo)]


def an_entry(clock: LoopClock, side: int = 1, size: float = 0.01, **changes: Any) -> Entry:
    """A decision of the bar that closes now: stop 600 from the entry, target 900, an hour of time."""
    now = clock.now_ms()
    values: dict[str, Any] = dict(
        symbol=SYMBOL, side=side, size_base=size, reference_price=PRICE, close_ms=now, deadline_ms=now + 3_600_000,
        stop_distance=600.0, target_distance=900.0, probability=0.6, expected_net=0.001, reason="rule",
        bar_hash="b", bundle_hash="c", share=0.06,
    )  # fmt: skip
    return Entry(**values | changes)


def in_world(check: Callable[[ExecutorWorld], Awaitable[None]], **quiet: Any) -> None:
    """Run a test's coroutine on a quiet exchange of one symbol."""

    async def main(clock: LoopClock) -> None:
        world = ExecutorWorld(clock, quiet_exchange(clock, **quiet))
        await world.ready()
        await check(world)
        await world.venue.close()

    run_virtual(main)
