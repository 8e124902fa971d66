"""What the venue shows late, out of order, or contradicting itself for a moment."""

import asyncio

from tests.live.execution.world import PRICE, SYMBOL, ExecutorWorld, an_entry, in_world

from tradsys.live.venue import NotSent, OrderRefused, OrderRequest, VenueUnknown


def test_an_order_that_was_taken_and_is_not_shown_yet_is_believed():
    async def check(world: ExecutorWorld) -> None:
        world.exchange.faults.set({"unseen": 1.0})
        await world.executor.enter([an_entry(world.clock)])
        await world.run(3, every_s=0.1)
        assert sorted(name.split("-")[3][0] for name in world.exchange.watch.ids) == ["e", "s", "t"]

    in_world(check)


def test_a_second_sending_that_is_refused_because_the_first_is_there_is_found():
    async def check(world: ExecutorWorld) -> None:
        place, sent = world.venue.place, []

        async def doubled(order: OrderRequest):
            if order.is_reduce_only:
                return await place(order)
            sent.append(order.client_id)
            if len(sent) == 1:
                raise VenueUnknown("no answer in time")
            await place(order)
            raise OrderRefused("-4116 ClientOrderId is duplicated.")

        world.venue.place = doubled
        await world.executor.enter([an_entry(world.clock)])
        await world.run(9)
        (row,) = world.executor.trades()
        assert (row["origin"], row["open_base"], len(set(sent))) == ("entry", 0.01, 1)
        assert len(world.stops()) == 1

    in_world(check)


def test_a_stop_is_the_first_that_a_venue_gets_that_was_asked_too_often():
    async def check(world: ExecutorWorld) -> None:
        place, ask, quiet_until = world.venue.place, world.venue._ask, [0]

        def left_s() -> float:
            return max(0.0, (quiet_until[0] - world.clock.now_ms()) / 1_000)

        async def limited(order: OrderRequest):
            if order.kind == "stop" and not quiet_until[0]:
                quiet_until[0] = world.clock.now_ms() + 2_000
            if left_s():
                raise NotSent("asked too often", left_s())
            return await place(order)

        async def quiet(*asked, **how):
            if left_s():
                raise NotSent("asked too often", left_s())
            return await ask(*asked, **how)

        world.venue.place, world.venue._ask = limited, quiet
        await world.executor.enter([an_entry(world.clock)])
        await world.run(4)
        assert [name.split("-")[3][:4] for name in world.exchange.watch.ids if "-s" in name] == ["s000"]
        assert 1_900 < world.exchange.report()["unprotected_ms"][SYMBOL] < 2_100

    in_world(check)


def test_an_entry_that_comes_after_it_was_given_up_is_our_own():
    async def check(world: ExecutorWorld) -> None:
        place, kept = world.venue.place, []

        async def lost(order: OrderRequest):
            if order.is_reduce_only:
                return await place(order)
            kept.append(order)
            raise VenueUnknown("no answer in time")

        world.venue.place = lost
        await world.executor.enter([an_entry(world.clock)])
        await world.run(8)
        await place(kept[0])
        await world.run(1)
        assert [row["origin"] for row in world.executor.trades()] == ["entry"]
        assert len(world.stops()) == len(world.limits()) == 1

    in_world(check)


def test_fills_that_are_shown_late_end_the_trade_when_they_come():
    async def check(world: ExecutorWorld) -> None:
        await world.executor.enter([an_entry(world.clock)])
        fills, is_late = world.venue.fills, [True]

        async def late(symbol: str, start_ms: int):
            return [] if is_late[0] else await fills(symbol, start_ms)

        world.venue.fills = late
        world.exchange.move(SYMBOL, PRICE - 1_000)
        await world.run(5)
        assert world.stops() == world.limits() == []
        (row,) = world.executor.trades()
        assert row["is_open"]
        is_late[0] = False
        await world.run(1)
        (row,) = world.executor.trades()
        assert (row["is_open"], row["exit_reason"]) == (False, "stop")

    in_world(check)


def test_fills_of_a_whole_trade_that_are_shown_late_are_read_after_all():
    async def check(world: ExecutorWorld) -> None:
        fills, is_late = world.venue.fills, [True]

        async def late(symbol: str, start_ms: int):
            return [] if is_late[0] else await fills(symbol, start_ms)

        world.venue.fills = late
        await world.executor.enter([an_entry(world.clock)])
        assert len(world.stops()) == 1
        world.exchange.move(SYMBOL, PRICE - 1_000)
        await world.run(5)
        is_late[0] = False
        await world.run(1)
        (row,) = world.executor.trades()
        assert (row["is_open"], row["exit_reason"], row["size_base"]) == (False, "stop", 0.01)

    in_world(check)


def test_fills_that_never_come_end_the_trade_for_unknown_reasons():
    async def check(world: ExecutorWorld) -> None:
        await world.executor.enter([an_entry(world.clock)])

        async def none(symbol: str, start_ms: int):
            return []

        world.venue.fills = none
        world.exchange.move(SYMBOL, PRICE - 1_000)
        await world.run(59, every_s=1)
        assert world.executor.trades()[0]["is_open"]
        await world.run(5, every_s=1)
        (row,) = world.executor.trades()
        assert (row["is_open"], row["exit_reason"]) == (False, "unknown")

    in_world(check)


def test_a_look_that_began_before_something_was_sent_is_not_believed():
    async def check(world: ExecutorWorld) -> None:
        await world.executor.enter([an_entry(world.clock)])
        account = world.venue.account

        async def stale():
            answer = await account()
            await asyncio.sleep(1)
            return answer

        world.venue.account = stale
        looking = asyncio.ensure_future(world.executor.reconcile_all())
        await asyncio.sleep(0.5)
        world.venue.account = account
        world.executor.request_exit(SYMBOL, "forceexit")
        while not await world.executor.reconcile(SYMBOL):
            await asyncio.sleep(0.01)
        world.told.clear()
        await looking
        assert not {"unprotected", "foreign", "order_sent"} & set(world.kinds())

    in_world(check)


def test_a_position_that_somebody_turned_round_is_no_longer_ours():
    async def check(world: ExecutorWorld) -> None:
        await world.executor.enter([an_entry(world.clock)])
        await world.venue.place(OrderRequest("by-hand", SYMBOL, -1, "market", 0.03))
        await world.run(4)
        ours, found = world.executor.trades()
        assert (ours["exit_reason"], ours["is_open"]) == ("unknown", False)
        assert (found["origin"], found["side"], found["open_base"]) == ("foreign", -1, 0.02)
        assert world.stops() == [(0.02, PRICE * 1.02)] and world.limits() == []

    in_world(check)
