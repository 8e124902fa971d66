"""Signals to a bot that is still being made ready, or is ending: noted, and heeded as soon as somebody can.

Nothing is raised, as nothing is on Ctrl-C elsewhere: what is being loaded is loaded to its end, and then nothing
begins.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

HEEDED: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)
"""What a running bot heeds itself; see `tradsys.live.control`."""


@contextmanager
def noting() -> Iterator[list[signal.Signals]]:
    """The signals that came while the block lasts and nobody else heeds them; the second of a kind ends the process.

    A signal that this process was made deaf to stays unheard. For the main thread.
    """
    noted: list[signal.Signals] = []

    def note(number: int, _: object) -> None:
        if number in noted:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        noted.append(signal.Signals(number))

    wakes = signal.set_wakeup_fd(-1)  # whoever ends this process on Ctrl-C is woken by it
    before = {number: signal.getsignal(number) for number in HEEDED}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, note)
    try:
        yield noted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(wakes)
