"""What is aimed at is held: made larger while the choice is young, smaller at any time, and never against a person."""

import asyncio
from typing import Any

import pytest
from tests.live.execution.world import PRICE, SYMBOL, ExecutorWorld, in_world

from tradsys.core.errors import DiskError, LedgerError
from tradsys.live.execution.aims import AIM, Aim
from tradsys.live.execution.desk import Desk
from tradsys.live.execution.wishes import STOP_ENTRY
from tradsys.live.state import Standing, TradingState, write_standing
from tradsys.live.venue import OrderRequest


def an_aim(world: ExecutorWorld, size: float, **changes: Any) -> Aim:
    now = world.clock.now_ms()
    values: dict[str, Any] = dict(
        symbol=SYMBOL, choice_ms=now, close_ms=now, weight=size * PRICE / 10_000, size_base=size, reference_price=PRICE,
        until_ms=now + 30_000, stop_fraction=0.25,
    )  # fmt: skip
    return Aim(**values | changes)


async def aimed(world: ExecutorWorld, size: float, **changes: Any) -> None:
    """Aim, and look after it for two seconds."""
    await world.executor.aim([an_aim(world, size, **changes)])
    await world.run(2)


def covered(world: ExecutorWorld) -> float:
    """What stops a quarter below the price cover."""
    assert all(level == pytest.approx(0.75 * PRICE, rel=1e-3) for _, level in world.stops())
    return sum(size for size, _ in world.stops())


def orders(world: ExecutorWorld, leg: str) -> list[tuple[int, float, str]]:
    """Side, size and reason of the orders of a leg that were sent."""
    sent = (fields for kind, fields in world.told if kind == "order_sent" and fields["leg"] == leg)
    return [(one["side"], one["size_base"], one["why"]) for one in sent]


def test_it_is_opened_made_larger_smaller_and_left_with_its_stop_in_step():
    async def check(world: ExecutorWorld) -> None:
        for size in (0.02, 0.03, 0.01):
            await aimed(world, size)
            assert world.held() == pytest.approx(size)
            assert covered(world) == pytest.approx(size)
        await aimed(world, 0.0, weight=0.0)
        assert (world.held(), world.stops()) == (0.0, [])
        assert orders(world, "entry") == [(1, 0.02, "rebalance"), (1, pytest.approx(0.01), "rebalance")]
        assert [size for _, size, _ in orders(world, "exit")] == [pytest.approx(0.02), pytest.approx(0.01)]
        (row,) = world.executor.trades()
        assert (row["origin"], row["exit_reason"], row["size_base"]) == ("target", "rebalanced", pytest.approx(0.03))

    in_world(check)


def test_it_turns_around_through_nothing_as_two_trades():
    async def check(world: ExecutorWorld) -> None:
        await aimed(world, 0.02)
        await aimed(world, -0.01)
        assert world.held() == -0.01
        assert world.stops() == [(0.01, pytest.approx(1.25 * PRICE))]
        assert [(row["side"], row["is_open"]) for row in world.executor.trades()] == [(1, False), (-1, True)]
        assert (orders(world, "exit"), orders(world, "entry")[1:]) == (
            [(-1, 0.02, "rebalanced")],
            [(-1, 0.01, "rebalance")],
        )

    in_world(check)


def test_what_its_stop_has_sold_is_not_bought_again_before_the_next_choice():
    async def check(world: ExecutorWorld) -> None:
        await aimed(world, 0.02, stop_fraction=0.01)
        world.exchange.move(SYMBOL, PRICE * 0.985)
        await world.run(3)
        assert world.held() == 0
        assert world.executor.trades()[0]["exit_reason"] == "stop"
        assert world.journal.aim(SYMBOL).note == "its position ended: stop"
        await aimed(world, 0.02)
        assert world.held() == 0.02

    in_world(check)


def test_what_a_person_has_sold_is_not_bought_again():
    async def check(world: ExecutorWorld) -> None:
        await aimed(world, 0.02)
        await world.venue.place(OrderRequest("by-hand", SYMBOL, -1, "market", 0.01))
        await world.run(3)
        assert world.held() == 0.01
        assert world.stops() == [(0.01, pytest.approx(0.75 * PRICE))]

    in_world(check)


def test_a_forced_exit_ends_the_aim_too():
    async def check(world: ExecutorWorld) -> None:
        await aimed(world, 0.02)
        world.executor.request_exit(SYMBOL, "forceexit by a test")
        await world.run(3)
        assert world.held() == 0
        assert world.journal.aim(SYMBOL).size_base == 0

    in_world(check)


