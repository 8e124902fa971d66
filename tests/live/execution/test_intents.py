"""The intent journal: on disk when a call returns, never twice the same order, and room for what must not fail."""

import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.live.execution.world import RULES, an_entry

from tradsys.core.errors import DiskError, LedgerError
from tradsys.live.execution.intent import Intent, Trade
from tradsys.live.execution.opening import opened
from tradsys.live.intents import IntentJournal
from tradsys.live.venue import Fill


class Noon:
    def now_ms(self) -> int:
        return 1_700_000_000_000


def begun(symbol: str = "BTCUSDT") -> tuple[Trade, Intent]:
    return opened(an_entry(Noon(), symbol=symbol), RULES, Noon().now_ms())


@pytest.fixture
def journal(tmp_path):
    journal = IntentJournal(tmp_path / "journal.sqlite")
    yield journal
    journal.close()


def other_reader(journal: IntentJournal) -> sqlite3.Connection:
    return sqlite3.connect(journal.path)


def test_commits_are_synced_in_full_and_seen_by_another_process_at_once(journal):
    assert journal._db.execute("pragma journal_mode").fetchone() == ("wal",)
    assert journal._db.execute("pragma synchronous").fetchone() == (2,)
    trade, intent = begun()
    journal.add([intent], [trade])
    reader = other_reader(journal)
    assert reader.execute("select client_id, state from intents").fetchall() == [(intent.client_id, "unknown")]
    reader.close()


def test_what_may_wait_is_known_at_once_and_goes_with_the_next_commit(journal):
    journal.set_flag_soon("risk.equity", "100")
    reader = other_reader(journal)
    assert journal.flag("risk.equity") == "100" and journal.flags("risk.") == {"risk.equity": "100"}
    assert reader.execute("select * from flags").fetchall() == []
    trade, intent = begun()
    journal.add([intent], [trade])
    assert reader.execute("select * from flags").fetchall() == [("risk.equity", "100")]
    reader.close()


def test_what_may_wait_outlives_a_change_that_failed_and_is_kept_when_asked_for(journal):
    trade, intent = begun()
    journal.add([intent], [trade])
    journal.set_flag_soon("risk.equity", "100")
    with pytest.raises(sqlite3.IntegrityError):
        journal.add([intent], [trade])
    journal.keep_soon()
    again = IntentJournal(journal.path)
    assert again.flag("risk.equity") == "100"
    again.close()


def test_what_was_written_is_read_back_as_it_was(journal):
    trade, intent = begun()
    journal.add([intent], [trade])
    journal.close()
    again = IntentJournal(journal.path)
    assert again.open_trade("BTCUSDT") == trade
    assert again.intents(trade.key) == [intent] and again.unsettled("BTCUSDT") == [intent]
    again.close()


def test_an_id_is_used_once_and_a_group_is_kept_as_a_whole_or_not_at_all(journal):
    trade, intent = begun()
    journal.add([intent], [trade])
    other, second = begun("ETHUSDT")
    with pytest.raises(sqlite3.IntegrityError):
        journal.add([second, intent], [other])
    assert journal.trades() == [trade] and journal.intent(second.client_id) is None


def test_a_group_is_one_commit(journal):
    told: list[str] = []
    journal._db.set_trace_callback(told.append)
    both = [begun(), begun("ETHUSDT")]
    journal.add([intent for _, intent in both], [trade for trade, _ in both])
    assert [text for text in told if text.startswith("commit")] == ["commit"]


def test_what_the_venue_said_for_good_stays(journal):
    trade, intent = begun()
    journal.add([intent], [trade])

    def after(state: str, **more: float) -> tuple[str, float]:
        journal.answer(intent.client_id, state, 1, **more)
        known = journal.intent(intent.client_id)
        return known.state, known.filled_base

    assert after("open", filled_base=0.004) == ("open", 0.004)
    assert after("absent") == ("open", 0.004)
    assert after("open", filled_base=0.002) == ("open", 0.004)
    assert after("filled", filled_base=0.01) == ("filled", 0.01)
    assert after("open") == ("filled", 0.01)


def test_an_order_that_never_came_may_have_come_after_all(journal):
    trade, intent = begun()
    journal.add([intent], [trade])
    journal.answer(intent.client_id, "absent", 1)
    journal.answer(intent.client_id, "filled", 2, filled_base=0.01)
    assert journal.intent(intent.client_id).state == "filled"


def test_a_fill_counts_once(journal):
    trade, intent = begun()
    journal.add([intent], [trade])
    fill = Fill("7", intent.client_id, "BTCUSDT", 1, 0.01, 60_000.0, 0.3, 0.0, False, 5)
    journal.add_fills([(fill, trade.key)])
    assert journal.unknown_fills([fill, replace(fill, symbol="ETHUSDT")]) == [replace(fill, symbol="ETHUSDT")]
    assert journal.fills(trade.key) == [fill] and journal.last_fill_ms("BTCUSDT") == 5


