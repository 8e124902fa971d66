"""Requests to one host kept apart in time, by all processes of this user together."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from tradsys.core.errors import SourceError
from tradsys.core.files import exclusive


def _folder() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "tradsys" / "pace"


@dataclass(frozen=True, slots=True)
class Pace:
    """One file a host holds the time at which the next request may go out; a lock on it hands out the turns.

    A wait longer than `max_wait_s` is a SourceError rather than a silent pause.
    """

    requests_per_s: float
    max_wait_s: float
    folder: Path = field(default_factory=_folder)
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep

    def wait(self, host: str, *, least_s: float = 0.0) -> None:
        """Sleep until this process's turn; the next turn is at least `least_s` later."""
        with exclusive(self.folder / quote(host, safe="")) as descriptor:
            now = self.clock()
            turn = max(now, _read(descriptor))
            if turn - now > self.max_wait_s:
                raise SourceError(
                    f"{host} asked for no requests during the next {turn - now:,.0f} s; come back then, or raise "
                    "data.max_wait_s"
                )
            _write(descriptor, turn + max(1 / self.requests_per_s, least_s))
        if turn > now:
            self.sleep(turn - now)

    def hold(self, host: str, seconds: float) -> None:
        """No request to this host, by any process, for a while: the host asked for it."""
        with exclusive(self.folder / quote(host, safe="")) as descriptor:
            _write(descriptor, max(_read(descriptor), self.clock() + seconds))


def _read(descriptor: int) -> float:
    try:
        return float(os.pread(descriptor, 64, 0) or 0)
    except ValueError:
        return 0.0  # a process was killed while it wrote: the worst is one request early


def _write(descriptor: int, when: float) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, repr(when).encode(), 0)