def test_a_forced_exit_amid_a_turn_leaves_nothing_on_either_side():
    async def check(world: ExecutorWorld) -> None:
        await aimed(world, 0.02)
        world.journal.set_aims([an_aim(world, -0.01)], is_new=True)
        world.executor.request_exit(SYMBOL, "forceexit by a test")
        await world.run(3)
        assert world.held() == 0
        assert world.journal.aim(SYMBOL).note == "forceexit by a test"

    in_world(check)


@pytest.mark.parametrize("how", ["forceexit", "flatten"])
def test_what_is_being_left_while_a_choice_comes_is_not_bought_again_for_it(how: str):
    async def check(world: ExecutorWorld) -> None:
        await aimed(world, 0.02)
        aiming = asyncio.create_task(world.executor.aim([an_aim(world, 0.03)]))
        await asyncio.sleep(0)  # it asks what the account holds
        if how == "forceexit":
            world.executor.request_exit(SYMBOL, "forceexit by a test")
        else:
            assert await world.executor.flatten("flatten by a test")
        await aiming
        await world.run(3)
        assert world.held() == 0
        assert world.journal.aim(SYMBOL).note == f"{how} by a test"

    in_world(check)


def test_what_a_stop_ended_amid_a_reduction_is_not_bought_again(monkeypatch: pytest.MonkeyPatch):
    async def check(world: ExecutorWorld) -> None:
        await aimed(world, 0.03)
        place = world.venue.place

        async def just_before(request: OrderRequest) -> Any:
            monkeypatch.setattr(world.venue, "place", place)
            await place(OrderRequest("by-hand", SYMBOL, -1, "market", 0.02))
            return await place(request)

        monkeypatch.setattr(world.venue, "place", just_before)
        await aimed(world, 0.02)
        await world.run(3)
        assert orders(world, "exit") == [(-1, pytest.approx(0.01), "rebalanced")]
        assert world.held() == 0

    in_world(check)


def test_its_stop_is_as_far_from_the_average_price_of_what_was_added_later():
    async def check(world: ExecutorWorld) -> None:
        await aimed(world, 0.02)
        world.exchange.move(SYMBOL, 1.1 * PRICE)
        await aimed(world, 0.04, reference_price=1.1 * PRICE)
        level = 0.75 * 1.05 * PRICE
        assert world.stops() == [(pytest.approx(0.04), pytest.approx(level, rel=1e-3))]
        (row,) = world.executor.trades()
        assert row["stop_distance"] == pytest.approx(0.25 * row["entry_price"])

    in_world(check)


@pytest.mark.parametrize("how", ["stopentry", "reducing", "ending"])
def test_while_nothing_may_be_entered_positions_only_shrink(how: str):
    async def check(world: ExecutorWorld) -> None:
        await aimed(world, 0.02)
        if how == "stopentry":
            world.journal.set_flag(STOP_ENTRY, "a test")
        elif how == "reducing":
            write_standing(world.journal, Standing(TradingState.REDUCING, "test", "a test", 0))
        else:
            world.executor.end_entries()
        await aimed(world, 0.03)
        assert world.held() == 0.02
        await aimed(world, 0.01)
        assert world.held() == 0.01
        await aimed(world, -0.01)
        assert world.held() == 0

    in_world(check)


def test_halted_it_leaves_everything_and_resumes_without_the_old_choice():
    async def check(world: ExecutorWorld) -> None:
        await aimed(world, 0.02)
        write_standing(world.journal, Standing(TradingState.HALTED, "test", "a test", 0))
        assert world.executor.leave_own("halted by a test")
        await world.run(3)
        assert world.held() == 0
        write_standing(world.journal, Standing(TradingState.ACTIVE, "test", "a test", 0))
        await world.run(3)
        assert world.held() == 0

    in_world(check)


def test_flatten_drops_what_was_not_yet_bought():
    async def check(world: ExecutorWorld) -> None:
        world.journal.set_aims([an_aim(world, 0.02)], is_new=True)
        assert await world.executor.flatten()
        await world.run(3)
        assert world.held() == 0
        assert orders(world, "entry") == []

    in_world(check)


def test_a_choice_that_is_known_is_not_taken_again_even_where_its_trade_is_over():
    async def check(world: ExecutorWorld) -> None:
        first = an_aim(world, 0.02, stop_fraction=0.01)
        await world.executor.aim([first])
        await world.run(1)
        world.exchange.move(SYMBOL, PRICE * 0.985)
        await world.run(3)
        await world.executor.aim([first])
        await world.run(3)
        assert world.held() == 0
        later = an_aim(world, 0.02, choice_ms=first.choice_ms + 1, close_ms=first.close_ms)
        await world.executor.aim([later])
        await world.run(1)
        assert world.held() == 0
        assert world.journal.aim(SYMBOL).note == "this bar was traded already"

    in_world(check)


