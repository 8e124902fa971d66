"""One bot an account: the second is told who has it, and one that was killed has it no more."""

import os
import signal
import socket
import subprocess
import sys

import pytest

from tradsys.core.errors import ConfigError
from tradsys.live.account.lock import held, holder_of

HOLD = """
import sys, time
from pathlib import Path
from tradsys.live.account.lock import held
with held(Path(sys.argv[1]), "2026-01-01T00:00:00+00:00"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def other(tmp_path):
    """A process that holds the account."""
    with subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_the_second_is_refused_with_process_host_and_start_of_the_first(tmp_path, other, monkeypatch):
    monkeypatch.setattr("tradsys.live.account.lock._PATIENCE_S", 0.0)
    said = f"process {other.pid} on {socket.gethostname()}, since 2026-01-01T00:00:00"
    with pytest.raises(ConfigError, match=said), held(tmp_path, "2026-01-02T00:00:00+00:00"):
        pass


def test_who_was_killed_holds_nothing(tmp_path, other):
    assert holder_of(tmp_path).pid == other.pid
    os.kill(other.pid, signal.SIGKILL)
    other.wait()
    assert holder_of(tmp_path) is None
    with held(tmp_path, "2026-01-02T00:00:00+00:00") as me:
        assert me.pid == os.getpid()


def test_looking_takes_the_account_from_nobody(tmp_path):
    assert holder_of(tmp_path) is None
    with held(tmp_path, "now"):
        assert holder_of(tmp_path).started == "now"
        assert holder_of(tmp_path).started == "now"
    assert holder_of(tmp_path) is None
