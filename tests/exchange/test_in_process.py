"""A level-triggered client in twenty lines lives through rough seeds over the in-process venue, and quickly."""

import asyncio
from contextlib import suppress
from dataclasses import asdict

from tests.exchange.building import random_exchange
from tests.exchange.faults import FaultSchedule, rough
from tests.exchange.in_process import InProcessVenue
from tests.live.virtual_time import LoopClock, run_virtual

from tradsys.live.venue import OrderRefused, OrderRequest, VenueUnknown

GRACE_MS = 2_500
"""After an unknown outcome, what may pass until an order arrives or is seen: only then does None mean none."""


class PlainClient:
    """Enters once a minute, protects what is held, leaves after three, tidies up; every order has an id of its own."""

    def __init__(self, venue: InProcessVenue, clock: LoopClock, symbol: str) -> None:
        self.venue, self.clock, self.symbol = venue, clock, symbol
        self.n_sent, self.quiet_until, self.entered = 0, 0, -1

    async def place(self, side: int, kind: str, size: float, price: float | None, is_exit: bool) -> None:
        self.n_sent += 1
        try:
            await self.venue.place(
                OrderRequest(f"{self.symbol}-{self.n_sent}", self.symbol, side, kind, size, price, is_exit)
            )
        except VenueUnknown:
            self.quiet_until = self.clock.now_ms() + GRACE_MS
        except OrderRefused:
            return

    async def step(self) -> None:
        account, orders = await self.venue.account(), await self.venue.open_orders()
        own = [order for order in orders if order.symbol == self.symbol]
        held = sum(position.size_base for position in account.positions if position.symbol == self.symbol)
        if not held:
            for order in own:
                await self.venue.cancel(self.symbol, order.client_id, order.kind)
        if self.clock.now_ms() < self.quiet_until:
            return
        minute = self.clock.now_ms() // 60_000
        price = round(await self.venue.mark_price(self.symbol))
        lack = abs(held) - sum(order.size_base for order in own if order.kind == "stop")
        if held and minute >= self.entered + 3:
            await self.place(-1, "market", held, None, True)
        elif held and lack > 1e-9:
            await self.place(-1, "stop", round(lack, 3), float(round(price * 0.98)), True)
        elif not held and not own and minute > self.entered:
            self.entered = minute
            await self.place(1, "market", 0.02, None, False)

    async def live(self) -> None:
        while True:
            with suppress(VenueUnknown):
                await self.step()
            await asyncio.sleep(0.3)


def session(seed: int, minutes: float = 10.0) -> dict:
    """What the exchange says after some minutes of two symbols under rough faults."""

    async def main(clock: LoopClock) -> dict:
        exchange = random_exchange(clock, seed=seed, faults=FaultSchedule(seed, rough()))
        venue = InProcessVenue(exchange, seed=seed)
        tasks = [asyncio.ensure_future(PlainClient(venue, clock, s).live()) for s in exchange.symbols]
        await asyncio.wait(tasks, timeout=minutes * 60)
        for task in tasks:
            task.cancel()
        assert all(task.cancelled() or not task.exception() for task in await _ended(tasks))
        money = sum(income.amount for income in exchange.income())
        assert abs(exchange.books.wallet - 10_000 - money) < 1e-6
        return exchange.report() | {"executions": [asdict(done) for done in exchange.books.executions]}

    return run_virtual(main)


async def _ended(tasks: list[asyncio.Task]) -> list[asyncio.Task]:
    await asyncio.wait(tasks)
    return tasks


def test_a_patient_client_leaves_no_duplicate_and_no_orphan():
    reports = [session(seed) for seed in range(12)]
    assert [report["duplicates"] for report in reports] == [[]] * 12
    assert [report["orphans"] for report in reports] == [[]] * 12
    happened = {name for report in reports for name in report["faults"]}
    assert happened >= {"lose_answer", "lose_request", "late_arrival", "busy", "busy_after", "partial", "slow_match"}
    assert happened >= {"refuse_stop", "unseen", "limited", "early_close", "revised_bar", "missing_bar"}


def test_a_seed_is_the_same_session_again():
    assert session(3) == session(3)
    assert session(3)["executions"] != session(4)["executions"]
