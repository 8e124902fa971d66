"""A disk that takes nothing while coins are held, and a crash meanwhile: somebody else's coins are not sold for it."""

import pytest
from tests.exchange.spot.model import quiet_spot
from tests.live.execution.spot_world import SpotWorld
from tests.live.execution.test_full_disk import taking_nothing
from tests.live.execution.world import PRICE, SYMBOL, an_entry
from tests.live.virtual_time import run_virtual

from tradsys.live.intents import IntentJournal


async def _crashed_without_disk(world, path, last):
    """Coins are bought, what sells them is known to the memory alone, and after `last` the process dies."""
    world.journal = IntentJournal(path)
    world.journal._db.execute("pragma busy_timeout = 1")
    world.anew()
    await world.ready()
    world.exchange.give(SYMBOL, 0.5)
    world.exchange.faults.once["slow_match"] = 1
    await world.executor.enter([an_entry(world.clock)])
    with taking_nothing(world):
        await world.run(2)
        assert len(world.sells("STOP_LOSS")) == len(world.sells("LIMIT_MAKER")) == 1
        await last()
        await world.run_dead()
        world.journal._db.close()
        world.journal._disk.close()
    world.journal = IntentJournal(path)
    world.anew()


def _moved(world, price):
    async def move():
        world.exchange.move(SYMBOL, price)
        await world.run(1)

    return move


async def _nothing():
    pass


@pytest.mark.parametrize(
    ("how", "reason"), [("stop", "stop"), ("target", "target"), ("exit", "unknown"), ("later", "stop")]
)
def test_what_was_sold_is_not_sold_again_out_of_somebody_elses_coins(tmp_path, how, reason):
    async def main(clock):
        world = SpotWorld(clock, quiet_spot(clock))

        async def leave():
            world.executor.request_exit(SYMBOL, "forceexit")
            await world.run(2)

        moves = {"stop": _moved(world, PRICE - 1_000), "target": _moved(world, PRICE + 1_000)}
        last = {**moves, "exit": leave, "later": _nothing}[how]
        await _crashed_without_disk(world, tmp_path / "journal.sqlite", last)
        await world.ready()
        if how == "later":
            world.exchange.move(SYMBOL, PRICE - 1_000)
        await world.run(8)
        (row,) = world.executor.trades()
        assert (row["is_open"], row["exit_reason"], len(world.sold())) == (False, reason, 1)
        assert world.exchange.open_orders(SYMBOL, is_algo=False) == [] and world.exchange.books.oversold == []
        await world.venue.close()
        world.journal.close()

    run_virtual(main)


def test_an_id_that_only_a_fill_tells_of_is_not_given_to_a_second_order(tmp_path):
    async def main(clock):
        world = SpotWorld(clock, quiet_spot(clock))

        async def partly():
            world.exchange.faults.certain({"partial": 1})
            world.exchange.move(SYMBOL, PRICE + 950)
            world.exchange.move(SYMBOL, PRICE + 500)

        await _crashed_without_disk(world, tmp_path / "journal.sqlite", partly)
        await world.ready()
        await world.run(3)
        names = [order.client_id for order in world.exchange.open_orders(SYMBOL, is_algo=False)]
        assert [name.split("-")[3][:4] for name in names if name.split("-")[3][0] == "t"] == ["t001"]
        assert world.own() == pytest.approx(world.sells("STOP_LOSS")[0][0], abs=1e-5)
        await world.venue.close()
        world.journal.close()

    run_virtual(main)
