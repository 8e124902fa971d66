"""One story of target weights, told undisturbed, or with a death at one of the marked steps that it passes.

Prices move only where the story moves them. A choice that a death has cut short is made again, as a bot makes it that
finds the close undecided; what is aimed at already is not aimed at twice.
"""

from dataclasses import replace

from tests.live.execution.story import RULES, Story, Told
from tests.live.execution.world import PRICE, SYMBOL
from tests.live.virtual_time import LoopClock, run_virtual

from tradsys.live.execution.aims import Aim

AIMED = replace(RULES, entry_patience_ms=30_000)
"""A death takes some seconds: the choice must still be young after it, as it is with the rules that a bot has."""


class TargetStory(Story):
    """Opened, made larger, smaller, turned around, in parts, lost, stopped while nobody looks, forced out, left."""

    rules = AIMED

    async def tell(self) -> Told:
        await self._born()
        for size in (0.02, 0.03, 0.01, -0.02):
            await self._choose(size)
        self.world.exchange.faults.set({"partial": 1.0})
        await self._choose(-0.03)
        self.world.exchange.faults.set({"partial": 0.0})
        self.venue.deaf_until_ms = self.world.clock.now_ms() + 1_000
        await self._choose(-0.04)
        self.world.exchange.turn(False)
        self.world.exchange.move(SYMBOL, PRICE * 1.3)
        self.world.exchange.move(SYMBOL, PRICE)
        await self._born()
        await self._pass(6)
        await self._choose(0.02)
        await self._on_request()
        await self._choose(0.02)
        await self._choose(0.0)
        return await self._told()

    async def _choose(self, size: float) -> None:
        now = self.world.clock.now_ms()
        aim = Aim(SYMBOL, now, now, size * PRICE / 1e4, size, PRICE, now + AIMED.entry_patience_ms, 0.25)
        await self._lived(lambda: self.world.executor.aim([aim]))
        await self._pass(10)


def told(dies_at: int | None = None) -> Told:
    """The story with a death at one point, counted from 0 in the order in which they are passed; or with none."""

    async def main(clock: LoopClock) -> Told:
        return await TargetStory(clock, dies_at).tell()

    return run_virtual(main)
