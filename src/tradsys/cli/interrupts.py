"""Ctrl-C: at any moment a command does its step to the end, leaves nothing half written, says one line and is gone.

Nothing is raised. An exception between two instructions leaves a folder that nobody knows of yet, one in the callback
of a C library is lost there or corrupts its memory, and one in a library is taken for something else. So the main
thread stands still where it is, and a thread that the signal wakes ends the process.
"""

import atexit
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tradsys.core.whole_steps import after_step, depth, last_step

INTERRUPTED = 130
"""Exit code of a command that Ctrl-C ended."""

LINE = "tradsys: interrupted"

_PATIENCE_S = 3.0
"""How long a step may go on, or clean-up take, before the command ends without."""

_TWICE_S = 0.5
"""Signals this close together are one key: a terminal and whoever began the command may both send it."""


@contextmanager
def heeding() -> Iterator[None]:
    """Ctrl-C ends this process while the block lasts, and afterwards too, as long as it takes to leave.

    A process that was made deaf to it, as a shell's background job or by nohup, stays so. For the main thread.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    hears, tells = os.pipe()
    os.set_blocking(tells, False)
    ending = _Ending()
    # the interpreter's last steps would put back what kills it without a word; all is done by then
    atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGINT, ending.stand_still)
    signal.set_wakeup_fd(tells, warn_on_full_buffer=False)
    threading.Thread(target=ending.listen, args=(hears,), daemon=True, name="interrupts").start()
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, ending.leave)  # threads end before the interpreter does
        signal.set_wakeup_fd(-1)


class _Ending:
    """The end of this process, whichever thread comes to it first."""

    def __init__(self) -> None:
        self._still = threading.Event()
        self._said = threading.Lock()
        self._pressed: float | None = None
        self._is_heard = False
        # names of modules may be gone when the interpreter ends
        self._exit, self._write, self._clock = os._exit, os.write, time.monotonic
        self._line = f"{LINE}\n".encode()
        if os.isatty(2):
            self._line = b"\r\x1b[K\x1b[?25h" + self._line  # over a bar of progress, which hides the cursor

    def listen(self, hears: int) -> None:
        """Wait for the key in a thread that no C code blocks, then clean up and end the process."""
        self._is_heard = True
        while signal.SIGINT not in os.read(hears, 64):
            pass
        try:
            self._still.wait(_TWICE_S)
            last_step(_PATIENCE_S)
            _end_others()
        finally:
            self.leave()

    def stand_still(self, *_: object) -> None:
        """What the main thread does of it: nothing from now on, or from the end of the step that it is in."""
        now, before = self._clock(), self._pressed
        if before is not None and now - before < _TWICE_S:
            return
        if before is not None or not self._is_heard:
            self.leave()
        self._pressed = now
        if depth():
            after_step(self._wait)
        else:
            self._wait()

    def _wait(self) -> None:
        self._still.set()
        time.sleep(2 * _PATIENCE_S)
        self.leave()  # whoever cleans up waits for something that this thread holds

    def leave(self, *_: object) -> None:
        """Say the line, once, and end the process without waiting for anything."""
        if self._said.acquire(blocking=False):
            try:
                self._write(2, self._line)
            finally:
                self._exit(INTERRUPTED)


def _end_others() -> None:
    """End the processes of pools, and give semaphores back, which the system would be said to leak."""
    if process := sys.modules.get("multiprocessing.process"):
        for child in process.active_children():
            child.kill()
    if util := sys.modules.get("multiprocessing.util"):
        util._run_finalizers(0)
