"""One story that passes every marked step, told undisturbed, or with a death at one of them: both must end alike.

Prices move only where the story moves them, so that recovery changes no fill. What the strategy was about to do when
it died it does again, as a bot does that finds a bar undecided.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from tests.exchange.building import quiet_exchange
from tests.exchange.in_process import InProcessVenue
from tests.live.execution.lives import Killed
from tests.live.execution.world import PRICE, SYMBOL, ExecutorWorld, an_entry
from tests.live.virtual_time import LoopClock, run_virtual

from tradsys.live.client_ids import leg_of
from tradsys.live.entry import Entry
from tradsys.live.execution.rules import ExecutionRules
from tradsys.live.state import read_standing
from tradsys.live.venue import OrderRequest, VenueOrder, VenueUnknown


@dataclass(frozen=True, slots=True)
class Ending:
    """What is there when the story is over; times are left out, since a death takes some."""

    wallet: float
    positions: dict[str, float]
    open_orders: tuple[str, ...]
    state: str
    trades: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True, slots=True)
class Told:
    """How a story ended, every point that it passed, and what the exchange holds against it."""

    ending: Ending
    points: tuple[str, ...]
    duplicates: list[str]
    orphans: list[str]
    unprotected_ms: int

    def must_end_as(self, undisturbed: "Told", dies_at: int) -> None:
        assert self.ending == undisturbed.ending, undisturbed.points[dies_at]
        assert (self.duplicates, self.orphans) == ([], [])
        assert self.unprotected_ms <= 5_000


RULES = ExecutionRules(account="test", grace_ms=1_500, entry_patience_ms=8_000, foreign_wait_ms=500)
"""Less patient than is usual, since the story's venue answers quickly: its telling takes less time."""


class DeafVenue(InProcessVenue):
    """Loses every entry that is sent before a moment."""

    deaf_until_ms = 0

    async def place(self, order: OrderRequest) -> VenueOrder:
        if (
            not order.is_reduce_only
            and leg_of(order.client_id) == "entry"
            and self.exchange.agenda.time_ms < self.deaf_until_ms
        ):
            raise VenueUnknown("no answer in time")
        return await super().place(order)


class Story:
    """The world of one telling; the point of number `dies_at` among those that are passed is the death."""

    rules = RULES

    def __init__(self, clock: LoopClock, dies_at: int | None) -> None:
        exchange = quiet_exchange(clock)
        self.world = ExecutorWorld(clock, exchange)
        self.venue = self.world.venue = DeafVenue(exchange, latency_ms=(1.0, 2.0))
        self.dies_at, self.points, self.is_dead = dies_at, list[str](), False

    def _step(self, point: str) -> None:
        if not self.is_dead:
            self.points.append(point)
            self.is_dead = len(self.points) - 1 == self.dies_at
        if self.is_dead:
            raise Killed(point)

    async def tell(self) -> Told:
        await self._born()
        for chapter in (
            self._target, self._stop_while_down, self._time, self._in_parts, self._lost_entry, self._on_request,
            self._by_hand, self._refused_stops, self._flatten,
        ):  # fmt: skip
            await chapter()
        return await self._told()

    async def _told(self) -> Told:
        await self.world.venue.close()
        report = self.world.exchange.report()
        return Told(
            self._ending(report), tuple(self.points), report["duplicates"], report["orphans"],
            max(report["unprotected_ms"].values()),
        )  # fmt: skip

    async def _born(self) -> None:
        self.is_dead = False
        self.world.anew(self._step, self.rules)
        self.world.exchange.turn(True)
        await self._lived(self.world.ready)

    async def _lived(self, work: Callable[[], Awaitable[Any]]) -> None:
        """Do something, and again in another life where this one ends in it."""
        try:
            await work()
        except Killed:
            self.world.exchange.turn(False)
            self.dies_at = None
            await self.world.run_dead()
            await self._born()
            await work()

    async def _enter(self, entry: Entry) -> None:
        await self._lived(lambda: self.world.executor.enter([entry]))

    async def _pass(self, seconds: float) -> None:
        for _ in range(round(seconds * 2)):
            await self._lived(lambda: self.world.run(0.5))

    async def _target(self) -> None:
        await self._enter(an_entry(self.world.clock))
        await self._pass(4)
        self.world.exchange.move(SYMBOL, PRICE + 1_000)
        await self._pass(4)

    async def _stop_while_down(self) -> None:
        await self._enter(an_entry(self.world.clock, -1))
        await self._pass(4)
        self.world.exchange.turn(False)
        self.world.exchange.move(SYMBOL, PRICE + 2_000)
        await self._born()
        await self._pass(4)

    async def _time(self) -> None:
        await self._enter(an_entry(self.world.clock, deadline_ms=self.world.clock.now_ms() + 6_000))
        await self._pass(9)

    async def _in_parts(self) -> None:
        self.world.exchange.faults.set({"partial": 1.0})
        await self._enter(an_entry(self.world.clock, deadline_ms=self.world.clock.now_ms() + 6_000))
        await self._pass(9)
        self.world.exchange.faults.set({"partial": 0.0})

    async def _lost_entry(self) -> None:
        self.venue.deaf_until_ms = self.world.clock.now_ms() + 1_000
        await self._enter(an_entry(self.world.clock))
        await self._pass(8)

    async def _on_request(self) -> None:
        async def ask() -> None:
            if self.world.held():
                self.world.executor.request_exit(SYMBOL, "forceexit")

        await self._lived(ask)
        await self._pass(4)

    async def _by_hand(self) -> None:
        await self.venue.place(OrderRequest("by-hand-1", SYMBOL, 1, "market", 0.02))
        await self._pass(4)
        await self.venue.place(OrderRequest("by-hand-2", SYMBOL, -1, "market", 0.02))
        await self._pass(4)

    async def _refused_stops(self) -> None:
        self.world.exchange.faults.set({"refuse_stop": 1.0})
        await self._enter(an_entry(self.world.clock, -1))
        await self._pass(7)
        self.world.exchange.faults.set({"refuse_stop": 0.0})

    async def _flatten(self) -> None:
        await self.venue.place(OrderRequest("by-hand-3", SYMBOL, -1, "market", 0.02))
        await self._pass(4)
        await self._lived(lambda: self.world.executor.flatten())
        await self._pass(4)

    def _ending(self, report: dict[str, Any]) -> Ending:
        rows = self.world.executor.trades()
        names = ("symbol", "side", "origin", "size_base", "entry_price", "exit_price", "exit_reason", "is_open")
        return Ending(
            round(report["wallet"], 6), report["positions"], tuple(report["open"]),
            read_standing(self.world.journal).state.value,
            tuple((*(row[name] for name in names), round(row["result_quote"], 6)) for row in rows),
        )  # fmt: skip


def told(dies_at: int | None = None) -> Told:
    """The story with a death at one point, counted from 0 in the order in which they are passed; or with none."""

    async def main(clock: LoopClock) -> Told:
        return await Story(clock, dies_at).tell()

    return run_virtual(main)
