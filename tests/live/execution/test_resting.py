"""Entries that rest in the book: what they fill is protected, and they are gone when nobody may want them any more."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.live.execution.spot_world import in_spot_world
from tests.live.execution.world import PRICE, RULES, SYMBOL, ExecutorWorld, an_entry, in_world

from tradsys.live.bot import CYCLE_S
from tradsys.live.entry import Entry
from tradsys.live.execution.wishes import STOP_ENTRY
from tradsys.live.replay.lived import never_taken
from tradsys.live.state import Standing, TradingState, write_standing
from tradsys.live.venue import OrderRefused, OrderRequest, VenueUnknown

HOUR_MS = 3_600_000
INSIDE = 100.0
"""How far below the price a long rests."""


def resting(world: ExecutorWorld, side: int = 1, *, rests_ms: int = HOUR_MS, **changes: Any) -> Entry:
    """An entry that rests inside the price."""
    now = world.clock.now_ms()
    own = {"reference_price": PRICE - side * INSIDE, "rests_until_ms": now + rests_ms, "deadline_ms": now + 2 * HOUR_MS}
    return an_entry(world.clock, side, **own | changes)


def entries(world: ExecutorWorld) -> list[tuple[float, float]]:
    """What is left of entries in the book, and at which price."""
    orders = world.exchange.open_orders(SYMBOL, is_algo=False)
    return [(one.left, one.level or 0.0) for one in orders if one.opens_resting]


def ended(world: ExecutorWorld) -> list[str | None]:
    return [trade.ended for trade in world.journal.trades(is_open=False)]


@pytest.mark.parametrize("side", [1, -1])
def test_it_rests_at_its_price_as_a_plain_limit_and_all_is_settled(side):
    async def check(world: ExecutorWorld) -> None:
        assert await world.executor.enter([resting(world, side)]) == {SYMBOL: "open"}
        (order,) = world.exchange.open_orders(SYMBOL, is_algo=False)
        assert (order.type, order.time_in_force, order.reduce_only) == ("LIMIT", "GTC", False)
        assert entries(world) == [(0.01, PRICE - side * INSIDE)]
        assert await world.executor.reconcile_all() and world.executor.calm is not None
        (row,) = world.executor.resting()
        assert (row["symbol"], row["side"], row["price"], row["state"]) == (SYMBOL, side, PRICE - side * INSIDE, "open")
        assert world.executor.is_unsure, "a bot that ends waits for it to be gone"

    in_world(check)


@pytest.mark.parametrize("side", [1, -1])
def test_what_fills_it_fills_it_at_its_price_and_barriers_lie_from_there(side):
    async def check(world: ExecutorWorld) -> None:
        price = PRICE - side * INSIDE
        await world.executor.enter([resting(world, side)])
        world.exchange.move(SYMBOL, price)
        await world.executor.reconcile_all()
        assert world.held() == 0.0, "a touch fills nothing"
        world.exchange.move(SYMBOL, price - side * 1.0)
        assert await world.executor.reconcile_all()
        assert world.held() == side * 0.01
        assert world.stops() == [(0.01, price - side * 600)] and world.limits() == [(0.01, price + side * 900)]
        assert world.executor.resting() == []
        (row,) = world.executor.trades()
        assert row["entry_price"] == row["reference_price"] == price

    in_world(check)


def test_one_that_the_price_has_crossed_meanwhile_fills_at_once_and_no_dearer():
    async def check(world: ExecutorWorld) -> None:
        entry = resting(world)
        world.exchange.move(SYMBOL, PRICE - 300)
        assert await world.executor.enter([entry]) == {SYMBOL: "filled"}
        (row,) = world.executor.trades()
        assert row["entry_price"] == PRICE - 300 and world.stops() == [(0.01, PRICE - 900)]

    in_world(check)


def test_it_lapses_at_its_time_and_is_no_trade_but_missed():
    async def check(world: ExecutorWorld) -> None:
        await world.executor.enter([resting(world, rests_ms=40_000)])
        await world.run(39)
        assert entries(world) == [(0.01, PRICE - INSIDE)], "longer than an entry at the market is waited for"
        await world.run(2)
        assert entries(world) == [] and world.executor.trades() == [] and ended(world) == ["missed"]
        assert world.journal.symbols() == set()

    in_world(check)


def stopentry(world: ExecutorWorld) -> None:
    world.journal.set_flag(STOP_ENTRY, "stopentry by hand")


def reducing(world: ExecutorWorld) -> None:
    write_standing(world.journal, Standing(TradingState.REDUCING, "risk", "max_day_loss", world.clock.now_ms()))


def halted(world: ExecutorWorld) -> None:
    write_standing(world.journal, Standing(TradingState.HALTED, "risk", "max_drawdown", world.clock.now_ms()))


def exit_wished(world: ExecutorWorld) -> None:
    world.executor.request_exit(SYMBOL, "forceexit")


def bot_ends(world: ExecutorWorld) -> None:
    world.executor.end_entries()


@pytest.mark.parametrize("what", [stopentry, reducing, halted, exit_wished, bot_ends])
def test_it_is_taken_back_with_the_next_look_when_nothing_may_be_entered(what: Callable[[ExecutorWorld], None]):
    async def check(world: ExecutorWorld) -> None:
        await world.executor.enter([resting(world)])
        what(world)
        began_ms = world.clock.now_ms()
        await world.executor.reconcile_all()
        assert entries(world) == [] and ended(world) == ["withdrawn"]
        assert world.clock.now_ms() - began_ms <= 1_000
        assert not world.executor.is_unsure
        assert await world.executor.reconcile_all()

    in_world(check)


def test_flatten_takes_it_back():
    async def check(world: ExecutorWorld) -> None:
        await world.executor.enter([resting(world)])
        assert await world.executor.flatten()
        assert entries(world) == [] and ended(world) == ["withdrawn"]

    in_world(check)


def in_parts(world: ExecutorWorld) -> None:
    """The next fill is a first part, and no more of it follows while the price stays above."""
    world.exchange.faults.once["partial"] = 1
    world.exchange.move(SYMBOL, PRICE - INSIDE - 1)
    world.exchange.move(SYMBOL, PRICE)


def test_a_part_of_it_is_protected_while_the_rest_rests_and_the_rest_too_when_it_fills():
    async def check(world: ExecutorWorld) -> None:
        await world.executor.enter([resting(world, size=0.1)])
        in_parts(world)
        assert await world.executor.reconcile_all(), "what is filled is protected, and the rest waits for the market"
        part = world.held()
        assert 0 < part < 0.1 and world.stops() == [(part, PRICE - INSIDE - 600)]
        assert entries(world) == [(pytest.approx(0.1 - part), PRICE - INSIDE)]
        world.exchange.move(SYMBOL, PRICE - INSIDE - 1)
        await world.executor.reconcile_all()
        assert world.held() == pytest.approx(0.1)
        assert sum(size for size, _ in world.stops()) == pytest.approx(0.1)
        assert sum(size for size, _ in world.limits()) == pytest.approx(0.1)

    in_world(check)


@pytest.mark.parametrize("size", [0.005, 0.006])
def test_a_last_part_that_is_too_small_for_a_target_of_its_own_leaves_with_the_others(size: float):
    async def check(world: ExecutorWorld) -> None:
        rules = world.executor.markets[SYMBOL]
        world.executor.markets[SYMBOL] = replace(rules, min_notional_quote=100.0)
        await world.executor.enter([resting(world, size=size)])
        for _ in range(6):
            in_parts(world)
            await world.run(1)
        assert world.held() == size and sum(size for size, _ in world.limits()) == pytest.approx(size)
        world.exchange.move(SYMBOL, PRICE + 1_500)
        await world.run(2)
        assert world.held() == 0.0 and world.executor.trades()[0]["exit_reason"] == "target"

    in_world(check)


def test_when_it_lapses_the_part_that_filled_goes_on():
    async def check(world: ExecutorWorld) -> None:
        await world.executor.enter([resting(world, size=0.1, rests_ms=5_000)])
        in_parts(world)
        await world.run(7)
        part = world.held()
        assert entries(world) == [] and 0 < part < 0.1 and [size for size, _ in world.stops()] == [part]
        assert [row["is_open"] for row in world.executor.trades()] == [True]

    in_world(check)


@pytest.mark.parametrize("to", [PRICE + 1_000, PRICE - 1_000])
def test_a_barrier_that_is_met_takes_back_what_still_rests(to):
    async def check(world: ExecutorWorld) -> None:
        await world.executor.enter([resting(world, size=0.1)])
        in_parts(world)
        await world.executor.reconcile_all()
        part = world.held()
        world.exchange.move(SYMBOL, to)
        await world.run(2)
        assert entries(world) == [] and world.executor.resting() == []
        if to > PRICE:
            assert world.held() == 0.0 and world.executor.trades()[0]["size_base"] == pytest.approx(part)
        world.exchange.move(SYMBOL, PRICE - INSIDE - 1)
        await world.run(2)
        assert world.held() == 0.0 and world.stops() == [] and not world.executor.trades(is_open=True)

    in_world(check)


def test_a_deadline_takes_back_the_rest_with_the_position():
    async def check(world: ExecutorWorld) -> None:
        entry = resting(world, size=0.1, rests_ms=5_000, deadline_ms=world.clock.now_ms() + 5_000)
        await world.executor.enter([entry])
        in_parts(world)
        await world.run(7)
        assert world.held() == 0.0 and entries(world) == []
        assert world.executor.trades()[0]["exit_reason"] == "time"

    in_world(check)


def test_until_when_it_rests_outlives_a_restart_and_what_filled_meanwhile_is_protected():
    async def check(world: ExecutorWorld) -> None:
        await world.executor.enter([resting(world, rests_ms=10_000)])
        world.anew()
        await world.ready()
        assert entries(world) == [(0.01, PRICE - INSIDE)], "it is waited for as before"
        world.anew()
        world.exchange.move(SYMBOL, PRICE - INSIDE - 1)
        assert world.stops() == [], "nobody is there"
        await world.ready()
        assert world.stops() == [(0.01, PRICE - INSIDE - 600)]

    in_world(check)


def test_after_a_restart_it_lapses_at_its_time():
    async def check(world: ExecutorWorld) -> None:
        await world.executor.enter([resting(world, rests_ms=10_000)])
        world.anew()
        await asyncio.sleep(11)
        await world.ready()
        assert entries(world) == [] and ended(world) == ["missed"]

    in_world(check)


def test_one_that_never_arrived_is_sent_again_until_it_lapses(monkeypatch: pytest.MonkeyPatch):
    async def check(world: ExecutorWorld) -> None:
        sent, place = list[str](), world.venue.place
        deaf_until_ms = world.clock.now_ms() + RULES.entry_patience_ms + 5_000

        async def lost(order: OrderRequest) -> Any:
            sent.append(order.client_id)
            if world.clock.now_ms() < deaf_until_ms:
                raise VenueUnknown("no answer in time")
            return await place(order)

        monkeypatch.setattr(world.venue, "place", lost)
        await world.executor.enter([resting(world, rests_ms=60_000)])
        await world.run(50)
        assert len(sent) > 3 and len(set(sent)) == 1 and entries(world) == [(0.01, PRICE - INSIDE)]

    in_world(check)


@pytest.mark.parametrize("rests_s", [None, 120])
def test_one_that_was_lost_and_then_refused_is_sent_no_third_time(rests_s: int | None, monkeypatch: pytest.MonkeyPatch):
    async def check(world: ExecutorWorld) -> None:
        sent = list[str]()

        async def lost_then_refused(order: OrderRequest) -> Any:
            sent.append(order.client_id)
            if len(sent) == 1:
                raise VenueUnknown("no answer in time")
            raise OrderRefused("-4024 Limit price can't be lower than 61000.")

        monkeypatch.setattr(world.venue, "place", lost_then_refused)
        await world.executor.enter(
            [an_entry(world.clock) if rests_s is None else resting(world, rests_ms=rests_s * 1_000)]
        )
        await world.run(100)
        assert len(sent) == 2 and ended(world) == ["refused"] and world.executor.resting() == []
        (intent,) = world.journal.intents(world.journal.trades()[0].key)
        assert intent.note == "-4024 Limit price can't be lower than 61000."
        assert never_taken(world.journal) == [(SYMBOL, world.journal.trades()[0].close_ms)]

    in_world(check)


def test_one_that_is_refused_for_the_one_sent_before_rests_as_that(monkeypatch: pytest.MonkeyPatch):
    async def check(world: ExecutorWorld) -> None:
        sent, place = list[str](), world.venue.place

        async def lost_then_twice(order: OrderRequest) -> Any:
            sent.append(order.client_id)
            if len(sent) == 1:
                raise VenueUnknown("no answer in time")
            await place(order)
            raise OrderRefused("-4116 ClientOrderId is duplicated.")

        monkeypatch.setattr(world.venue, "place", lost_then_twice)
        await world.executor.enter([resting(world)])
        await world.run(60)
        assert len(sent) == 2 and entries(world) == [(0.01, PRICE - INSIDE)]
        assert [row["state"] for row in world.executor.resting()] == ["open"]

    in_world(check)


def test_one_of_an_earlier_trade_that_arrives_late_does_not_rest_beside_it():
    async def check(world: ExecutorWorld) -> None:
        await world.executor.enter([resting(world, rests_ms=3_000)])
        await world.run(10)
        (late,) = world.journal.intents(world.journal.trades()[0].key)
        await world.executor.enter([resting(world)])
        await world.venue.place(late.request)
        assert len(entries(world)) == 2
        await world.executor.reconcile_all()
        (own,) = world.journal.unsettled(SYMBOL)
        assert [order.client_id for order in world.exchange.open_orders(SYMBOL, is_algo=False)] == [own.client_id]

    in_world(check)


@pytest.mark.parametrize("left_ms", [0, 10_000])
def test_a_position_that_somebody_took_on_its_side_is_not_closed_with_an_entry_that_was_missed(left_ms: int):
    async def check(world: ExecutorWorld) -> None:
        deadline_ms = world.clock.now_ms() + 10_000 + left_ms
        await world.executor.enter([resting(world, rests_ms=10_000, deadline_ms=deadline_ms)])
        await world.venue.place(OrderRequest("by-hand", SYMBOL, 1, "market", 0.02))
        await world.run(5)
        assert world.stops() == [(0.02, PRICE - 600)] and len(entries(world)) == 1
        await world.run(30)
        assert ended(world) == ["missed"] and world.held() == 0.02 and entries(world) == []
        assert world.stops() == [(0.02, PRICE * 0.98)], "that of a position that was found"
        assert [trade.origin for trade in world.journal.trades(is_open=True)] == ["foreign"]
        assert world.exchange.report()["unprotected_ms"][SYMBOL] <= 1_000

    in_world(check)


def test_somebody_who_takes_the_other_side_ends_the_waiting():
    async def check(world: ExecutorWorld) -> None:
        await world.executor.enter([resting(world)])
        await world.venue.place(OrderRequest("by-hand", SYMBOL, -1, "market", 0.02))
        await world.run(3)
        assert entries(world) == [] and world.held() == -0.02 and len(world.stops()) == 1

    in_world(check)


def test_a_part_that_is_too_small_to_be_protected_is_not_kept_waiting_for_more():
    async def check(world: ExecutorWorld) -> None:
        rules = world.executor.markets[SYMBOL]
        world.executor.markets[SYMBOL] = replace(rules, min_notional_quote=100.0)
        await world.executor.enter([resting(world, size=0.002)])
        in_parts(world)
        assert world.held() == 0.001, "60 in quote, where the smallest order is 100"
        await world.run(4)
        assert entries(world) == [] and world.held() == 0.0

    in_world(check)


def test_coins_are_bought_at_the_limit_locked_as_one_pair_and_the_money_was_bound():
    async def check(world) -> None:
        price = PRICE - INSIDE
        assert await world.executor.enter([resting(world)]) == {SYMBOL: "open"}
        account = await world.venue.account()
        assert account.available_quote == pytest.approx(10_000 - 0.01 * price)
        world.exchange.move(SYMBOL, price - 1)
        assert await world.executor.reconcile_all()
        assert len(world.sells("STOP_LOSS")) == len(world.sells("LIMIT_MAKER")) == 1
        assert world.sells("STOP_LOSS")[0][1] == price - 600
        stopentry(world)
        await world.executor.reconcile_all()
        assert world.own() > 0.0099, "what is held stays"

    in_spot_world(check)


def test_on_a_spot_market_what_still_fills_is_taken_back_before_coins_are_sold_at_a_stop_that_was_passed():
    async def check(world) -> None:
        await world.executor.enter([resting(world, size=0.1)])
        world.exchange.faults.set({"partial": 1.0})
        world.exchange.move(SYMBOL, PRICE - 1_000)
        assert 0 < world.own() < 0.1
        await world.run(4)
        assert ("stop", "-e000") in [
            (fields["why"], fields["client_id"][-5:]) for kind, fields in world.told if kind == "cancelled"
        ]
        assert world.executor.trades()[0]["size_base"] < 0.1

    in_spot_world(check)


def test_on_a_spot_market_stopentry_takes_the_bid_back():
    async def check(world) -> None:
        await world.executor.enter([resting(world)])
        stopentry(world)
        await world.executor.reconcile_all()
        assert world.exchange.open_orders(SYMBOL, is_algo=False) == [] and ended(world) == ["withdrawn"]

    in_spot_world(check)


@pytest.mark.parametrize("after_s", [0.1, 2.0, 3.9])
def test_where_no_stream_hints_at_a_fill_it_is_bare_for_five_seconds_at_most(after_s):
    async def check(world: ExecutorWorld) -> None:
        await world.executor.enter([resting(world)])
        world.exchange.turn(True)
        await world.executor.reconcile_all()
        moving = asyncio.create_task(moved(world))
        await world.run(12, every_s=CYCLE_S)
        await moving
        assert world.stops() == [(0.01, PRICE - INSIDE - 600)]
        assert 0 < world.exchange.report()["unprotected_ms"][SYMBOL] <= 5_000

    async def moved(world: ExecutorWorld) -> None:
        await asyncio.sleep(after_s)
        world.exchange.move(SYMBOL, PRICE - INSIDE - 1)

    in_world(check)
