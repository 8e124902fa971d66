"""Several symbols at once, and several who ask at once."""

import asyncio

import pytest
from tests.exchange.building import random_exchange
from tests.live.execution.world import PRICE, SYMBOL, ExecutorWorld, an_entry, in_world
from tests.live.virtual_time import LoopClock, run_virtual

from tradsys.core.errors import DiskError
from tradsys.live.venue import OrderRequest

SYMBOLS = tuple(f"S{number}USDT" for number in range(5))


def on_five(check) -> None:
    async def main(clock: LoopClock) -> None:
        world = ExecutorWorld(clock, random_exchange(clock, SYMBOLS))
        await world.ready()
        await check(world)
        await world.venue.close()

    run_virtual(main)


def entries(world: ExecutorWorld):
    made = []
    for symbol in SYMBOLS:
        price, market = world.exchange.state(symbol).price, world.executor.markets[symbol]
        size = round(100 / price / market.lot) * market.lot
        changes = dict(symbol=symbol, reference_price=price, stop_distance=price / 50, target_distance=price / 50)
        made.append(an_entry(world.clock, size=round(size, 9), **changes))
    return made


def test_all_entries_of_a_close_are_one_commit_and_leave_before_any_answer():
    async def check(world: ExecutorWorld) -> None:
        order, n_told = list[str](), list[int]()
        world.journal._db.set_trace_callback(lambda text: order.append(text) if text == "commit" else None)
        place = world.venue.place

        async def noted(request: OrderRequest):
            n_told.append(world.kinds().count("order_sent"))
            order.append("sent")
            answer = await place(request)
            order.append("answered")
            return answer

        world.venue.place = noted
        outcomes = await world.executor.enter(entries(world))
        assert outcomes == dict.fromkeys(SYMBOLS, "filled")
        assert n_told[:5] == [0] * 5  # nothing is written about any before all have left
        assert order[:6] == ["commit"] + ["sent"] * 5 and order[6] == "answered"

    on_five(check)


def test_a_slow_answer_keeps_no_other_symbol_waiting():
    async def check(world: ExecutorWorld) -> None:
        place = world.venue.place

        async def slow(request: OrderRequest):
            answer = await place(request)
            if request.symbol == SYMBOLS[0] and not request.is_reduce_only:
                await asyncio.sleep(30)
            return answer

        world.venue.place = slow
        entering = asyncio.ensure_future(world.executor.enter(entries(world)))
        await asyncio.sleep(0.5)
        assert all(world.stops(symbol) for symbol in SYMBOLS[1:])
        assert await world.executor.reconcile(SYMBOLS[0]) and world.stops(SYMBOLS[0])
        assert (await entering)[SYMBOLS[0]] == "filled"

    on_five(check)


def test_what_goes_wrong_with_one_symbol_stops_no_other():
    async def check(world: ExecutorWorld) -> None:
        place = world.venue.place

        async def broken(request: OrderRequest):
            if request.symbol == SYMBOLS[0]:
                raise ZeroDivisionError("a fault of ours")
            return await place(request)

        world.venue.place = broken
        with pytest.raises(ZeroDivisionError):
            await world.executor.enter(entries(world))
        assert all(world.stops(symbol) for symbol in SYMBOLS[1:])

    on_five(check)


def test_many_who_reconcile_at_once_act_once():
    async def check(world: ExecutorWorld) -> None:
        world.exchange.faults.once["slow_match"] = 1
        await world.executor.enter([an_entry(world.clock)])
        while not world.held():
            await asyncio.sleep(0.01)
        await asyncio.gather(*(world.executor.reconcile(SYMBOL) for _ in range(5)), world.executor.reconcile_all())
        assert len(world.stops()) == len(world.limits()) == 1

    in_world(check)


def test_a_look_at_a_quiet_account_asks_no_fills():
    async def check(world: ExecutorWorld) -> None:
        await world.executor.enter([an_entry(world.clock)])
        await world.executor.reconcile_all()
        fills, asked = world.venue.fills, []

        async def counted(symbol: str, start_ms: int):
            asked.append(symbol)
            return await fills(symbol, start_ms)

        world.venue.fills = counted
        await world.run(5)
        assert asked == []
        world.exchange.move(SYMBOL, PRICE + 1_000)
        await world.run(1)
        assert asked and world.executor.trades()[0]["exit_reason"] == "target"

    in_world(check)


def test_nothing_leaves_where_the_journal_cannot_be_written():
    async def check(world: ExecutorWorld) -> None:
        def full(*_):
            raise DiskError("the disk is full")

        world.journal.add = full
        assert await world.executor.enter([an_entry(world.clock)]) == {SYMBOL: "denied: the disk is full"}
        assert world.exchange.watch.ids == {}

    in_world(check)


def test_what_the_account_was_stopped_for_is_heard_after_a_restart():
    async def check(world: ExecutorWorld) -> None:
        world.journal.set_flag("stopentry", "by hand")
        world.anew()
        await world.ready()
        assert await world.executor.enter([an_entry(world.clock)]) == {SYMBOL: "denied: stopentry: by hand"}
        world.journal.set_flag("stopentry", None)
        assert await world.executor.enter([an_entry(world.clock)]) == {SYMBOL: "filled"}

    in_world(check)


def test_a_symbol_that_was_not_looked_at_lately_is_not_entered():
    async def check(world: ExecutorWorld) -> None:
        await asyncio.sleep(31)
        assert "not seen to hold nothing" in (await world.executor.enter([an_entry(world.clock)]))[SYMBOL]
        world.anew()
        await world.ready()
        assert await world.executor.enter([an_entry(world.clock)]) == {SYMBOL: "filled"}

    in_world(check)
