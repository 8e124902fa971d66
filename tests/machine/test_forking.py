"""tests `machine/forking.py`, and workers that are forks: they share what there is, and end with who made them"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tradsys.machine.limits import THREAD_VARIABLES

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux alone")

ONE = os.environ | dict.fromkeys(THREAD_VARIABLES, "1")
BEGIN = """
import os, sys, threading, time
import polars as pl
from tradsys.machine.backends import open_executor
from tradsys.machine.forking import may_fork
from tradsys.machine.processes import process_pool
seen = ["imported"]

def has(name):
    return name in sys.modules

def look():
    return [*seen, pl.DataFrame({"a": [2, 1]}).sort("a")["a"].to_list()]
"""


def said_by(tmp_path, text: str, environ=ONE) -> str:
    """What a program of its own says, whose file its fresh workers import too."""
    (tmp_path / "program.py").write_text(BEGIN + "\nif __name__ == '__main__':\n" + text)
    command = [sys.executable, "-W", "error", "program.py"]
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_workers_that_begin_before_there_are_data_share_what_there_is_and_compute_with_it(tmp_path):
    text = """
    seen.append("before")
    with open_executor(2) as executor:
        seen.append("after")
        print(executor.submit(look).result())
"""
    assert said_by(tmp_path, text) == "['imported', 'before', [1, 2]]"


def test_workers_that_begin_after_the_first_query_are_fresh(tmp_path):
    text = """
    seen.append("before")
    look()
    assert not may_fork()
    with open_executor(2) as executor:
        print(executor.submit(look).result())
"""
    assert said_by(tmp_path, text) == "['imported', [1, 2]]"


@pytest.mark.parametrize(
    ("text", "environ"),
    [
        ("threading.Thread(target=time.sleep, args=(1,), name='at work').start()", ONE),
        (
            "threading.Thread(target=lambda: found.append(may_fork())).start(); time.sleep(0.5); assert not found[0]",
            ONE,
        ),
        ("pass", ONE | {"OMP_NUM_THREADS": "2"}),
    ],
    ids=["another thread", "in another thread", "two threads a library"],
)
def test_a_process_that_a_fork_would_not_be_like_is_not_forked(tmp_path, text, environ):
    said = said_by(tmp_path, f"    found = []\n    print(may_fork())\n    {text}\n    print(may_fork())", environ)
    forked_before = environ is ONE
    assert said.split()[0] == str(forked_before)
    assert said.split()[1] == str(text.endswith("found[0]"))


def test_a_command_begins_its_workers_before_the_data_and_ends_those_that_are_too_many(tmp_path):
    text = """
    from types import SimpleNamespace
    from tradsys.cli.loading import Loaded, begin_early
    from tradsys.machine import limits
    limits.limits = lambda: limits.Limits(2, 0, "", "")
    assert begin_early(1, ()) is None and begin_early(3, ()) is None
    limits.limits = lambda: limits.Limits(2, 0, "", "", free_bytes=600 * 10**6)
    assert begin_early(None, ()) is None and begin_early(2, ()) is None
    limits.limits = lambda: limits.Limits(2, 0, "", "", free_bytes=10**9)
    with begin_early(None, ()).ends:  # one a core
        pass
    begun = begin_early(2, ("tradsys.verdict.ruin",))
    workers = list(begun.executor.pool._processes.values())
    look()
    assert begin_early(2, ()) is None
    with Loaded.working(SimpleNamespace(n_processes=2, begun=begun)) as executor:
        assert executor.submit(has, "tradsys.verdict.ruin").result()
    assert not any(one.is_alive() for one in workers)
"""
    said_by(tmp_path, text)
    text = text.replace("n_processes=2, begun", "n_processes=1, begun").replace("assert executor.submit", "pass  #")
    said_by(tmp_path, text + "\n    assert executor.n_processes == 1")


def test_forks_end_with_the_process_that_made_them_also_where_it_was_killed(tmp_path):
    text = """
    with process_pool(3) as pool:
        print([one.pid for one in pool._processes.values()], flush=True)
        pool.submit(time.sleep, 60)
        time.sleep(60)
"""
    (tmp_path / "program.py").write_text(BEGIN + "\nif __name__ == '__main__':\n" + text)
    maker = subprocess.Popen([sys.executable, "program.py"], cwd=tmp_path, env=ONE, stdout=subprocess.PIPE, text=True)
    assert maker.stdout is not None
    with maker.stdout:
        workers = [int(pid) for pid in maker.stdout.readline().strip("[]\n").split(",")]
        assert len(workers) == 3
        maker.send_signal(signal.SIGKILL)
        maker.wait()
    ends_by = time.monotonic() + 20
    while alive := [pid for pid in workers if is_there(pid)]:
        assert time.monotonic() < ends_by, alive
        time.sleep(0.1)


def is_there(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits for whoever asks is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
