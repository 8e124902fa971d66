"""Whether this process may be forked: workers that are share what it has imported, and begin at once.

A fork has only the thread that made it. What another one held, a lock or a pool's queue, is held in the fork for ever;
so that a process is forked as long as no library has begun threads that do anything, which is before the first data
are read, and begins fresh processes later.
"""

import os
import sys
import threading
from pathlib import Path

from tradsys.machine.limits import THREAD_VARIABLES

_OURS = frozenset({"MainThread", "interrupts"})
"""Threads of Python that may be there: the second waits for Ctrl-C and holds nothing."""

_IDLE = frozenset({"jemalloc_bg_thd", "polars-ooc-clea"})
"""Threads that Polars' and Arrow's import begins: allocators, which mind a fork, and what removes files of spilled
tables. The pool that Polars computes in begins with the first query."""

_TASKS = Path("/proc/self/task")


def may_fork() -> bool:
    """Whether a fork of this process would find everything as it is here, with one thread a library."""
    if sys.platform != "linux" or threading.current_thread() is not threading.main_thread():
        return False
    if any(os.environ.get(name) != "1" for name in THREAD_VARIABLES):
        return False  # a fork cannot take another number: the libraries have read it
    ours = threading.enumerate()
    return {one.name for one in ours} <= _OURS and len(_busy()) == len(ours)


def _busy() -> list[str]:
    """Names of all threads but those that a fork does without."""
    names = [(task / "comm").read_text().strip() for task in _TASKS.iterdir()]
    return [name for name in names if name not in _IDLE]