def test_flags_are_kept_and_forgotten(journal):
    journal.set_flag("exit:BTCUSDT", "forceexit")
    journal.set_flag("stopentry", "by hand")
    journal.set_flag("stopentry", "again")
    assert journal.flag("stopentry") == "again" and journal.flags("exit:") == {"exit:BTCUSDT": "forceexit"}
    journal.set_flag("exit:BTCUSDT", None)
    assert journal.flag("exit:BTCUSDT") is None


def test_a_journal_of_another_release_is_refused(tmp_path):
    path = tmp_path / "journal.sqlite"
    database = sqlite3.connect(path)
    database.execute("pragma user_version = 99")
    database.close()
    with pytest.raises(LedgerError, match="version 99, wanted 3"):
        IntentJournal(path)


def test_a_disk_that_fails_is_told_and_nothing_is_kept(journal):
    trade, intent = begun()
    blocker = sqlite3.connect(journal.path, isolation_level=None)
    journal._db.execute("pragma busy_timeout = 10")
    blocker.execute("begin immediate")
    with pytest.raises(DiskError, match=r"could not write to the intent journal .*nothing of it was kept"):
        journal.add([intent], [trade])
    blocker.execute("rollback")
    blocker.close()
    assert journal.trades() == []


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from tradsys.core.errors import DiskError
from tradsys.live.intents import IntentJournal
journal = IntentJournal(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
largest = max(path.stat().st_size for path in Path(sys.argv[1]).parent.iterdir())
resource.setrlimit(resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))
n_kept = 0
while n_kept < 50_000 and not journal.trouble:
    n_kept += 1
    journal.set_flag(f"stop {n_kept}", "x" * 10_000)
on_disk = IntentJournal.reading(Path(sys.argv[1]))
behind = len(on_disk.flags("stop "))
on_disk.close()
try:
    journal.keep_room()
    said = "room"
except DiskError:
    said = "full"
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
journal.close()
again = IntentJournal(sys.argv[1])
print(n_kept, said, behind, len(again.flags("stop ")), again.trouble or "well")
"""


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="needs a limit on the size of files")
def test_a_disk_that_is_full_takes_what_protects_and_refuses_what_is_new(tmp_path):
    """Files that may not grow any more stand for the full disk."""
    path = tmp_path / "live" / "journal.sqlite"
    path.parent.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path)], capture_output=True, text=True, check=True, cwd=Path.cwd()
    )
    n_kept, said, behind, brought_back, how = done.stdout.split()
    assert int(n_kept) > 100 and said == "full"
    assert int(behind) == int(n_kept) - 1, "what the room is too small for is kept in memory"
    assert (brought_back, how) == (n_kept, "well"), "and comes to the disk once that takes it"


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_reading_a_journal_that_nobody_has_open_makes_no_file_and_changes_none(journal, tmp_path):
    trade, intent = begun()
    journal.add([intent], [trade])
    journal.close()
    before = (tmp_path / "journal.sqlite").read_bytes()
    reading = IntentJournal.reading(tmp_path / "journal.sqlite")
    assert reading.trades() == [trade] and reading.extent() == (1, 1, 0, 0)
    reading.close()
    assert names(tmp_path) == {"journal.sqlite"} and (tmp_path / "journal.sqlite").read_bytes() == before


def test_a_reader_sees_what_is_in_the_log_alone_and_can_write_nothing(journal, tmp_path):
    trade, intent = begun()
    journal.add([intent], [trade])
    there, log = names(tmp_path), (tmp_path / "journal.sqlite-wal").read_bytes()
    reading = IntentJournal.reading(tmp_path / "journal.sqlite")
    assert reading.trades() == [trade]
    with pytest.raises(DiskError, match="readonly"):
        reading.set_flag("a", "b")
    reading.close()
    assert names(tmp_path) == there and (tmp_path / "journal.sqlite-wal").read_bytes() == log


WRITER = """
import sys, time
from tradsys.live.intents import IntentJournal
journal, longest = IntentJournal(sys.argv[1]), 0.0
journal._db.execute("pragma busy_timeout = 0")  # whoever is in the way is an error at once
print("ready", flush=True)
for i in range(1_500):
    began = time.perf_counter()
    journal.set_flag("n", str(i))
    longest = max(longest, time.perf_counter() - began)
journal.close()
print(f"{longest:.3f}")
"""


def test_a_process_that_writes_is_never_held_up_by_readers(tmp_path):
    path, n_read = tmp_path / "journal.sqlite", 0
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert writer.stdout.readline() == "ready\n"
    seen = []
    while writer.poll() is None:
        reading = IntentJournal.reading(path)
        seen.append(int(reading.flag("n") or 0))
        reading.close()
        n_read += 1
    _, trouble = writer.communicate()
    assert (writer.returncode, trouble) == (0, "")
    assert n_read > 20 and seen == sorted(seen)
    assert names(tmp_path) <= {"journal.sqlite", "journal.sqlite-wal", "journal.sqlite-shm"}
    last = IntentJournal.reading(path)
    assert last.flag("n") == "1499"
    last.close()
