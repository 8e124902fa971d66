"""The exchange of the fire, in a process of its own: the loopback exchange, and hands that trade beside the bot."""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aiohttp import web
from tests.exchange.app import LoopbackExchange, LostAnswer
from tests.exchange.building import taped_exchange
from tests.exchange.faults import FaultSchedule
from tests.exchange.rules import SymbolRules, usual_rules
from tests.exchange.signing import Gate
from tests.exchange.spot.app import LoopbackSpot
from tests.exchange.spot.books import SpotBooks
from tests.exchange.spot.model import SpotExchange
from tests.exchange.wishes import OrderWish
from tests.fire.shared_time import EXCHANGE, SharedTime, enter
from tests.fire.story import BAR_MS, PRICES, Market, bars_of_story

WALLET = 10_000.0


LONGEST_MS = 5_000
"""How long something may be amiss while the bot is up."""


class _OfFire(LoopbackExchange):
    """May lose every order of a symbol before it arrives, and lets somebody else trade on the account."""

    tick_s = 5.0

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


class UsdmOfFire(_OfFire):
    """The perpetuals."""


class SpotOfFire(_OfFire, LoopbackSpot):
    """The spot market."""


def _fine_rules() -> dict[str, SymbolRules]:
    """Lots so small that what a fee leaves of a trade is worth nothing."""
    usual = {name: usual_rules(name, price, n_digits=6) for name, price in PRICES.items()}
    return {name: replace(rules, lot=rules.lot / 100) for name, rules in usual.items()}


async def _serve(time: SharedTime, seed: int, market: Market, port_to: int) -> None:
    kinds: dict[str, Any] = (
        {} if market == "usdm" else {"kind": SpotExchange, "books": SpotBooks(wallet=WALLET), "rules": _fine_rules()}
    )
    exchange = taped_exchange(
        time, bars_of_story(market), faults=FaultSchedule(seed), interval_ms=BAR_MS, wallet=WALLET, **kinds
    )  # fmt: skip
    exchange.watch.orphan_after_ms = LONGEST_MS
    exchange.turn(False)
    loopback = (UsdmOfFire if market == "usdm" else SpotOfFire)(exchange, "1m", Gate(checks_time=False))
    runner = web.AppRunner(loopback.application(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    os.write(port_to, f"{runner.addresses[0][1]}\n".encode())
    await asyncio.Event().wait()


def serve(time: SharedTime, seed: int, market: Market, port_to: int) -> None:
    """Until the process is killed; the port is written to that descriptor."""
    asyncio.run(_serve(time, seed, market, port_to), loop_factory=enter(time, EXCHANGE))
