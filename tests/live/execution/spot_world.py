"""An executor over the quiet spot exchange, for tests that look at one situation."""

from collections.abc import Awaitable, Callable
from typing import Any

from tests.exchange.spot.in_process import InProcessSpot
from tests.exchange.spot.model import SpotExchange, quiet_spot
from tests.live.execution.world import SYMBOL, ExecutorWorld
from tests.live.virtual_time import LoopClock, run_virtual

from tradsys.live.venue import Fill


class SpotWorld(ExecutorWorld):
    """The executor's world with coins in place of positions."""

    exchange: SpotExchange
    venue: InProcessSpot

    def __init__(self, clock: LoopClock, exchange: SpotExchange) -> None:
        super().__init__(clock, exchange)
        self.venue = InProcessSpot(exchange)
        self.anew()

    def sells(self, kind: str, symbol: str = SYMBOL) -> list[tuple[float, float | None]]:
        """Open orders to sell of a type, with what is left of them and their price."""
        orders = self.exchange.open_orders(symbol, is_algo=False)
        return [(order.left, order.level) for order in orders if order.side < 0 and order.type == kind]

    def own(self, symbol: str = SYMBOL) -> float:
        held = self.exchange.books.own.get(symbol)
        return held.size if held else 0.0

    async def bought(self, symbol: str, start_ms: int) -> list[Fill]:
        """Executions without those that sold."""
        return [fill for fill in await InProcessSpot.fills(self.venue, symbol, start_ms) if fill.side > 0]

    def sold(self) -> list[float]:
        return [e.size for e in self.exchange.books.executions if e.side < 0]


def in_spot_world(check: Callable[[SpotWorld], Awaitable[None]], **quiet: Any) -> None:
    """Run a test's coroutine on a quiet spot exchange of one symbol."""

    async def main(clock: LoopClock) -> None:
        world = SpotWorld(clock, quiet_spot(clock, **quiet))
        await world.ready()
        await check(world)
        await world.venue.close()

    run_virtual(main)
