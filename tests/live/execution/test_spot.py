"""What the executor does on a spot market, where coins are locked by orders and fees are taken in them."""

import pytest
from tests.live.execution.spot_world import SpotWorld, in_spot_world
from tests.live.execution.world import PRICE, SYMBOL, an_entry

from tradsys.live.execution.holdings import own_part
from tradsys.live.state import TradingState, read_standing
from tradsys.live.venue import OrderRequest

SOLD = 0.00999
"""What can be sold of 0.01 that were bought: a thousandth is the fee, and a lot is 0.00001."""


async def entered(world: SpotWorld, **changes: object) -> float:
    """The price at which an entry was filled."""
    assert await world.executor.enter([an_entry(world.clock, **changes)]) == {SYMBOL: "filled"}
    return world.exchange.books.executions[-1].price


def test_what_is_left_after_the_fee_is_protected_by_a_pair_when_enter_returns():
    async def check(world: SpotWorld) -> None:
        price = await entered(world)
        assert world.sells("STOP_LOSS") == [(SOLD, price - 600)]
        assert world.sells("LIMIT_MAKER") == [(SOLD, price + 900)]
        (position,) = own_part(await world.venue.account(), world.journal).positions
        assert (position.size_base, position.entry_price) == (SOLD, price)

    in_spot_world(check)


@pytest.mark.parametrize(("move", "reason"), [(1_000.0, "target"), (-1_000.0, "stop")])
def test_a_leg_that_is_met_ends_the_trade_and_its_other_leg(move, reason):
    async def check(world: SpotWorld) -> None:
        await entered(world)
        world.exchange.move(SYMBOL, PRICE + move)
        assert await world.executor.reconcile(SYMBOL)
        (row,) = world.executor.trades()
        assert (row["exit_reason"], row["is_open"], world.sold()) == (reason, False, [SOLD])
        assert world.exchange.open_orders(SYMBOL, is_algo=False) == []
        paid = row["entry_price"] * 0.01
        earned = SOLD * row["exit_price"]
        assert 10_000 - paid + 0.999 * earned == pytest.approx(world.exchange.books.wallet)
        assert row["realised_quote"] == pytest.approx(SOLD * (row["exit_price"] - row["entry_price"]))
        assert row["fees_quote"] == pytest.approx(0.001 * (paid + earned))

    in_spot_world(check)


def test_coins_of_somebody_else_are_neither_counted_nor_sold():
    async def check(world: SpotWorld) -> None:
        world.exchange.give(SYMBOL, 0.5)
        before = own_part(await world.venue.account(), world.journal)
        assert (before.positions, before.equity_quote) == ((), 10_000.0)
        await world.run(3)
        assert world.executor.trades() == [] and world.exchange.open_orders(SYMBOL, is_algo=False) == []
        await entered(world)
        assert await world.executor.flatten()
        assert (world.sold(), world.own()) == ([SOLD], 0.0)
        assert world.exchange.state(SYMBOL).holding.size == pytest.approx(0.5)

    in_spot_world(check)


def test_a_sale_of_ones_own_coins_beside_the_bot_changes_nothing_of_its_trade():
    async def check(world: SpotWorld) -> None:
        world.exchange.give(SYMBOL, 0.5)
        await entered(world)
        await world.venue.place(OrderRequest("hand-1", SYMBOL, -1, "market", 0.3))
        await world.run(3)
        (row,) = world.executor.trades()
        assert row["is_open"] and row["open_base"] == pytest.approx(SOLD)
        assert [size for size, _ in world.sells("STOP_LOSS")] == [SOLD]

    in_spot_world(check)


def test_coins_of_ours_that_somebody_sold_end_the_trade_with_his_price():
    async def check(world: SpotWorld) -> None:
        await entered(world)
        for order in world.exchange.open_orders(SYMBOL, is_algo=False):
            world.exchange.matching.end(world.exchange.state(SYMBOL), order, "CANCELED")
        await world.venue.place(OrderRequest("hand-1", SYMBOL, -1, "market", SOLD))
        await world.run(3)
        (row,) = world.executor.trades()
        assert (row["is_open"], row["exit_reason"], row["exit_price"]) == (False, "unknown", pytest.approx(PRICE))

    in_spot_world(check)


