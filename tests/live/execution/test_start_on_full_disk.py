"""A start on a disk that takes nothing: what is open is seen to from memory, and nothing new is begun."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.live.execution.test_intents import begun

from tradsys.live.intents import IntentJournal

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="needs a limit on the size of files")

START = """
import resource, signal, sys
from contextlib import closing
from pathlib import Path
from tradsys.core.errors import DiskError
from tradsys.live.account.lock import held, holder_of
from tradsys.live.intents import IntentJournal
folder = Path(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
with held(folder, "now"):
    for _ in range(2):  # also the start after one that failed
        with closing(IntentJournal.reading(folder / "journal.sqlite")) as journal:
            (name,) = [intent.client_id for trade in journal.trades() for intent in journal.intents(trade.key)]
    journal = IntentJournal(folder / "journal.sqlite")
    journal.answer(name, "filled", 5, filled_base=1.0)
    said = journal.trouble
    try:
        journal.keep_room()
    except DiskError:
        said += " | no room"
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    journal.close()
with closing(IntentJournal.reading(folder / "journal.sqlite")) as journal:
    print(said, "|", journal.intent(name).state)
"""


def _start(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", START, str(folder)], capture_output=True, text=True, check=False)


def test_an_open_trade_is_seen_to_and_its_journal_comes_to_the_disk_when_that_takes_it(tmp_path):
    journal = IntentJournal(tmp_path / "journal.sqlite")
    trade, intent = begun()
    journal.add([intent], [trade])
    journal.close()
    done = _start(tmp_path)
    trouble, room, state = done.stdout.strip().split(" | ")
    assert "it goes on in memory" in trouble and (room, state) == ("no room", "filled"), done.stderr
    assert (tmp_path / "journal.sqlite").read_bytes()[18:20] == b"\2\2", "the file keeps its log beside it"


def test_where_nothing_is_open_it_does_not_start(tmp_path):
    journal = IntentJournal(tmp_path / "journal.sqlite")
    trade, intent = begun()
    journal.add([intent], [trade])
    journal.end_trade(trade.key, 5, "over")
    journal.close()
    assert "could not open the intent journal" in _start(tmp_path).stderr
