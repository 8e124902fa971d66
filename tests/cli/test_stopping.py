"""Signals to a bot that is being made ready: noted, and nobody else's business until that is over."""

import os
import signal
import subprocess
import sys

import pytest

from tradsys.cli.stopping import noting

STORY = """
import os, signal, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from tradsys.cli.interrupts import heeding
from tradsys.cli.stopping import noting
with heeding():
    with noting() as noted:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.7)
        print(*noted, flush=True)
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(9)
"""


def test_ctrl_c_ends_no_process_that_notes_it_and_the_next_one_does():
    done = subprocess.run([sys.executable, "-c", STORY], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (130, "2\n")
    assert done.stderr == "tradsys: interrupted\n"


def test_a_second_signal_ends_what_does_not_come_to_its_end():
    story = STORY.replace("time.sleep(0.7)", "os.kill(os.getpid(), signal.SIGTERM);" * 2)
    done = subprocess.run([sys.executable, "-c", story], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (-signal.SIGTERM, "")


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_what_a_process_is_deaf_to_it_stays_deaf_to(number):
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with noting() as noted:
            os.kill(os.getpid(), number)
        assert noted == [] and signal.getsignal(number) is signal.SIG_IGN
    finally:
        signal.signal(number, before)
