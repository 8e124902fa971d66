"""A disk that takes nothing while a position is held: it is protected and left all the same, and nothing is entered."""

import sqlite3
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.exchange.building import quiet_exchange
from tests.live.execution.world import PRICE, SYMBOL, ExecutorWorld, an_entry
from tests.live.virtual_time import run_virtual

from tradsys.core.errors import DiskError
from tradsys.live.account.looked import stop_entries
from tradsys.live.intents import IntentJournal
from tradsys.live.venue import OrderRequest


@pytest.fixture
def on_disk(tmp_path, monkeypatch):
    """Runs a test's coroutine over a journal in a file."""
    monkeypatch.setattr("tradsys.live.execution.journal_file.AGAIN_S", 0.0)

    def run(check):
        async def main(clock):
            journal = IntentJournal(tmp_path / "journal.sqlite")
            journal._db.execute("pragma busy_timeout = 1")
            world = ExecutorWorld(clock, quiet_exchange(clock), journal=journal)
            await world.ready()
            await check(world)
            await world.venue.close()
            world.journal.close()

        run_virtual(main)

    return run


@contextmanager
def taking_nothing(world):
    """Somebody keeps every write from the file, as a full disk does."""
    blocker = sqlite3.connect(world.journal.path, isolation_level=None)
    blocker.execute("begin immediate")
    try:
        yield
    finally:
        blocker.execute("rollback")
        blocker.close()


async def entered(world):
    """An entry that fills only when nothing can be written any more."""
    world.exchange.faults.once["slow_match"] = 1
    await world.executor.enter([an_entry(world.clock)])
    assert world.held() == 0.0


def errors(world):
    return [str(fields["what"]) for kind, fields in world.told if kind == "error"]


def test_a_position_gets_its_stop_and_its_exit_and_the_journal_has_it_all_once_there_is_room(on_disk):
    async def check(world):
        await entered(world)
        with taking_nothing(world):
            await world.run(2)
            assert world.held() == 0.01 and world.stops() == [(0.01, PRICE - 600)]
            assert "it goes on in memory" in (await world.executor.enter([an_entry(world.clock)]))[SYMBOL]
            world.executor.request_exit(SYMBOL, "forceexit")
            await world.run(2)
            assert world.held() == 0.0 and world.stops() == world.limits() == []
            assert sum("goes on in memory" in what for what in errors(world)) == 1
        await world.run(1)
        assert world.journal.trouble == "" and "on the disk again" in errors(world)[-1]
        reader = IntentJournal.reading(Path(world.journal.path))
        (trade,) = reader.trades()
        assert trade.closed_ms is not None and len(reader.fills(trade.key)) == 2
        reader.close()
        assert await world.executor.enter([an_entry(world.clock)]) == {SYMBOL: "filled"}

    on_disk(check)


def test_a_crash_meanwhile_loses_no_position_and_doubles_none(on_disk):
    async def check(world):
        await entered(world)
        with taking_nothing(world):
            await world.run(2)
            await world.run_dead()
            world.journal._db.close()
            world.journal._disk.close()
        world.journal = IntentJournal(world.journal.path)
        world.anew()
        await world.ready()
        await world.run(3)
        (row,) = world.executor.trades()
        assert (row["origin"], row["open_base"], world.held()) == ("entry", 0.01, 0.01)
        assert world.stops() == [(0.01, PRICE - 600)] and world.limits() == [(0.01, PRICE + 900)]
        world.exchange.move(SYMBOL, PRICE - 1_000)
        await world.run(2)
        assert (world.held(), world.executor.trades()[0]["exit_reason"]) == (0.0, "stop")
        assert world.stops() == world.limits() == []

    on_disk(check)


def test_an_entry_that_never_arrived_is_not_sent_again_without_the_disk(on_disk):
    async def check(world):
        world.exchange.faults.once["lose_request"] = 1
        await world.executor.enter([an_entry(world.clock)])
        with taking_nothing(world):
            await world.run(9)
            assert world.held() == 0.0 and world.kinds().count("order_sent") == 1

    on_disk(check)


def test_a_found_position_is_protected_without_the_disk(on_disk):
    async def check(world):
        with taking_nothing(world):
            await world.venue.place(OrderRequest("by-hand", SYMBOL, 1, "market", 0.02))
            await world.run(3)
            assert world.stops() == [(0.02, PRICE * 0.98)]

    on_disk(check)


def test_a_stop_of_entries_that_the_disk_does_not_take_is_not_said_to_be_kept(tmp_path, monkeypatch):
    IntentJournal(tmp_path / "journal.sqlite").close()

    def full(self, statements):
        if self.trouble == "":
            raise DiskError("could not write to it: database or disk is full")
        commit(self, statements)

    commit = IntentJournal._commit
    with monkeypatch.context() as patched:
        patched.setattr(IntentJournal, "_commit", full)
        patched.setattr(IntentJournal, "keep_room", lambda self: None)
        with pytest.raises(DiskError, match=r"stopentry was not kept: .*disk is full"):
            stop_entries(tmp_path)
