"""What of a spot account its trades have not earned: whatever comes and goes by other hands is no result of theirs."""

from collections.abc import Mapping
from typing import Any

import pytest
from tests.live.execution.spot_world import SpotWorld, in_spot_world
from tests.live.execution.test_spot import entered
from tests.live.execution.world import PRICE, SYMBOL
from tests.live.risk.accounts import KeptFlags

from tradsys.live.execution.holdings import own_holdings, own_part
from tradsys.live.risk.limits import RiskLimits
from tradsys.live.risk.risk import Risk
from tradsys.live.risk.transfers import TransferRecord, look
from tradsys.live.state import TradingState


class Watched:
    """A spot world whose account is measured against its limits as the bot does it."""

    def __init__(self, world: SpotWorld) -> None:
        self.world, self.flags = world, KeptFlags()
        self.restart()

    def restart(self) -> None:
        self.risk = Risk(RiskLimits(daily_loss=0.05, max_drawdown=0.2), self.flags, self.world.clock, self._tell)
        self.record = TransferRecord(self.flags, self.world.clock)

    def _tell(self, kind: str, fields: Mapping[str, Any]) -> None:
        self.world.told.append((kind, fields))

    async def look(self) -> Mapping[str, Any]:
        await self.world.executor.reconcile(SYMBOL)
        await look(self.risk, self.record, own_holdings(self.world.venue, self.world.journal))
        return self.risk.figures()

    def pay(self, amount: float) -> None:
        self.world.exchange.books.wallet += amount


@pytest.mark.parametrize("restarts", [False, True])
def test_money_that_comes_and_goes_on_a_spot_market_is_neither_profit_nor_loss(restarts):
    async def check(world: SpotWorld) -> None:
        watch = Watched(world)
        await watch.look()
        await entered(world)
        cost = (await watch.look())["day_loss"]
        for amount in (-6_000.0, 20_000.0, 30.0):
            watch.pay(amount)
            if restarts:
                watch.restart()
            figures = await watch.look()
            assert abs(figures["day_loss"]) <= cost
            assert figures["drawdown"] <= cost
        assert figures["transferred_quote"] == pytest.approx(14_030.0)
        assert watch.risk.state is TradingState.ACTIVE

    in_spot_world(check)


def test_a_deposit_hides_no_loss_of_a_spot_account():
    async def check(world: SpotWorld) -> None:
        watch = Watched(world)
        await watch.look()
        await entered(world, size_base=0.1, stop_distance=12_000.0)
        await watch.look()
        world.exchange.move(SYMBOL, PRICE - 10_000)
        watch.pay(+5_000.0)
        figures = await watch.look()
        assert figures["day_loss"] == pytest.approx(0.1, abs=0.002), "1,000 of 10,000, whatever came in"
        assert watch.risk.state is TradingState.REDUCING

    in_spot_world(check)


def test_what_a_trade_earns_is_no_transfer_and_what_is_sold_by_hand_beside_it_no_profit():
    async def check(world: SpotWorld) -> None:
        world.exchange.give(SYMBOL, 1.0)
        first = own_part(await world.venue.account(), world.journal).unearned_quote
        await entered(world)
        world.exchange.move(SYMBOL, PRICE + 500)
        held = own_part(await world.venue.account(), world.journal)
        assert held.unearned_quote == pytest.approx(first)
        assert held.equity_quote > first
        world.executor.request_exit(SYMBOL, "forceexit")
        await world.run(2)
        over = own_part(await world.venue.account(), world.journal)
        (row,) = world.executor.trades()
        assert over.unearned_quote == pytest.approx(first)
        assert over.equity_quote - first == pytest.approx(row["result_quote"], abs=1.0), (
            "less what is too small to sell"
        )

    in_spot_world(check)


def test_coins_that_somebody_took_away_are_no_loss():
    async def check(world: SpotWorld) -> None:
        watch = Watched(world)
        await watch.look()
        await entered(world, size_base=0.1)
        before = await watch.look()
        world.exchange.state(SYMBOL).holding.size -= 0.05
        world.exchange.books.own[SYMBOL].size -= 0.05
        after = await watch.look()
        assert after["equity_quote"] == pytest.approx(before["equity_quote"] - 0.05 * PRICE, rel=1e-3)
        assert after["day_loss"] == pytest.approx(before["day_loss"], abs=1e-4)

    in_spot_world(check)
