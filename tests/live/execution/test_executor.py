"""What the executor does with one symbol, situation by situation."""

import asyncio

import pytest
from tests.exchange.rules import SymbolRules
from tests.live.execution.world import PRICE, SYMBOL, ExecutorWorld, an_entry, in_world

from tradsys.live.state import TradingState, read_standing
from tradsys.live.venue import OrderRequest, VenueUnknown


@pytest.mark.parametrize("side", [1, -1])
def test_an_entry_has_its_stop_and_target_when_enter_returns(side):
    async def check(world: ExecutorWorld) -> None:
        assert await world.executor.enter([an_entry(world.clock, side)]) == {SYMBOL: "filled"}
        assert world.held() == side * 0.01
        fill = world.exchange.books.executions[0].price
        assert world.stops() == [(0.01, fill - side * 600)]
        assert world.limits() == [(0.01, fill + side * 900)]

    in_world(check)


@pytest.mark.parametrize(("move", "reason"), [(1_000.0, "target"), (-1_000.0, "stop")])
@pytest.mark.parametrize("side", [1, -1])
def test_a_barrier_that_is_met_ends_the_trade_and_the_other_leg_is_cancelled(side, move, reason):
    async def check(world: ExecutorWorld) -> None:
        await world.executor.enter([an_entry(world.clock, side)])
        world.exchange.move(SYMBOL, PRICE + side * move)
        assert await world.executor.reconcile(SYMBOL)
        (row,) = world.executor.trades()
        assert (row["exit_reason"], row["is_open"], row["open_base"]) == (reason, False, 0.0)
        assert world.stops() == world.limits() == []
        assert 10_000 + row["result_quote"] == pytest.approx(world.exchange.books.wallet, abs=1e-9)
        gross = side * 0.01 * (row["exit_price"] - row["entry_price"])
        assert row["realised_quote"] == pytest.approx(gross, abs=1e-9)

    in_world(check)


def test_a_stop_that_filled_while_nobody_was_up_is_in_the_trades():
    async def check(world: ExecutorWorld) -> None:
        await world.executor.enter([an_entry(world.clock)])
        world.exchange.move(SYMBOL, PRICE - 1_000)
        world.anew()
        await world.executor.reconcile_all()
        (row,) = world.executor.trades()
        assert row["exit_reason"] == "stop" and world.limits() == []

    in_world(check)


def test_the_deadline_comes_from_the_journal_and_outlives_a_restart():
    async def check(world: ExecutorWorld) -> None:
        await world.executor.enter([an_entry(world.clock, deadline_ms=world.clock.now_ms() + 5_000)])
        world.anew()
        await world.run(4)
        assert world.held() == 0.01
        await world.run(2)
        assert world.held() == 0.0 and world.executor.trades()[0]["exit_reason"] == "time"

    in_world(check)


def test_partial_fills_are_protected_as_they_come():
    async def check(world: ExecutorWorld) -> None:
        world.exchange.faults.set({"partial": 1.0})
        await world.executor.enter([an_entry(world.clock)])
        assert 0 < world.held() < 0.01 and world.stops()[0][0] == world.held()
        await world.run(3)
        assert world.held() == 0.01
        assert sum(size for size, _ in world.stops()) == pytest.approx(0.01)
        assert sum(size for size, _ in world.limits()) == pytest.approx(0.01)
        assert world.exchange.report()["unprotected_ms"][SYMBOL] <= 1_000

    in_world(check)


def test_three_refused_stops_leave_the_position_and_halt():
    async def check(world: ExecutorWorld) -> None:
        world.exchange.faults.set({"refuse_stop": 1.0})
        await world.executor.enter([an_entry(world.clock)])
        await world.run(2)
        assert world.held() == 0.0 and world.executor.trades()[0]["exit_reason"] == "forced"
        standing = read_standing(world.journal)
        assert standing.state is TradingState.HALTED and "refused 3 stops" in standing.reason
        world.exchange.faults.set({"refuse_stop": 0.0})
        await world.ready()
        assert "halted" in (await world.executor.enter([an_entry(world.clock)]))[SYMBOL]

    in_world(check)


