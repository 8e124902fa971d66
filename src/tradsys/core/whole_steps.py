"""Where Ctrl-C may not cut: steps that happen whole or not at all, and folders that are half written until they end.

A command that is interrupted ends from a thread of its own (`cli/interrupts.py`), which waits for the step that is
being done, lets none begin after it and removes what is half written.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_STEP = threading.RLock()
_OWN = threading.local()
_HALF_WRITTEN: "set[Path]" = set()
_AFTER: list[Callable[[], object]] = []


@contextmanager
def whole() -> Iterator[None]:
    """A step that an interrupt ends the command before or after, never within.

    Keep it to what takes moments: the end of an interrupted command waits for it.
    """
    _OWN.depth = depth() + 1
    try:
        with _STEP:
            yield
    finally:
        _OWN.depth -= 1
        if _AFTER and not depth() and threading.current_thread() is threading.main_thread():
            _AFTER[0]()


def depth() -> int:
    """How many steps this thread is inside of."""
    return getattr(_OWN, "depth", 0)


def after_step(stand_still: Callable[[], object]) -> None:
    """What the main thread does at the end of the step that it is in."""
    _AFTER.append(stand_still)


def half_written(folder: "Path") -> None:
    """Remove this folder where an interrupt ends the command; call it within the step that makes the folder."""
    _HALF_WRITTEN.add(folder)


def ended(folder: "Path") -> None:
    """The folder has its end, or is gone: an interrupt leaves it alone."""
    _HALF_WRITTEN.discard(folder)


@contextmanager
def passing_folder(prefix: str) -> "Iterator[Path]":
    """A folder for as long as the block lasts, which an interrupt removes too."""
    from pathlib import Path
    from tempfile import TemporaryDirectory

    with whole():
        place = TemporaryDirectory(prefix=prefix)
        half_written(Path(place.name))
    with place:
        yield Path(place.name)
    ended(Path(place.name))


def last_step(patience_s: float) -> None:
    """Let the step that is being done end and none begin; then remove what is half written. The process ends after."""
    _STEP.acquire(timeout=patience_s)
    for folder in list(_HALF_WRITTEN):
        import shutil  # which whoever made the folder has imported: what is imported before Ctrl-C is heeded is slow

        for _ in range(100):  # a writer of other languages may put a file there meanwhile
            shutil.rmtree(folder, ignore_errors=True)
            if not folder.exists():
                break
            time.sleep(0.01)
