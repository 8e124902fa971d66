"""Steps, bands, smallest and largest orders of the venue, and what is done where they are in the way."""

import asyncio
from contextlib import suppress
from dataclasses import replace

import pytest
from tests.exchange.rules import SymbolRules
from tests.live.execution.world import PRICE, SYMBOL, ExecutorWorld, an_entry, in_world

from tradsys.live.venue import OrderRequest, VenueRefused


def ruled(world: ExecutorWorld, **changes: float) -> None:
    now = {SYMBOL: replace(world.executor.markets[SYMBOL], **changes)}
    world.executor.markets.update(now)

    async def told(_: object):
        return now

    world.venue.markets = told


def test_an_exit_larger_than_the_largest_market_order_leaves_in_parts():
    async def check(world: ExecutorWorld) -> None:
        await world.executor.enter([an_entry(world.clock, size=0.05)])
        ruled(world, max_market_size_base=0.02)
        world.executor.request_exit(SYMBOL, "forceexit")
        await world.run(2)
        sizes = sorted(e.size for e in world.exchange.books.executions if e.side < 0)
        assert sizes == pytest.approx([0.01, 0.02, 0.02]) and world.held() == 0.0
        assert world.executor.trades()[0]["exit_reason"] == "forced"

    in_world(check)


def test_a_found_position_larger_than_the_largest_order_has_several_stops():
    async def check(world: ExecutorWorld) -> None:
        await world.venue.place(OrderRequest("by-hand", SYMBOL, 1, "market", 0.05))
        ruled(world, max_market_size_base=0.02)
        await world.run(3)
        assert sorted(size for size, _ in world.stops()) == pytest.approx([0.01, 0.02, 0.02])

    in_world(check)


def test_a_target_outside_of_the_band_waits_until_the_venue_would_take_it():
    async def check(world: ExecutorWorld) -> None:
        ruled(world, price_band=0.01)
        await world.executor.enter([an_entry(world.clock)])
        assert world.limits() == [] and len(world.stops()) == 1
        world.exchange.move(SYMBOL, PRICE + 400)
        await world.run(1)
        assert world.limits() == [(0.01, PRICE + 900)]

    in_world(check)


@pytest.mark.parametrize("side", [1, -1])
def test_a_stop_that_is_refused_outside_of_the_band_stands_at_its_edge(side):
    async def check(world: ExecutorWorld) -> None:
        ruled(world, price_band=0.005)
        world.exchange.faults.once["refuse_stop"] = 1
        await world.executor.enter([an_entry(world.clock, side)])
        assert world.stops() == [(0.01, pytest.approx(PRICE - side * 300 + side * 0.1))]
        await world.run(5)
        assert len(world.stops()) == 1

    in_world(check)


def test_a_stop_outside_of_the_band_is_tried_where_it_belongs():
    async def check(world: ExecutorWorld) -> None:
        ruled(world, price_band=0.005)
        await world.executor.enter([an_entry(world.clock)])
        assert world.stops() == [(0.01, PRICE - 600)]

    in_world(check)


def test_what_is_too_small_for_a_stop_is_left_at_the_market():
    async def check(world: ExecutorWorld) -> None:
        ruled(world, min_size_base=0.02)
        await world.venue.place(OrderRequest("by-hand", SYMBOL, 1, "market", 0.01))
        await world.run(3)
        assert world.held() == 0.0 and world.stops() == []

    in_world(check)


def test_a_missing_part_that_is_too_small_is_covered_by_a_stop_of_the_whole():
    async def check(world: ExecutorWorld) -> None:
        await world.executor.enter([an_entry(world.clock, size=0.01)])
        ruled(world, min_size_base=0.005)
        await world.venue.place(OrderRequest("by-hand", SYMBOL, 1, "market", 0.002))
        await world.run(2)
        assert [size for size, _ in world.stops()] == pytest.approx([0.012])

    in_world(check)