def test_a_choice_that_is_known_is_not_sized_anew_at_a_later_close():
    async def check(world: ExecutorWorld) -> None:
        first = an_aim(world, 0.02)
        await world.executor.aim([first])
        await world.run(2)
        await aimed(world, 0.03, choice_ms=first.choice_ms, close_ms=first.close_ms + 60_000)
        assert world.held() == 0.02
        assert world.journal.aim(SYMBOL) == first

    in_world(check)


def test_a_dead_process_leaves_what_it_aimed_at_to_the_next_while_the_choice_is_young():
    async def check(world: ExecutorWorld) -> None:
        world.journal.set_aims([an_aim(world, 0.02)], is_new=True)
        world.anew()
        await world.ready()
        await world.run(1)
        assert world.held() == 0.02

    in_world(check)


def test_a_choice_that_is_too_old_makes_nothing_larger_and_still_makes_smaller():
    async def check(world: ExecutorWorld) -> None:
        await aimed(world, 0.02)
        await asyncio.sleep(60)
        world.journal.set_aims([an_aim(world, 0.03, until_ms=world.clock.now_ms() - 1)], is_new=True)
        await world.run(3)
        assert world.held() == 0.02
        world.journal.set_aims([an_aim(world, 0.01, until_ms=world.clock.now_ms() - 1)], is_new=True)
        await world.run(3)
        assert world.held() == 0.01

    in_world(check)


def test_an_order_in_parts_is_completed():
    async def check(world: ExecutorWorld) -> None:
        world.exchange.faults.set({"partial": 1.0})
        await world.executor.aim([an_aim(world, 0.02)])
        await world.run(10)
        assert world.held() == 0.02
        assert covered(world) == pytest.approx(0.02)

    in_world(check)


def test_refused_orders_are_given_up_after_three_and_said():
    async def check(world: ExecutorWorld) -> None:
        await aimed(world, 50.0)
        await world.run(20)
        assert len(orders(world, "entry")) == 3
        assert world.journal.aim(SYMBOL).note.startswith("its position ended: refused")
        assert world.held() == 0
        assert await world.executor.reconcile_all()

    in_world(check)


def test_a_disk_that_takes_nothing_lets_positions_shrink_alone(monkeypatch: pytest.MonkeyPatch):
    async def check(world: ExecutorWorld) -> None:
        await aimed(world, 0.02)

        def full() -> None:
            raise DiskError("the disk is full")

        monkeypatch.setattr(world.journal, "keep_room", full)
        await aimed(world, 0.03)
        assert world.held() == 0.02
        await aimed(world, 0.01)
        assert world.held() == 0.01
        assert [f["why"] for kind, f in world.told if kind == "denied"] == ["the disk is full"] * 2

    in_world(check)


def test_nothing_goes_on_behind_a_choice_that_is_cut_short(monkeypatch: pytest.MonkeyPatch):
    async def check(world: ExecutorWorld) -> None:
        async def hung(*_: Any) -> bool:
            await asyncio.sleep(3_600)
            return False

        await aimed(world, 0.03)
        monkeypatch.setattr(Desk, "turn", hung)
        before = asyncio.all_tasks()
        aiming = asyncio.ensure_future(world.executor.aim([an_aim(world, 0.01)]))
        await asyncio.sleep(1)
        assert len(asyncio.all_tasks()) > len(before) + 1
        aiming.cancel()
        await asyncio.wait([aiming])
        await asyncio.sleep(0.1)
        assert asyncio.all_tasks() == before

    in_world(check)


def test_a_position_of_somebody_else_is_protected_and_not_traded():
    async def check(world: ExecutorWorld) -> None:
        await world.venue.place(OrderRequest("by-hand", SYMBOL, 1, "market", 0.02))
        await world.run(3)
        await aimed(world, -0.01)
        assert world.held() == 0.02
        assert world.executor.trades()[0]["origin"] == "foreign"

    in_world(check)


def test_an_aim_that_cannot_be_read_says_so():
    async def check(world: ExecutorWorld) -> None:
        world.journal.set_flag(AIM + SYMBOL, '{"symbol": "BTCUSDT"}')
        with pytest.raises(LedgerError, match="aims at cannot be read"):
            world.journal.aim(SYMBOL)
        world.journal.set_flag(AIM + SYMBOL, None)

    in_world(check)
