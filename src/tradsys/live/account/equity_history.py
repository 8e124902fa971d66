"""`equity.jsonl`: what an account was worth over time, a point a minute, the older the sparser; nothing decides on it.

A line a point: time in milliseconds, equity, wallet, and what was paid in less what was taken out (null: never told).
"""

import asyncio
import errno
import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

from tradsys.core.json_text import canonical_json, read_json
from tradsys.live.telling import Tell

HISTORY: Final = "equity.jsonl"

EVERY_S: Final = 60.0
MOST_POINTS: Final = 16_384
"""Eleven days of minutes; with more the older ones are thinned, so that the file stays below 2 MB for ever."""


class EquityPoint(NamedTuple):
    """The account as one look found it; equity is realised and unrealised together."""

    at_ms: int
    equity_quote: float
    wallet_quote: float
    transferred_quote: float | None = None


class EquityHistory:
    """The file that one process appends to. A crash costs the line that it was writing, and the next start drops it."""

    def __init__(self, folder: Path, *, most_points: int = MOST_POINTS) -> None:
        self._path, self._most = folder / HISTORY, most_points
        self._n_points: int | None = None
        self._last_ms = -1

    def add(self, point: EquityPoint) -> None:
        """Append it; one that is not later than the last is none. An OSError leaves what is there as it is."""
        if self._n_points is None:
            self._begin()
        if point.at_ms <= self._last_ms:
            return
        _append(self._path, _line(point))
        self._last_ms, self._n_points = point.at_ms, (self._n_points or 0) + 1
        if self._n_points > self._most:
            self._thin()

    def _begin(self) -> None:
        points = read_equity(self._path.parent)
        with suppress(FileNotFoundError):
            _drop_torn_line(self._path)
        self._n_points, self._last_ms = len(points), points[-1].at_ms if points else -1

    def _thin(self) -> None:
        kept = thinned(read_equity(self._path.parent))
        part = self._path.with_suffix(".part")
        try:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(b"".join(map(_line, kept)))
                file.flush()
                os.fsync(file.fileno())
            part.replace(self._path)
        except OSError:
            part.unlink(missing_ok=True)
            raise
        self._n_points = len(kept)


def read_equity(folder: Path) -> list[EquityPoint]:
    """The points of an account in order of time; lines that cannot be read are passed over."""
    try:
        lines = (folder / HISTORY).read_bytes().splitlines()
    except FileNotFoundError:
        return []
    points: list[EquityPoint] = []
    for line in lines:
        point = _point(line)
        if point is not None and (not points or point.at_ms > points[-1].at_ms):
            points.append(point)
    return points


def thinned(points: Sequence[EquityPoint]) -> list[EquityPoint]:
    """The newest quarter as it is, and of all before it every second point."""
    recent = len(points) * 3 // 4
    return [*points[:recent:2], *points[recent:]]


async def keep_history(folder: Path, look: Callable[[], EquityPoint | None], tell: Tell, *, pace: float = 1.0) -> None:
    """Append what `look` finds every minute, beside the loop, until it is cancelled.

    A disk that takes nothing leaves a hole and is told of once; it is no reason to stop, the audit log has its own.
    `pace` is how many seconds of the loop pass in one real one.
    """
    history, is_told = EquityHistory(folder), False
    while True:
        await asyncio.sleep(max(EVERY_S, 2.0 * pace))
        point = look()
        if point is None:
            continue
        why = await _added(history, point)
        if why and not is_told:
            tell("error", {"what": HISTORY, "reason": f"it cannot be written ({why}); the curve has a hole"})
        is_told = bool(why)


def _added(history: EquityHistory, point: EquityPoint) -> Awaitable[str]:
    def add() -> str:
        try:
            history.add(point)
        except OSError as error:
            return error.strerror or repr(error)
        return ""

    return asyncio.to_thread(add)


def _line(point: EquityPoint) -> bytes:
    return canonical_json(list(point)).encode() + b"\n"


def _point(line: bytes) -> EquityPoint | None:
    try:
        values: Any = read_json(line)
        at_ms, equity, wallet, transferred = values
        paid = None if transferred is None else float(transferred)
        return EquityPoint(int(at_ms), float(equity), float(wallet), paid)
    except (ValueError, TypeError):
        return None


def _append(path: Path, line: bytes) -> None:
    """The whole line or nothing."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        if os.write(descriptor, line) < len(line):
            os.ftruncate(descriptor, size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    finally:
        os.close(descriptor)


def _drop_torn_line(path: Path) -> None:
    content = path.read_bytes()
    whole = content.rpartition(b"\n")[0]
    n_bytes = len(whole) + 1 if whole else 0
    if n_bytes < len(content):
        os.truncate(path, n_bytes)
