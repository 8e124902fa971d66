"""Ctrl-C: an interrupt that a library swallowed comes again, and the end waits for nobody."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

INTERRUPTED = 130
"""Exit code of a command that Ctrl-C ended."""

_AGAIN_S = 0.05


@contextmanager
def lasting_interrupts() -> Iterator[None]:
    """An interrupt inside a callback of C code, which Python prints and forgets there, is raised after it.

    The compiler behind numba calls back so; without this, work would go on as if nobody had pressed a key.
    """
    before, main = sys.unraisablehook, threading.main_thread().ident

    def again(lost: "UnraisableHookArgs") -> None:
        if issubclass(lost.exc_type, KeyboardInterrupt):
            # a moment later, when the callback has returned; one at once would be lost in here
            threading.Timer(_AGAIN_S, signal.pthread_kill, (main, signal.SIGINT)).start()
        else:
            before(lost)

    sys.unraisablehook = again
    try:
        yield
    finally:
        sys.unraisablehook = before


def end_now(code: int) -> NoReturn:
    """End this process without waiting for its threads; processes of its pools end when they see it gone."""
    if util := sys.modules.get("multiprocessing.util"):
        util._run_finalizers()  # gives semaphores back, which the system would be said to leak
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
