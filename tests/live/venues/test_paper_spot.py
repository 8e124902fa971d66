"""A paper account of coins: what the executor and the allocator make of it, and what a spot market lets nobody do."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.live.execution.world import an_entry
from tests.live.venues.told_data import Told
from tests.live.virtual_time import LoopClock, run_virtual

from tradsys.core.costs import Costs
from tradsys.core.time import HOUR_MS
from tradsys.live.execution.holdings import own_holdings
from tradsys.live.execution.rules import ExecutionRules
from tradsys.live.executor import OrderExecutor
from tradsys.live.intents import IntentJournal
from tradsys.live.venue import Kline, MarketRules, OrderRefused, OrderRequest
from tradsys.live.venues.paper_rules import PaperRules
from tradsys.live.venues.paper_spot import PaperSpot

SYMBOL, PRICE, NAME = "BTCUSDT", 60_000.0, "paper-spot-order-0000000001"
RULES = PaperRules(Costs(taker_bps=10.0, maker_bps=10.0, slippage_bps=5.0, funding_bps_per_8h=10.0))


class PaperWorld:
    """A paper account over prices that a test moves by hand, with an executor over it."""

    def __init__(self, clock: LoopClock) -> None:
        opened = clock.now_ms() // HOUR_MS * HOUR_MS
        bars = [Kline(opened - n * HOUR_MS, PRICE, PRICE, PRICE, PRICE, 1.0, {}) for n in (1, 0)]
        rules = MarketRules(SYMBOL, 0.1, 1e-5, 1e-5, 1_000.0, 5.0, 0.5, True, True)
        self.clock, self.data = clock, Told({SYMBOL: bars}, rules=rules, clock=clock)
        self.venue = PaperSpot(self.data, RULES, HOUR_MS)
        self.journal = IntentJournal(":memory:")
        self.own = own_holdings(self.venue, self.journal)
        self.executor = OrderExecutor(
            self.own, self.journal, clock, ExecutionRules("paper"), markets={}, tell=lambda kind, fields: None
        )

    async def entered(self, **changes: Any) -> dict[str, str]:
        self.executor.markets.update(await self.venue.markets([SYMBOL]))
        await self.executor.reconcile_all()
        return await self.executor.enter([an_entry(self.clock, **changes)])


def on_paper(check: Callable[[PaperWorld], Awaitable[None]]) -> None:
    async def main(clock: LoopClock) -> None:
        world = PaperWorld(clock)
        await check(world)
        await world.venue.close()

    run_virtual(main)


@pytest.mark.parametrize(("move", "reason"), [(1_000.0, "target"), (-1_000.0, "stop")])
def test_a_trade_of_coins_is_bought_protected_by_a_pair_and_sold_at_the_leg_that_is_met(move, reason):
    async def check(world: PaperWorld) -> None:
        assert await world.entered() == {SYMBOL: "filled"}
        orders = await world.venue.open_orders()
        assert sorted((one.kind, one.size_base, one.price) for one in orders) == [
            ("limit", 0.00999, PRICE + 900), ("stop", 0.00999, PRICE - 600),
        ]  # fmt: skip
        world.data.move(SYMBOL, PRICE + move)
        world.clock._epoch_ms += 1_000
        assert await world.executor.reconcile_all()
        (row,) = world.executor.trades()
        assert (row["exit_reason"], row["is_open"]) == (reason, False)
        assert await world.venue.open_orders() == []

    on_paper(check)


def test_money_and_coins_add_up_to_the_trades_result():
    async def check(world: PaperWorld) -> None:
        await world.entered()
        held = await world.own.account()
        slipped = 0.01 * PRICE * 5e-4
        assert held.equity_quote == pytest.approx(10_000 - 0.01 * 0.001 * PRICE - slipped)
        assert await world.executor.flatten()
        (row,) = world.executor.trades()
        after = await world.own.account()
        assert after.positions == () and after.equity_quote == pytest.approx(10_000 + row["result_quote"])
        assert row["fees_quote"] == pytest.approx(0.01999 * PRICE * 15e-4)

    on_paper(check)


def test_nobody_pays_for_holding_coins():
    async def check(world: PaperWorld) -> None:
        await world.entered(deadline_ms=world.clock.now_ms() + 100 * HOUR_MS)
        cash = world.venue.book.wallet
        world.clock._epoch_ms += 20 * HOUR_MS
        await world.executor.reconcile_all()
        assert await world.venue.funding(0) == [] and world.venue.book.wallet == cash

    on_paper(check)


REFUSED = {
    "short": OrderRequest(NAME, SYMBOL, -1, "market", 0.01),
    "more than there is money for": OrderRequest(NAME, SYMBOL, 1, "market", 0.2),
    "less than the smallest order": OrderRequest(
        "paper-spot-order-0000000001", SYMBOL, -1, "market", 0.00005, None, True
    ),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_a_spot_market_does_not_let_one_do_is_refused(why):
    async def check(world: PaperWorld) -> None:
        with pytest.raises(OrderRefused):
            await world.venue.place(REFUSED[why])
        assert (await world.venue.account()).wallet_quote == 10_000.0

    on_paper(check)


def test_the_account_is_found_again_in_its_file(tmp_path):
    async def main(clock: LoopClock) -> None:
        world = PaperWorld(clock)
        world.venue = PaperSpot(world.data, RULES, HOUR_MS, path=tmp_path / "paper.sqlite")
        await world.venue.place(OrderRequest(NAME, SYMBOL, 1, "market", 0.01))
        before = await world.venue.account()
        await world.venue.close()
        again = PaperSpot(world.data, RULES, HOUR_MS, path=tmp_path / "paper.sqlite")
        assert (await again.account()).spot == before.spot
        await again.close()

    run_virtual(main)
