"""Who trades an account: one process, which holds the lock for as long as it lives and says who it is."""

import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from tradsys.core.errors import ConfigError
from tradsys.core.json_text import canonical_json, read_json

LOCK: Final = "lock"

_PATIENCE_S: Final = 1.0
"""How long to wait for a lock that may be held by somebody who only looked whether anybody holds it."""


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that trades an account; `pid` 0 while it has not said yet who it is."""

    pid: int
    host: str
    started: str

    def __str__(self) -> str:
        if not self.pid:
            return "a process that is just starting"
        return f"process {self.pid} on {self.host}, since {self.started}"


@contextmanager
def held(folder: Path, started: str) -> Iterator[Holder]:
    """The account for as long as the block lasts; a ConfigError that names whoever has it otherwise."""
    me = Holder(os.getpid(), socket.gethostname(), started)
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not _locked(descriptor):
            raise ConfigError(
                f"account {folder.name} is traded by {_said(descriptor)}; an account has one bot: stop that one first "
                f"(tradsys trade status --account {folder.name})"
            )
        _say(descriptor, me)
        yield me
        _say(descriptor, None)
    finally:
        os.close(descriptor)


def holder_of(folder: Path) -> Holder | None:
    """Who trades the account at this moment; None where nobody does, whatever a process that died has left."""
    try:
        descriptor = os.open(folder / LOCK, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _said(descriptor)
    else:
        return None
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    """Whether it could be had; who only looks holds it for moments."""
    until = time.monotonic() + _PATIENCE_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                return False
            time.sleep(0.02)
        else:
            return True


def _say(descriptor: int, me: Holder | None) -> None:
    """The lock itself does not rest on what is said here: a disk that is full keeps nobody from an account."""
    os.ftruncate(descriptor, 0)
    if me is not None:
        with suppress(OSError):
            os.pwrite(descriptor, canonical_json(asdict(me)).encode(), 0)


def _said(descriptor: int) -> Holder:
    try:
        return Holder(**read_json(os.pread(descriptor, 4_096, 0)))
    except (ValueError, TypeError):
        return Holder(0, "", "")
