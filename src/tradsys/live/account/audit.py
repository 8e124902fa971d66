"""`audit.jsonl`: everything that happened to an account, each line resting on all lines before it.

A file that has grown large gets a number, and the next one goes on with its last hash; nothing is ever removed.
"""

import asyncio
import errno
import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tradsys.core.errors import DataError, LedgerError
from tradsys.core.files import sync_folder
from tradsys.core.json_text import canonical_json, read_json
from tradsys.journal.chain import FIRST, LedgerEntry, chained, line_of, read_line, sha256
from tradsys.live.clock import Clock

AUDIT: Final = "audit.jsonl"

MOST_BYTES: Final = 16_000_000
"""A larger file is closed: one of this size is checked within a second at the start."""

MOST_WAITING: Final = 10_000
"""Lines that wait for a disk that takes none; of what happens beyond only the number is kept."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a chain holds: its head, how many lines, where it is broken ("": nowhere), and bytes that are whole."""

    head: str
    n_lines: int
    broken: str
    n_bytes: int
    cut_off: str = ""
    """What a crash left of a last line."""


class AuditLog:
    """The log that one process appends to; `trouble` is a sentence while the disk takes nothing."""

    def __init__(self, folder: Path, clock: Clock, *, most_bytes: int = MOST_BYTES) -> None:
        self._folder, self._clock, self._most_bytes = folder, clock, most_bytes
        self.trouble, self._waiting, self._n_lost = "", deque[bytes](), 0
        found = check_file(folder / AUDIT, head=_last_hash(folder))
        self._head, self._size, self._is_dirty = found.head, found.n_bytes, False
        self.broken = found.broken
        self._descriptor = _opened(folder / AUDIT)
        if found.broken:  # what was written stays as it is, to be looked at, and a new file begins
            self._next_file()
        if found.cut_off:
            os.ftruncate(self._descriptor, self._size)
            self.append("error", {"what": f"the last line of {AUDIT} was cut off by a crash: {found.cut_off}"})
        if found.broken:
            self.append("error", {"what": found.broken})

    def append(self, kind: str, fields: Mapping[str, Any]) -> None:
        """Write one line; where the disk takes none it waits, and `trouble` says so."""
        if len(self._waiting) >= MOST_WAITING:
            self._n_lost += 1
        else:
            self._waiting.append(self._line(kind, fields))
        self._write()

    def sync(self) -> None:
        """Make what was written survive a power failure, and try again what could not be written."""
        self._write()
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            self._fail(error)

    async def sync_beside(self) -> None:
        """The same without holding up the loop; nothing is done where nothing was written since."""
        self._write()
        if not self._is_dirty:
            return
        self._is_dirty, descriptor = False, os.dup(self._descriptor)  # the file may get its number meanwhile
        try:
            await asyncio.to_thread(os.fsync, descriptor)
        except OSError as error:
            self._fail(error)
        finally:
            os.close(descriptor)

    def close(self) -> None:
        self.sync()
        os.close(self._descriptor)

    def _line(self, kind: str, fields: Mapping[str, Any]) -> bytes:
        try:
            text = canonical_json({**fields, "kind": kind})
        except (DataError, TypeError):  # whoever tells may stand between an order and its owner: it is told as it is
            text = canonical_json({"kind": kind, "fields": repr(dict(fields))})
        at = datetime.fromtimestamp(self._clock.now_ms() / 1_000, UTC).isoformat()
        content_hash = sha256(text)
        entry = LedgerEntry(chained(self._head, at, content_hash), self._head, content_hash, {}, at)
        self._head = entry.hash
        return line_of(entry, text)

    def _write(self) -> None:
        """Every waiting line, each whole or not at all."""
        try:
            while self._waiting:
                line = self._waiting[0]
                if self._size + len(line) > self._most_bytes and self._size:
                    self._next_file()
                if os.write(self._descriptor, line) < len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                self._size, self._is_dirty = self._size + len(line), True
                self._waiting.popleft()
        except OSError as error:
            self._fail(error)
            return
        self.trouble = ""
        if self._n_lost:
            n, self._n_lost = self._n_lost, 0
            self.append("error", {"what": f"{n} events are not in {AUDIT}: the disk took none"})

    def _fail(self, error: OSError) -> None:
        """Keep what is whole of the file, and say what is wrong."""
        self._is_dirty = True
        with suppress(OSError):
            os.ftruncate(self._descriptor, self._size)
        self.trouble = f"{self._folder / AUDIT} cannot be written ({error.strerror}): no entries until it can"

    def _next_file(self) -> None:
        """Give the file its number, and go on in a new one; where that fails all is as it was."""
        path, part = self._folder / AUDIT, self._folder / f".{AUDIT}.part"
        descriptor = _opened(part)
        os.fsync(self._descriptor)
        path.rename(_numbered(self._folder, len(closed_files(self._folder)) + 1))
        part.rename(path)
        sync_folder(self._folder)
        os.close(self._descriptor)
        self._descriptor, self._size = descriptor, 0


