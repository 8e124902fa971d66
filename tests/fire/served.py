"""The exchange of the fire, in a process of its own: the loopback exchange, and hands that trade beside the bot."""

import asyncio
import os
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from tests.exchange.app import LoopbackExchange, LostAnswer
from tests.exchange.building import taped_exchange
from tests.exchange.faults import FaultSchedule
from tests.exchange.scaled import Scale
from tests.exchange.signing import Gate
from tests.exchange.wishes import OrderWish
from tests.fire.story import BAR_MS, bars_of_story

WALLET = 10_000.0


def longest_ms(speed: float) -> int:
    """How long something may be amiss: five seconds of the exchange, and a real one of a busy machine's processor."""
    return round(5_000 + 1_000 * speed)


class ExchangeOfFire(LoopbackExchange):
    """May lose every order of a symbol before it arrives, and lets somebody else trade on the account."""

    def __init__(self, *args: Any, **how: Any) -> None:
        super().__init__(*args, **how)
        self.deaf = set[str]()

    def control(self, wanted: Mapping[str, Any]) -> None:
        """Besides the others: `deaf` symbols, and `hand`, a signed size by symbol, bought or sold at once."""
        wanted = dict(wanted)
        self.deaf = set(wanted.pop("deaf", self.deaf))
        for symbol, size in wanted.pop("hand", {}).items():
            number = len(self.exchange.watch.ids)
            wish = OrderWish(symbol, 1 if size > 0 else -1, "MARKET", abs(size), client_id=f"hand-{number}")
            self.exchange.place(wish)
        super().control(wanted)

    def _arrived(self, params: Mapping[str, str], request: web.Request) -> None:
        if params["symbol"] in self.deaf:
            raise LostAnswer
        super()._arrived(params, request)


async def _serve(scale: Scale, seed: int, port_to: int) -> None:
    exchange = taped_exchange(
        scale, bars_of_story(), faults=FaultSchedule(seed), interval_ms=BAR_MS, wallet=WALLET
    )  # fmt: skip
    exchange.watch.orphan_after_ms = longest_ms(scale.speed)
    exchange.turn(False)
    loopback = ExchangeOfFire(exchange, "1m", Gate(checks_time=False), speed=scale.speed)
    runner = web.AppRunner(loopback.application(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    os.write(port_to, f"{runner.addresses[0][1]}\n".encode())
    await asyncio.Event().wait()


def serve(scale: Scale, seed: int, port_to: int) -> None:
    """Until the process is killed; the port is written to that descriptor."""
    asyncio.run(_serve(scale, seed, port_to))