def test_a_target_is_for_what_is_our_own_and_the_stop_for_all_that_is_held():
    async def check(world: ExecutorWorld) -> None:
        await world.executor.enter([an_entry(world.clock)])
        await world.venue.place(OrderRequest("by-hand", SYMBOL, 1, "market", 0.02))
        await world.run(2)
        assert sum(size for size, _ in world.stops()) == pytest.approx(0.03)
        assert sum(size for size, _ in world.limits()) == pytest.approx(0.01)

    in_world(check)


def test_a_tick_that_changes_amid_a_trade_is_learned_from_the_first_refusal():
    async def check(world: ExecutorWorld) -> None:
        state = world.exchange.state(SYMBOL)
        state.rules = replace(state.rules, tick=0.5)
        await world.executor.enter([an_entry(world.clock, stop_distance=600.3, target_distance=900.3)])
        await world.run(3)
        assert world.stops() == [(0.01, PRICE - 600.5)] and world.limits() == [(0.01, PRICE + 900.5)]
        assert world.executor.markets[SYMBOL].tick == 0.5
        assert world.exchange.report()["unprotected_ms"][SYMBOL] < 1_000

    in_world(check)


def test_rules_are_read_again_once_an_hour_and_a_market_that_is_gone_takes_no_entry():
    async def check(world: ExecutorWorld) -> None:
        state = world.exchange.state(SYMBOL)
        state.rules = replace(state.rules, lot=0.01)
        await world.run(3_500, every_s=100)
        assert world.executor.markets[SYMBOL].lot == 0.001
        await world.run(200, every_s=100)
        assert world.executor.markets[SYMBOL].lot == 0.01
        state.status = "SETTLING"
        await world.run(3_700, every_s=100)
        await world.executor.reconcile_all()
        assert "not trading" in (await world.executor.enter([an_entry(world.clock)]))[SYMBOL]

    in_world(check)


def test_a_trade_whose_market_is_gone_after_a_restart_is_over_and_holds_up_no_other():
    async def check(world: ExecutorWorld) -> None:
        await world.executor.enter([an_entry(world.clock)])
        world.exchange.delist(SYMBOL)
        gone = world.exchange.symbols.pop(SYMBOL)
        world.exchange.list_symbol(SymbolRules("ETHUSDT", tick=0.01, lot=0.01), 3_000.0)
        executor = world.anew()
        executor.markets.update(await world.venue.markets(["ETHUSDT"]))
        await world.venue.place(OrderRequest("by-hand", "ETHUSDT", 1, "market", 0.5))
        await world.run(50, every_s=1)
        assert world.stops("ETHUSDT") and world.journal.open_trade(SYMBOL) is not None
        await world.run(15, every_s=1)
        trade = world.journal.trades(symbol=SYMBOL)[0]
        assert (trade.ended, world.journal.unsettled(SYMBOL)) == ("delisted", [])
        assert gone.holding.size == 0.0

    in_world(check)


def test_where_the_account_is_refused_the_markets_are_read_again_since_one_may_be_gone():
    async def check(world: ExecutorWorld) -> None:
        await world.executor.enter([an_entry(world.clock)])
        await world.executor.reconcile_all()
        account, markets, is_read = world.venue.account, world.venue.markets, []

        async def refused():
            if not is_read:
                raise VenueRefused("Invalid symbol.")
            return await account()

        async def read(symbols):
            is_read.append(world.clock.now_ms())
            return await markets(symbols)

        world.venue.account, world.venue.markets = refused, read
        for _ in range(10):
            with suppress(VenueRefused):
                await world.executor.reconcile_all()
            await asyncio.sleep(10)
        assert await world.executor.reconcile_all() and len(is_read) == 1

    in_world(check)


def test_a_refusal_that_is_not_of_the_market_ends_no_trade():
    async def check(world: ExecutorWorld) -> None:
        await world.executor.enter([an_entry(world.clock)])

        async def refused(*_: object) -> None:
            raise VenueRefused("-2015 the key may not do that")

        fills, world.venue.fills = world.venue.fills, refused
        world.exchange.move(SYMBOL, PRICE - 1_000)
        await world.run(90, every_s=1)
        assert world.executor.refused == [SYMBOL] and world.journal.open_trade(SYMBOL) is not None
        world.venue.fills = fills
        await world.run(2)
        assert world.executor.refused == [] and world.executor.trades()[0]["exit_reason"] == "stop"

    in_world(check)