@pytest.mark.parametrize("side", [1, -1])
def test_a_stop_that_the_last_price_has_passed_is_left_by_market_at_once_as_a_stop(side):
    """The mark is not beyond it: only the venue knows that the stop's condition is met."""

    async def check(world: ExecutorWorld) -> None:
        world.exchange.faults.set({"slow_match": 1.0})
        world.exchange.state(SYMBOL).mark_gap = side * 700.0
        entering = asyncio.create_task(world.executor.enter([an_entry(world.clock, side)]))
        while not world.held():
            await asyncio.sleep(0.001)
        world.exchange.move(SYMBOL, PRICE - side * 700, is_gap=True)
        await entering
        await world.run(1)
        (row,) = world.executor.trades()
        assert (world.held(), row["exit_reason"], row["is_open"]) == (0.0, "stop", False)
        assert [i.state for i in world.journal.intents(row["key"]) if i.leg == "stop"] == ["passed"]
        assert read_standing(world.journal).state is TradingState.ACTIVE
        assert world.exchange.report()["unprotected_ms"][SYMBOL] < 1_000

    in_world(check)


def test_two_refused_stops_are_tried_once_more():
    async def check(world: ExecutorWorld) -> None:
        world.exchange.faults.once["refuse_stop"] = 2
        await world.executor.enter([an_entry(world.clock)])
        assert [size for size, _ in world.stops()] == [0.01]
        assert read_standing(world.journal).state is TradingState.ACTIVE

    in_world(check)


def test_a_position_that_has_its_stop_within_two_seconds_is_no_news_and_one_that_has_not_is_told_once():
    async def check(world: ExecutorWorld) -> None:
        await world.executor.enter([an_entry(world.clock)])
        await world.run(2)
        assert "protected" in world.kinds() and "unprotected" not in world.kinds()
        place = world.venue.place

        async def lost(_: OrderRequest):
            raise VenueUnknown("no answer in time")

        world.venue.place = lost
        (stop,) = world.exchange.open_orders(is_algo=True)
        world.exchange.cancel(SYMBOL, client_id=stop.client_id, is_algo=True)
        await world.run(10)
        (told,) = [fields for kind, fields in world.told if kind == "unprotected"]
        assert told["size_base"] == 0.01 and 2_000 <= told["for_ms"] < 3_000
        world.venue.place = place
        await world.run(3)
        assert world.kinds().count("protected") == 2 and len(world.stops()) == 1

    in_world(check)


def test_a_lost_answer_to_an_entry_is_asked_for_and_not_sent_again():
    async def check(world: ExecutorWorld) -> None:
        world.exchange.faults.once["lose_answer"] = 1
        assert (await world.executor.enter([an_entry(world.clock)])) == {SYMBOL: "filled"}
        await world.run(10)
        assert world.held() == 0.01 and world.exchange.report()["duplicates"] == []

    in_world(check)


def test_an_entry_that_never_arrived_is_sent_again_after_the_grace_and_no_sooner():
    async def check(world: ExecutorWorld) -> None:
        world.exchange.faults.once["lose_request"] = 1
        assert (await world.executor.enter([an_entry(world.clock)])) == {SYMBOL: "unknown"}
        await world.run(4)
        assert world.held() == 0.0
        await world.run(5)
        assert world.held() == 0.01 and world.exchange.report()["duplicates"] == []

    in_world(check)


def test_an_entry_that_never_arrived_is_dropped_where_nothing_may_be_entered_any_more():
    async def check(world: ExecutorWorld) -> None:
        world.exchange.faults.once["lose_request"] = 1
        await world.executor.enter([an_entry(world.clock)])
        world.journal.set_flag("stopentry", "by hand")
        await world.run(20)
        assert world.held() == 0.0 and world.executor.trades() == []
        assert world.journal.open_trade(SYMBOL) is None

    in_world(check)


