"""tests `cli/interrupts.py`, `core/whole_steps.py` and `__main__.py`"""

import os
import subprocess
import sys
import time

import pytest
from tests.cli.interrupted import all_ends, interrupt, life_of, moments

LINE = "tradsys: interrupted\n"
BEGIN = """
import ctypes, os, signal, sys, time
from pathlib import Path
from tradsys.cli.interrupts import heeding
from tradsys.core.whole_steps import ended, half_written, whole

def press():
    os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's jobs may be deaf to it
"""
QUICK = "--bars {bars} --agent logistic --set regimes.n_starts=1 --set folds.n_folds=2 --set folds.path_groups=0"


@pytest.fixture
def ends(tmp_path):
    """How a program ends that begins as a command does: its code and what it says."""

    def of(text):
        args = [sys.executable, "-c", BEGIN + text]
        done = subprocess.run(args, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout + done.stderr

    return of


@pytest.mark.parametrize(
    "at_work",
    [
        "press(); print('went on')",
        "import threading; threading.Timer(0.1, press).start(); a = threading.Lock(); a.acquire(); a.acquire()",
        # raised in there, it would be printed and lost, or end in a fault of the memory
        "ctypes.CFUNCTYPE(None)(press)(); print('went on')",
        "try: press()\n    except BaseException: print('swallowed')",
    ],
)
def test_it_ends_whatever_is_at_work_and_says_one_line(ends, at_work):
    assert ends(f"with heeding():\n    {at_work}") == (130, LINE)


def test_what_is_half_written_is_removed_and_what_has_its_end_stays(ends, tmp_path):
    text = """
with heeding():
    with whole():
        for name in ("half", "done"):
            Path(name).mkdir()
            half_written(Path(name))
    Path("half/file").touch()
    ended(Path("done"))
    press()
"""
    assert ends(text) == (130, LINE)
    assert [path.name for path in tmp_path.iterdir()] == ["done"]


def test_a_folder_that_was_to_pass_is_gone(ends, tmp_path):
    text = """
from tradsys.core.whole_steps import passing_folder
with heeding(), passing_folder("made-") as folder:
    (folder / "file").touch()
    press()
"""
    assert ends("import tempfile\ntempfile.tempdir = '.'\n" + text) == (130, LINE)
    assert list(tmp_path.iterdir()) == []


def test_a_step_is_done_to_its_end_and_none_begins_after_it(ends, tmp_path):
    text = """
with heeding():
    with whole():
        with whole():
            press()
        time.sleep(0.5)
        Path("step").touch()
    Path("after").touch()
    with whole():
        Path("next").touch()
"""
    assert ends(text) == (130, LINE)
    assert [path.name for path in tmp_path.iterdir()] == ["step"]


def test_a_second_one_ends_it_within_a_step(ends):
    text = """
import threading
with heeding(), whole():
    press()
    threading.Timer(0.7, press).start()
    time.sleep(60)
"""
    assert ends(text) == (130, LINE)


def test_two_at_once_are_one(ends, tmp_path):
    text = """
with heeding(), whole():
    press()
    press()
    time.sleep(0.2)
    Path("step").touch()
"""
    assert ends(text) == (130, LINE)
    assert [path.name for path in tmp_path.iterdir()] == ["step"]


def test_it_ends_while_the_interpreter_does(ends):
    text = """
import atexit
with heeding():
    atexit.register(lambda: (press(), time.sleep(1), print("went on")))
"""
    assert ends(text) == (130, LINE)


def test_a_process_that_is_deaf_to_it_stays_so(ends):
    text = """
signal.signal(signal.SIGINT, signal.SIG_IGN)
with heeding():
    press()
    time.sleep(0.2)
    print("went on")
"""
    assert ends(text) == (0, "went on\n")


def test_processes_of_a_pool_end_with_it(ends):
    text = """
if __name__ == "__main__":
    from tradsys.machine.processes import process_pool
    with heeding(), process_pool(1) as pool:
        print(pool.submit(os.getpid).result(), flush=True)
        pool.submit(time.sleep, 60)
        time.sleep(0.2)
        press()
"""
    code, said = ends(text)
    pid, _, line = said.partition("\n")
    assert (code, line) == (130, LINE)
    with pytest.raises(ProcessLookupError):
        for _ in range(500):  # it is ours no more, and whoever has it now takes a moment to let it go
            os.kill(int(pid), 0)
            time.sleep(0.01)


@pytest.fixture(scope="module")
def bars(tmp_path_factory):
    """Some months of bars, enough for an auditor."""
    from tradsys.data.simulate import simulate

    path = tmp_path_factory.mktemp("interrupted") / "EDGE-1h.parquet"
    simulate("edge:3", seed=5, n_bars=4_500).write_parquet(path)
    return path


@pytest.fixture(scope="module")
def life(bars, tmp_path_factory):
    """Seconds that a run lasts which nobody interrupts."""
    return life_of(f"run {QUICK}".format(bars=bars).split(), tmp_path_factory.mktemp("life") / "whole")


@pytest.mark.slow
@pytest.mark.parametrize("part", range(5))
def test_at_fifty_moments_of_a_run_it_leaves_nothing_half_done(bars, life, tmp_path, part):
    args = f"run {QUICK}".format(bars=bars).split()
    found = list(all_ends(args, tmp_path, moments(50, life, 12)[part::5]))
    assert {f"{end.folder.name} at {end.at_s:.2f} s": end.wrong() for end in found if end.wrong()} == {}
    assert sum(end.is_interrupted for end in found) > 5  # others end before, where the machine has become quieter


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "moments_s"),
    [
        ("tune {quick} --trials 300 --batch 1 --seeds 1 --processes 1 --over agent.penalty", (0.1, 1.0, 2.5)),
        ("lookahead {quick} --points 30", (0.1, 1.0, 2.5)),
        ("calibrate --markets 4 --cell noise --processes 1", (0.1, 1.0, 2.5)),
        ("calibrate --markets 2 --cell noise --processes 2", (0.1, 0.5)),  # whose first process has little to do
    ],
)
def test_so_at_some_moments_of_other_commands(bars, tmp_path, command, moments_s):
    args = command.format(quick=QUICK.format(bars=bars)).split()
    for at_s in moments_s:
        end = interrupt(args, tmp_path / f"{at_s}", at_s)
        assert (end.code, end.wrong()) == (130, []), end.err