def test_prices_are_on_ticks_and_the_stop_is_measured_from_the_average_fill():
    async def check(world: ExecutorWorld) -> None:
        world.exchange.faults.set({"partial": 1.0})
        await world.executor.enter([an_entry(world.clock, stop_distance=600.04, target_distance=900.06)])
        world.exchange.move(SYMBOL, PRICE + 100)
        await world.run(3)
        (row,) = world.executor.trades()
        average = row["entry_price"]
        assert PRICE < average < PRICE + 100
        stop, target = round(average - 600.04, 1), round(average + 900.06, 1)
        assert [price for _, price in world.stops()] == pytest.approx([stop] * len(world.stops()), abs=1e-6)
        assert [price for _, price in world.limits()] == pytest.approx([target] * len(world.limits()), abs=1e-6)
        assert world.stops() and world.limits()

    in_world(check)


def test_many_small_fills_do_not_make_more_stops_than_the_venue_takes():
    async def check(world: ExecutorWorld) -> None:
        for number in range(12):
            await world.venue.place(OrderRequest(f"by-hand-{number}", SYMBOL, 1, "market", 0.002))
            await world.run(1.5)
            assert len(world.stops()) <= 3
            assert sum(size for size, _ in world.stops()) == pytest.approx(world.held()) or number == 0

    in_world(check)


def test_a_liquidation_is_what_ended_the_trade():
    async def check(world: ExecutorWorld) -> None:
        entry = an_entry(world.clock, size=1.0, stop_distance=20_000.0, target_distance=20_000.0)
        await world.executor.enter([entry])
        world.exchange.move(SYMBOL, PRICE - 12_000)
        await world.run(1)
        (row,) = world.executor.trades()
        assert (row["exit_reason"], row["is_open"]) == ("liquidated", False)
        assert world.stops() == world.limits() == []

    in_world(check)


def test_a_refused_exit_is_tried_again_and_the_stop_stays_meanwhile():
    async def check(world: ExecutorWorld) -> None:
        await world.executor.enter([an_entry(world.clock)])
        place, refusals = world.venue.place, []

        async def refusing(order: OrderRequest):
            if order.kind == "market" and len(refusals) < 2:
                refusals.append(world.clock.now_ms())
                order = replace(order, size_base=1e-9)
            return await place(order)

        world.venue.place = refusing
        world.executor.request_exit(SYMBOL, "forceexit")
        await world.executor.reconcile(SYMBOL)
        assert world.held() == 0.01 and len(world.stops()) == 1
        await world.run(6)
        assert world.held() == 0.0 and refusals[1] - refusals[0] >= 1_000

    in_world(check)


def test_a_target_that_cannot_be_cancelled_keeps_no_position_from_its_exit():
    async def check(world: ExecutorWorld) -> None:
        await world.executor.enter([an_entry(world.clock)])

        async def refusing(*_: object) -> None:
            raise VenueRefused("-4999 not now")

        world.venue.cancel = refusing
        world.executor.request_exit(SYMBOL, "forceexit")
        await world.run(2)
        assert world.held() == 0.0 and world.executor.trades()[0]["open_base"] == 0.0
        assert any("cancelling: -4999" in str(fields.get("what")) for _, fields in world.told)

    in_world(check)


def test_a_stop_whose_answer_is_late_is_written_down_when_it_comes():
    async def check(world: ExecutorWorld) -> None:
        place = world.venue.place

        async def slow(order: OrderRequest):
            answer = await place(order)
            if order.kind == "stop":
                await asyncio.sleep(20)
            return answer

        world.venue.place = slow
        begun = world.clock.now_ms()
        await world.executor.enter([an_entry(world.clock)])
        assert world.clock.now_ms() - begun < 3_000 and len(world.stops()) == 1
        await world.executor.close()
        assert world.clock.now_ms() - begun >= 20_000
        assert [i.state for i in world.journal.intents(f"{SYMBOL}@{begun}") if i.leg == "stop"] == ["open"]

    in_world(check)