def test_equity_is_money_and_our_coins_at_the_mark_with_those_too_few_to_sell():
    async def check(world: SpotWorld) -> None:
        price = await entered(world, size=0.0123)  # 0.0122877 after the fee, of which 0.01228 can be sold
        world.exchange.move(SYMBOL, price + 500)
        before = own_part(await world.venue.account(), world.journal)
        assert before.equity_quote == pytest.approx(10_000 - 0.0123 * price + 0.0122877 * (price + 500))
        assert before.unrealised_quote == pytest.approx(0.0122877 * 500)
        assert await world.executor.flatten()
        after = own_part(await world.venue.account(), world.journal)
        fee = 0.001 * 0.01228 * (price + 500)
        assert after.positions == () and after.equity_quote == pytest.approx(before.equity_quote - fee, abs=1e-6)

    in_spot_world(check)


def test_partial_fills_are_protected_as_they_come_and_at_one_price_in_the_end():
    async def check(world: SpotWorld) -> None:
        world.exchange.faults.set({"partial": 1.0})
        await world.executor.enter([an_entry(world.clock)])
        await world.run(4)
        assert sum(size for size, _ in world.sells("STOP_LOSS")) == pytest.approx(SOLD)
        assert sum(size for size, _ in world.sells("LIMIT_MAKER")) == pytest.approx(SOLD)
        assert world.exchange.report()["unprotected_ms"][SYMBOL] <= 2_000

    in_spot_world(check)


def test_a_target_that_fills_in_part_takes_its_stop_with_it_and_the_rest_gets_a_new_pair():
    async def check(world: SpotWorld) -> None:
        price = await entered(world)
        world.exchange.faults.certain({"partial": 1})
        world.exchange.move(SYMBOL, price + 900)
        world.exchange.move(SYMBOL, price + 500)
        await world.run(2)
        ((left, _),) = world.sells("STOP_LOSS")
        assert 0 < left < SOLD and world.sells("LIMIT_MAKER") == [(left, price + 900)]
        assert world.own() == pytest.approx(left, abs=1e-5)

    in_spot_world(check)


def test_a_refused_pair_becomes_a_stop_and_the_bot_leaves_at_the_target_by_itself():
    async def check(world: SpotWorld) -> None:
        world.exchange.faults.certain({"refuse_stop": 1})
        price = await entered(world)
        await world.run(3)
        assert world.sells("STOP_LOSS") == [(SOLD, price - 600)] and world.sells("LIMIT_MAKER") == []
        world.exchange.move(SYMBOL, price + 950)
        await world.run(2)
        (row,) = world.executor.trades()
        assert (row["exit_reason"], row["is_open"], world.sold()) == ("target", False, [SOLD])

    in_spot_world(check)


def test_three_refused_stops_sell_at_the_market_and_halt():
    async def check(world: SpotWorld) -> None:
        world.exchange.faults.certain({"refuse_stop": 3})
        await entered(world)
        await world.run(5)
        assert read_standing(world.journal).state is TradingState.HALTED
        assert (world.executor.trades()[0]["exit_reason"], world.own()) == ("forced", 0.0)
        assert world.exchange.report()["unprotected_ms"][SYMBOL] <= 5_000

    in_spot_world(check)


