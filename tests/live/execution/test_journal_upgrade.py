"""A journal that an earlier release wrote is taken over with all that is open, whole or not at all."""

import sqlite3
from contextlib import closing
from dataclasses import astuple, replace
from pathlib import Path

import pytest
from tests.live.execution.test_intents import begun

from tradsys.core.errors import DiskError, LedgerError
from tradsys.live.execution import journal_file
from tradsys.live.intents import IntentJournal
from tradsys.live.venue import Fill

FIRST = """
create table if not exists trades (
    key text primary key, symbol text not null, side integer not null, origin text not null, size_base real not null,
    reference_price real not null, close_ms integer not null, deadline_ms integer, stop_distance real not null,
    target_distance real, opened_base real not null, opened_price real not null, decision text not null,
    created_ms integer not null, closed_ms integer, ended text
) strict;
create index if not exists open_trades on trades (symbol) where closed_ms is null;
create table if not exists intents (
    client_id text primary key, trade text not null references trades (key), symbol text not null, leg text not null,
    side integer not null, kind text not null, size_base real not null, price real, is_reduce_only integer not null,
    why text not null, state text not null, filled_base real not null, sent_ms integer not null, answered_ms integer,
    n_sent integer not null, note text not null
) strict;
create index if not exists intents_of_trades on intents (trade);
create index if not exists unsettled on intents (symbol) where state in ('unknown', 'open');
create table if not exists fills (
    symbol text not null, trade_id text not null, client_id text not null, trade text, side integer not null,
    size_base real not null, price real not null, fee_quote real not null, realised_quote real not null,
    is_maker integer not null, ts_ms integer not null, primary key (symbol, trade_id)
) strict;
create index if not exists fills_of_trades on fills (trade);
create table if not exists funding (
    payment_id text primary key, symbol text not null, paid_quote real not null, ts_ms integer not null
) strict;
create table if not exists flags (name text primary key, value text not null) strict;
"""
"""The tables of version 1, as they were."""


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """A journal of version 1 with a trade that is open: its entry was filled, and its stop waits."""
    path = tmp_path / "journal.sqlite"
    trade, entry = begun()
    stop = replace(entry, client_id="stop", leg="stop", kind="stop", is_reduce_only=True, state="open")
    fill = ("BTCUSDT", "7", entry.client_id, trade.key, 1, 0.01, 60_000.0, 0.3, 0.0, 0, 5)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("pragma journal_mode = wal")
        db.executescript(FIRST)
        db.execute(f"insert into trades values ({', '.join('?' * 16)})", astuple(trade)[:16])
        for one in (replace(entry, state="filled", filled_base=0.01), stop):
            db.execute(f"insert into intents values ({', '.join('?' * 16)})", astuple(one))
        db.execute(f"insert into fills values ({', '.join('?' * 11)})", fill)
        db.execute("insert into flags values ('stopentry', 'by hand')")
        db.execute("pragma user_version = 1")
    return path


def whole(journal: IntentJournal) -> None:
    (trade,) = journal.trades(is_open=True)
    fill = Fill("7", begun()[1].client_id, "BTCUSDT", 1, 0.01, 60_000.0, 0.3, 0.0, False, 5, 0.0)
    assert journal.fills(trade.key) == [fill]
    assert [one.client_id for one in journal.unsettled("BTCUSDT")] == ["stop"]
    assert journal.flag("stopentry") == "by hand"


def version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute("pragma user_version").fetchone()[0])


def test_open_trades_their_orders_and_fills_are_there_and_go_on(earlier):
    for _ in range(2):
        with closing(IntentJournal(earlier)) as journal:
            whole(journal)
    assert version(earlier) == journal_file.VERSION
    with closing(IntentJournal(earlier)) as journal:
        (trade,) = journal.trades()
        coins = Fill("8", "stop", "BTCUSDT", -1, 0.01, 59_000.0, 0.3, None, False, 9, 1e-5)
        journal.add_fills([(coins, trade.key)])
        assert journal.fills(trade.key)[1] == coins
        plan = journal._db.execute("explain query plan select * from fills where trade = 'a'").fetchall()
        assert "fills_of_trades" in str(plan)


def test_who_only_reads_it_sees_the_same_and_leaves_it_as_it_is(earlier):
    with closing(IntentJournal.reading(earlier)) as journal:
        whole(journal)
    assert version(earlier) == 1


def test_a_disk_that_takes_nothing_leaves_it_as_it_was_and_the_trade_is_seen_to(earlier):
    blocker = sqlite3.connect(earlier, isolation_level=None)
    blocker.execute("begin immediate")
    with pytest.MonkeyPatch.context() as patch, pytest.raises(DiskError, match="locked"):
        connect = sqlite3.connect
        patch.setattr(journal_file.sqlite3, "connect", lambda *of, **how: connect(*of, **how | {"timeout": 0.01}))
        IntentJournal(earlier)
    blocker.execute("rollback")
    blocker.close()
    assert version(earlier) == 1
    with closing(IntentJournal(earlier)) as journal:
        whole(journal)


def test_one_of_a_later_release_is_refused(earlier):
    with closing(sqlite3.connect(earlier)) as db:
        db.execute("pragma user_version = 99")
    with pytest.raises(LedgerError, match="written by a later release"):
        IntentJournal(earlier)


@pytest.fixture
def second(earlier: Path) -> Path:
    """The same as the release before limit entries left it."""
    IntentJournal(earlier).close()
    with closing(sqlite3.connect(earlier, isolation_level=None)) as db:
        db.execute("alter table trades drop column rests_until_ms")
        db.execute("pragma user_version = 2")
    return earlier


def test_trades_from_before_limit_entries_go_on_and_new_ones_say_until_when_they_rest(second):
    with closing(IntentJournal.reading(second)) as journal:
        whole(journal)
    assert version(second) == 2
    with closing(IntentJournal(second)) as journal:
        whole(journal)
        (trade,) = journal.trades()
        assert trade.rests_until_ms is None
        journal.add([], [replace(trade, key="later", rests_until_ms=7)])
    assert version(second) == journal_file.VERSION
    with closing(IntentJournal(second)) as journal:
        assert [one.rests_until_ms for one in journal.trades()] == [None, 7]


@pytest.mark.parametrize(("name", "number"), [("earlier", 1), ("second", 2)])
def test_an_upgrade_that_ends_in_its_middle_has_changed_nothing(name, number, request, monkeypatch):
    path: Path = request.getfixturevalue(name)
    monkeypatch.setitem(journal_file.UPGRADES, number, (*journal_file.UPGRADES[number], "select 1 from nowhere"))
    with pytest.raises(DiskError, match="nowhere"):
        IntentJournal(path)
    monkeypatch.undo()
    assert version(path) == number
    with closing(IntentJournal(path)) as journal:
        whole(journal)
