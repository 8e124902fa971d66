"""A mark for as long as long work lasts: what, by which process, and how far it has come.

The mark is a hidden folder whose file its process holds locked. The system lets go of the lock of a process that ends,
however it does, so that a mark tells a run at work from one that was killed, whatever became of its process id.
"""

import fcntl
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tradsys.core.json_text import canonical_json, read_json
from tradsys.core.whole_steps import ended, half_written, whole

PREFIX: Final = ".at-work-"
_FILE: Final = "job.json"
_EVERY_S: Final = 0.5
_FORGOTTEN_S: Final = 24 * 3_600
"""For so long the mark of a run that was killed is kept, that somebody learns of it."""

_ROOM: Final = 4_096
"""Bytes of what a mark says, written as one, so that who reads it never finds two halves."""

type Tell = Callable[[str, float, int], None]


@dataclass(frozen=True, slots=True)
class RunningJob:
    """A run that is being made or, where not `is_alive`, that was killed; `done` of `n` steps, `told_s` ago."""

    title: str
    pid: int
    host: str
    started: datetime
    stage: str
    done: float
    n: int
    told_s: float
    is_alive: bool


@contextmanager
def at_work(root: Path, title: str, progress: Tell) -> Iterator[Tell]:
    """Leave the mark in `root` while the block lasts; gives a `progress` that tells it too.

    A folder that was made for the mark goes with it where nothing else came there. A mark that cannot be written is no
    reason to end the work.
    """
    is_new = not root.exists()
    folder = _marked(root)
    if folder is None:
        yield progress
        return
    descriptor = os.open(folder / _FILE, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield _teller(descriptor, title[: _ROOM // 8], progress)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        ended(folder)
        os.close(descriptor)
        if is_new:
            with suppress(OSError):  # somebody put something there
                root.rmdir()


def jobs(root: Path) -> list[RunningJob]:
    """What is being made below `root` and those that were killed within a day, the oldest first."""
    try:
        marks = [path / _FILE for path in root.iterdir() if path.name.startswith(PREFIX)]
    except OSError:  # a folder that is not there yet, or that may not be read: who lists its runs says so
        return []
    return sorted((job for mark in marks if (job := _job(mark)) is not None), key=lambda job: job.started)


def _marked(root: Path) -> Path | None:
    try:
        root.mkdir(parents=True, exist_ok=True)
        _sweep(root)
        with whole():
            folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=root))
            half_written(folder)
            folder.chmod(0o755)
    except OSError:
        return None
    return folder


def _teller(descriptor: int, title: str, progress: Tell) -> Tell:
    """Tells as `progress` does and writes the mark, at most twice a second."""
    who = {
        "title": title,
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    last_s = float("-inf")

    def tell(stage: str, done: float, n: int) -> None:
        nonlocal last_s
        progress(stage, done, n)
        if time.monotonic() - last_s < _EVERY_S or os.getpid() != who["pid"]:
            return
        last_s = time.monotonic()
        _say(descriptor, {**who, "stage": stage, "done": float(done), "n": n})

    _say(descriptor, {**who, "stage": "beginning", "done": 0.0, "n": 1})
    return tell


def _say(descriptor: int, said: Mapping[str, Any]) -> None:
    with suppress(OSError):  # a full disk is told of by what must be written
        os.pwrite(descriptor, canonical_json(said).encode().ljust(_ROOM), 0)


def _job(mark: Path) -> RunningJob | None:
    """What a mark says; None where there is none any more, or nothing in it yet."""
    try:
        descriptor = os.open(mark, os.O_RDONLY)
    except OSError:
        return None
    try:
        is_alive = _is_held(descriptor)
        told_s = max(0.0, time.time() - os.fstat(descriptor).st_mtime)
        said = read_json(os.pread(descriptor, 16 * _ROOM, 0))
        started = datetime.fromisoformat(said["started"]).astimezone(UTC)
        title, host, stage = (str(said[name]) for name in ("title", "host", "stage"))
        pid, done, n = int(said["pid"]), float(said["done"]), int(said["n"])
        return RunningJob(title, pid, host, started, stage, done, n, told_s, is_alive)
    except (OSError, ValueError, OverflowError, TypeError, KeyError, AttributeError):
        return None
    finally:
        os.close(descriptor)


def _is_held(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def _sweep(root: Path) -> None:
    """Remove marks that nobody has held for a day."""
    for path in root.glob(f"{PREFIX}*"):
        job = _job(path / _FILE)
        is_forgotten = job is None or (not job.is_alive and job.told_s > _FORGOTTEN_S)
        if is_forgotten and time.time() - path.stat().st_mtime > _FORGOTTEN_S:
            shutil.rmtree(path, ignore_errors=True)
