"""A story of entries that rest: filled, filled in part, lapsed, taken back and lost, with a death at any step."""

from tests.live.execution.story import Story, Told
from tests.live.execution.world import PRICE, SYMBOL, an_entry
from tests.live.virtual_time import LoopClock, run_virtual

from tradsys.live.execution.wishes import STOP_ENTRY

INSIDE = 100.0


class RestingStory(Story):
    """The price moves only where nobody can be dead, so that a death changes no fill."""

    async def tell(self) -> Told:
        await self._born()
        for chapter in (self._filled, self._in_parts, self._lapsed, self._stopped, self._lost, self._ended_by_its_time):
            await chapter()
        return await self._told()

    async def _rest(self, side: int = 1, *, rests_ms: int = 60_000, size: float = 0.01) -> None:
        now = self.world.clock.now_ms()
        await self._enter(
            an_entry(
                self.world.clock, side, size, reference_price=PRICE - side * INSIDE, rests_until_ms=now + rests_ms,
                deadline_ms=now + 120_000,
            )
        )  # fmt: skip
        await self._pass(2)

    async def _filled(self) -> None:
        await self._rest(-1)
        self.world.exchange.move(SYMBOL, PRICE + INSIDE + 1)
        await self._pass(4)
        self.world.exchange.move(SYMBOL, PRICE - 1_500)
        await self._pass(4)
        self.world.exchange.move(SYMBOL, PRICE)

    async def _in_parts(self) -> None:
        """A first part, its target, and with it what still rests."""
        await self._rest(size=0.1)
        self.world.exchange.faults.once["partial"] = 1
        self.world.exchange.move(SYMBOL, PRICE - INSIDE - 1)
        self.world.exchange.move(SYMBOL, PRICE)
        await self._pass(4)
        self.world.exchange.move(SYMBOL, PRICE + 1_000)
        await self._pass(4)
        self.world.exchange.move(SYMBOL, PRICE)

    async def _lapsed(self) -> None:
        await self._rest(rests_ms=6_000)
        await self._pass(7)

    async def _stopped(self) -> None:
        await self._rest()
        self.world.journal.set_flag(STOP_ENTRY, "stopentry by a person")
        await self._pass(4)
        self.world.journal.set_flag(STOP_ENTRY, None)

    async def _lost(self) -> None:
        self.venue.deaf_until_ms = self.world.clock.now_ms() + 1_000
        await self._rest(rests_ms=20_000)
        await self._pass(6)
        self.world.exchange.move(SYMBOL, PRICE - INSIDE - 1)
        await self._pass(4)
        self.world.exchange.move(SYMBOL, PRICE - 1_000)
        await self._pass(4)
        self.world.exchange.move(SYMBOL, PRICE)

    async def _ended_by_its_time(self) -> None:
        """What is filled of it is left in time, and what rests goes with it."""
        now = self.world.clock.now_ms()
        await self._enter(
            an_entry(
                self.world.clock, 1, 0.1, reference_price=PRICE - INSIDE, rests_until_ms=now + 12_000,
                deadline_ms=now + 12_000,
            )
        )  # fmt: skip
        await self._pass(2)
        self.world.exchange.faults.once["partial"] = 1
        self.world.exchange.move(SYMBOL, PRICE - INSIDE - 1)
        self.world.exchange.move(SYMBOL, PRICE)
        await self._pass(14)


def told(dies_at: int | None = None) -> Told:
    """The story with a death at one point, counted from 0 in the order in which they are passed; or with none."""

    async def main(clock: LoopClock) -> Told:
        return await RestingStory(clock, dies_at).tell()

    return run_virtual(main)