@pytest.mark.parametrize(("spare", "least_ms"), [(0.0, 900), (0.5, 5_000)])
def test_a_lost_pair_is_waited_for_where_it_could_sell_coins_of_somebody_else(spare, least_ms):
    async def check(world: SpotWorld) -> None:
        world.exchange.give(SYMBOL, spare)
        await entered(world)
        world.exchange.move(SYMBOL, PRICE - 300)
        for order in world.exchange.open_orders(SYMBOL, is_algo=False):
            world.exchange.matching.end(world.exchange.state(SYMBOL), order, "CANCELED")
        world.exchange.faults.certain({"limited": 0})
        lost = world.clock.now_ms()
        world.venue.loses_next_pair = True
        while not world.sells("STOP_LOSS"):
            await world.run(0.5)
        assert least_ms <= world.clock.now_ms() - lost <= least_ms + 3_000

    in_spot_world(check)


@pytest.mark.parametrize(
    ("changes", "why"),
    [({"side": -1}, "the venue has no short positions"), ({"size": 0.00009}, "at its stop, less the fee, it is worth")],
)
def test_what_a_spot_market_cannot_carry_is_denied(changes, why):
    async def check(world: SpotWorld) -> None:
        outcome = await world.executor.enter([an_entry(world.clock, **changes)])
        assert outcome[SYMBOL].startswith(f"denied: {why}") and world.exchange.books.executions == []

    in_spot_world(check)


def test_what_is_worth_less_than_the_smallest_order_ends_the_trade_and_stays():
    async def check(world: SpotWorld) -> None:
        price = await entered(world)
        world.exchange.faults.certain({"partial": 1})
        part = world.exchange.state(SYMBOL)
        stop = next(o for o in part.open.values() if o.type == "STOP_LOSS")
        world.exchange.matching._fill(part, stop, 0.00993, price, False)
        world.exchange.matching.end(part, stop, "EXPIRED")
        await world.run(2)
        (row,) = world.executor.trades()
        assert (row["is_open"], row["exit_reason"]) == (False, "stop")
        assert row["open_base"] == pytest.approx(0.00006) and world.exchange.open_orders(SYMBOL, is_algo=False) == []

    in_spot_world(check)


def test_a_stop_that_filled_while_nobody_was_up_is_in_the_trades():
    async def check(world: SpotWorld) -> None:
        await entered(world)
        world.exchange.move(SYMBOL, PRICE - 1_000)
        world.anew()
        await world.executor.reconcile_all()
        (row,) = world.executor.trades()
        assert (row["exit_reason"], row["is_open"]) == ("stop", False)

    in_spot_world(check)


def test_a_sale_that_is_told_before_its_fill_is_known_is_not_made_a_second_time_of_somebody_elses_coins():
    async def check(world: SpotWorld) -> None:
        world.exchange.give(SYMBOL, 0.5)
        await entered(world)
        all_fills, world.venue.fills = world.venue.fills, world.bought  # the venue is late with its executions
        world.exchange.move(SYMBOL, PRICE - 1_000)
        await world.run(3)
        assert world.sold() == [SOLD] and world.exchange.open_orders(SYMBOL, is_algo=False) == []
        world.venue.fills = all_fills
        await world.run(3)
        (row,) = world.executor.trades()
        assert (row["exit_reason"], row["is_open"]) == ("stop", False)
        assert world.exchange.books.oversold == []

    in_spot_world(check)


@pytest.mark.parametrize("is_whole", [True, False])
def test_a_stop_that_fills_between_two_answers_does_not_make_an_owners_earlier_sale_ours(is_whole):
    async def check(world: SpotWorld) -> None:
        world.exchange.give(SYMBOL, 0.3)
        await entered(world)
        await world.venue.place(OrderRequest("hand-1", SYMBOL, -1, "market", 0.3))
        await world.run(3)
        account = world.venue.account

        async def after_the_stop():
            world.venue.account = account
            world.exchange.faults.certain({} if is_whole else {"partial": 1})
            world.exchange.move(SYMBOL, PRICE - 1_000)
            return await account()

        world.venue.account = after_the_stop
        await world.run(3)
        (row,) = world.executor.trades()
        assert (row["is_open"], row["exit_reason"]) == (False, "stop")
        assert row["exit_price"] < PRICE - 500 and world.own() == pytest.approx(0.0, abs=1e-5)

    in_spot_world(check)
