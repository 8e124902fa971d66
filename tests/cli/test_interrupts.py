"""tests `cli/interrupts.py`"""

import ctypes
import signal
import sys
import time

import pytest

from tradsys.cli.interrupts import lasting_interrupts


@pytest.fixture(autouse=True)
def heard():
    """Ctrl-C as on a terminal, whatever started the tests: a shell's background jobs are started deaf to it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def swallowed() -> None:
    """Ctrl-C inside a callback of C code: Python can only print it there."""

    def callback() -> None:
        raise KeyboardInterrupt

    ctypes.CFUNCTYPE(None)(callback)()
    time.sleep(0.01)


def test_an_interrupt_that_c_code_swallowed_comes_again():
    with pytest.raises(KeyboardInterrupt), lasting_interrupts():
        swallowed()
        time.sleep(1)


def test_other_errors_there_go_where_they_went_before(monkeypatch):
    seen = []
    monkeypatch.setattr(sys, "unraisablehook", seen.append)

    def callback() -> None:
        raise ZeroDivisionError

    with lasting_interrupts():
        ctypes.CFUNCTYPE(None)(callback)()
    assert [one.exc_type for one in seen] == [ZeroDivisionError]
    assert sys.unraisablehook == seen.append