def test_an_entry_that_never_arrived_is_not_sent_again_by_a_bot_that_ends():
    async def check(world: ExecutorWorld) -> None:
        world.exchange.faults.once["lose_request"] = 1
        await world.executor.enter([an_entry(world.clock)])
        world.executor.end_entries()
        assert "the bot ends" in (await world.executor.enter([an_entry(world.clock, symbol="ETHUSDT")]))["ETHUSDT"]
        await world.run(9)
        assert world.kinds().count("order_sent") == 1 and world.held() == 0.0
        assert world.journal.open_trade(SYMBOL) is None

    in_world(check)


def test_a_failed_look_changes_nothing():
    async def check(world: ExecutorWorld) -> None:
        await world.executor.enter([an_entry(world.clock)])
        before = (world.stops(), world.limits())
        world.exchange.faults.set({"maintenance": 1.0})
        assert not await world.executor.reconcile(SYMBOL)
        assert not await world.executor.reconcile_all()
        world.exchange.faults.set({"maintenance": 0.0})
        assert (world.stops(), world.limits()) == before

    in_world(check)


def test_a_position_that_nobody_explains_gets_a_stop_and_is_told():
    async def check(world: ExecutorWorld) -> None:
        await world.venue.place(OrderRequest("somebody-else-1", SYMBOL, -1, "market", 0.02))
        await world.run(3)
        assert world.stops() == [(0.02, PRICE * 1.02)] and world.limits() == []
        assert "foreign" in world.kinds()
        assert (await world.executor.enter([an_entry(world.clock)]))[SYMBOL].startswith("denied: a trade")

    in_world(check)


@pytest.mark.parametrize("side", [1, -1])
def test_a_position_that_is_found_with_a_loss_is_protected_and_not_closed(side):
    async def check(world: ExecutorWorld) -> None:
        await world.venue.place(OrderRequest("somebody-else-1", SYMBOL, side, "market", 0.02))
        world.exchange.move(SYMBOL, PRICE * (1 - side * 0.05))
        await world.run(3)
        assert world.held() == side * 0.02
        assert world.stops() == [(0.02, pytest.approx(PRICE * (1 - side * 0.05) * (1 - side * 0.02)))]

    in_world(check)


def test_a_halt_leaves_what_the_bot_began_and_protects_what_others_did():
    async def check(world: ExecutorWorld) -> None:
        world.exchange.list_symbol(SymbolRules("ETHUSDT", tick=0.01, lot=0.01), 3_000.0)
        await world.ready()
        await world.executor.enter([an_entry(world.clock)])
        await world.venue.place(OrderRequest("somebody-else-1", "ETHUSDT", -1, "market", 0.5))
        await world.run(3)
        assert world.executor.leave_own("drawdown") and not world.executor.leave_own("drawdown")
        await world.run(2)
        assert (world.held(), world.held("ETHUSDT")) == (0.0, -0.5)
        assert world.stops("ETHUSDT") == [(0.5, 3_060.0)] and world.stops() == world.limits() == []
        assert not world.executor.leave_own("drawdown")

    in_world(check)


def test_orders_of_others_are_left_alone():
    async def check(world: ExecutorWorld) -> None:
        await world.venue.place(OrderRequest("somebody-else-1", SYMBOL, 1, "limit", 0.02, 50_000.0))
        await world.executor.enter([an_entry(world.clock)])
        world.executor.request_exit(SYMBOL, "forceexit")
        await world.run(2)
        assert await world.executor.flatten()
        assert world.limits() == [(0.02, 50_000.0)] and world.held() == 0.0

    in_world(check)


def test_a_request_to_leave_is_kept_over_a_restart():
    async def check(world: ExecutorWorld) -> None:
        await world.executor.enter([an_entry(world.clock)])
        world.executor.request_exit(SYMBOL, "forceexit")
        world.anew()
        await world.run(1)
        assert world.held() == 0.0 and world.executor.trades()[0]["exit_reason"] == "forced"
        assert world.journal.flags("exit:") == {}

    in_world(check)