def closed_files(folder: Path) -> list[Path]:
    """The files that have grown large, oldest first."""
    return sorted(folder.glob("audit-[0-9]*.jsonl"))


def check_file(path: Path, *, head: str) -> Checked:
    """Every line of one file, of which the first follows the hash `head`; it ends at the first that is broken."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return Checked(head, 0, "", 0)
    whole, _, rest = content.rpartition(b"\n")
    lines = whole.split(b"\n") if whole else []
    for number, line in enumerate(lines, start=1):
        try:
            head = read_line(line, f"{path}, line {number}", head).hash
        except LedgerError as error:
            return Checked(_claimed(lines[-1]), number - 1, str(error), len(content))
    return Checked(head, len(lines), "", len(content) - len(rest), rest[:200].decode(errors="replace"))


def check_all(folder: Path) -> list[str]:
    """What is broken in the whole log of an account, a sentence a file; nothing where nothing is."""
    found, head = [], FIRST
    for path in [*closed_files(folder), folder / AUDIT]:
        checked = check_file(path, head=head)
        head = checked.head
        found += [checked.broken] if checked.broken else []
    return found


def _numbered(folder: Path, number: int) -> Path:
    return folder / f"audit-{number:06}.jsonl"


def _opened(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def _last_hash(folder: Path) -> str:
    """What the first line of the open file follows."""
    files = closed_files(folder)
    return _claimed(files[-1].read_bytes().rstrip(b"\n").rpartition(b"\n")[2]) if files else FIRST


def _claimed(line: bytes) -> str:
    """The hash that a line says it has, whatever else is wrong with it."""
    try:
        return str(read_json(line)["hash"])
    except (ValueError, KeyError, TypeError):
        return FIRST


def events_of(folder: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Everything that an account's log tells, oldest first: the time in milliseconds, and the kind with its fields.

    Lines that cannot be read are passed over: `check_all` tells of them.
    """
    for path in [*closed_files(folder), folder / AUDIT]:
        yield from _events(path.read_bytes().splitlines() if path.exists() else ())


def last_events(folder: Path, n_bytes: int = 262_144) -> list[tuple[int, Mapping[str, Any]]]:
    """The events of the last so many bytes of the open file, oldest first, as `events_of` gives them."""
    try:
        with (folder / AUDIT).open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - n_bytes))
            lines = file.read().splitlines()
    except FileNotFoundError:
        return []
    return list(_events(lines[1:] if size > n_bytes else lines))


def _events(lines: Iterable[bytes]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for line in lines:
        try:
            entry = read_json(line)
            at, content = datetime.fromisoformat(entry["at"]), entry["content"]
            if isinstance(content, dict) and "kind" in content:
                yield round(at.timestamp() * 1_000), content
        except (ValueError, KeyError, TypeError):
            continue