def test_flatten_leaves_ours_and_foreign_positions_and_goes_on_after_a_restart():
    async def check(world: ExecutorWorld) -> None:
        await world.executor.enter([an_entry(world.clock)])
        await world.venue.place(OrderRequest("somebody-else-1", SYMBOL, 1, "market", 0.02))
        world.exchange.faults.set({"maintenance": 1.0})
        leaving = asyncio.ensure_future(world.executor.flatten())
        await asyncio.sleep(1)
        leaving.cancel()
        world.exchange.faults.set({"maintenance": 0.0})
        await world.ready()
        assert "flatten" in (await world.executor.enter([an_entry(world.clock)]))[SYMBOL]
        world.anew()
        await world.run(2)
        assert world.held() == 0.0 and world.stops() == world.limits() == []
        assert world.journal.flag("flatten") is None

    in_world(check)


def test_somebody_who_closes_our_position_is_the_exit():
    async def check(world: ExecutorWorld) -> None:
        await world.executor.enter([an_entry(world.clock)])
        await world.venue.place(OrderRequest("by-hand", SYMBOL, -1, "market", 0.01))
        await world.run(1)
        (row,) = world.executor.trades()
        assert (row["exit_reason"], row["is_open"]) == ("unknown", False)
        assert world.stops() == world.limits() == []

    in_world(check)


def test_a_price_that_is_already_beyond_the_stop_is_left_at_the_market():
    async def check(world: ExecutorWorld) -> None:
        world.exchange.faults.once["refuse_stop"] = 1
        world.anew(rules=world.executor.rules)
        await world.ready()
        world.exchange.faults.set({"slow_match": 1.0})
        await world.executor.enter([an_entry(world.clock)])
        while not world.held():
            await asyncio.sleep(0.01)
        world.exchange.move(SYMBOL, PRICE - 700, is_gap=True)
        await world.run(1)
        (row,) = world.executor.trades()
        assert world.held() == 0.0 and row["exit_reason"] == "stop"

    in_world(check)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"size_base": 0.0105}, "no whole number of lots"),
        ({"size_base": 121.0}, "largest market order"),
        ({"size_base": 0.001, "reference_price": 60.0}, "smallest order"),
        ({"stop_distance": 0.0}, "could not be protected"),
        ({"stop_distance": float("nan")}, "could not be protected"),
        ({"stop_distance": 60_001.0}, "could not be protected"),
        ({"symbol": "XRPUSDT"}, "not seen to hold nothing"),
    ],
)
def test_what_the_venue_would_refuse_never_reaches_it(changes, why):
    async def check(world: ExecutorWorld) -> None:
        (said,) = (await world.executor.enter([an_entry(world.clock, **changes)])).values()
        assert said.startswith("denied") and why in said
        assert world.exchange.watch.ids == {} and world.kinds() == ["denied"]

    in_world(check)


def test_one_bar_is_traded_once_and_one_symbol_holds_one_trade():
    async def check(world: ExecutorWorld) -> None:
        entry = an_entry(world.clock)
        await world.executor.enter([entry, entry])
        assert "already" in (await world.executor.enter([entry]))[SYMBOL]
        await asyncio.sleep(1)
        assert "open" in (await world.executor.enter([an_entry(world.clock)]))[SYMBOL]
        assert world.held() == 0.01

    in_world(check)


def test_what_was_seen_of_the_account_serves_until_something_is_done():
    """It is the account as of the look; an entry since, or one that a look still waits for, takes another question."""

    async def check(world: ExecutorWorld) -> None:
        executor = world.executor
        assert executor.calm is not None
        assert executor.calm.account == await world.venue.account()
        entering = asyncio.create_task(executor.enter([an_entry(world.clock)]))
        await asyncio.sleep(0)
        assert executor.calm is None
        await entering
        assert executor.calm is None
        await asyncio.sleep(0.1)
        assert await executor.reconcile_all()
        assert executor.calm is not None
        assert [position.size_base for position in executor.calm.account.positions] == [0.01]
        world.exchange.move(SYMBOL, PRICE + 1_000)
        await executor.reconcile_all()
        assert executor.calm is None, "the other leg was cancelled after the account was seen"

    in_world(check)


def test_a_look_that_failed_leaves_nothing_of_the_one_before():
    async def check(world: ExecutorWorld) -> None:
        assert world.executor.calm is not None
        world.exchange.faults.set({"busy": 1.0})
        assert not await world.executor.reconcile_all()
        assert world.executor.calm is None

    in_world(check)
