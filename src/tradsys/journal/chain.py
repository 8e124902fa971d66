"""The ledger's chain of hashes: an entry as a line, and a line checked to be the one that was written."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tradsys.core.errors import DataError, LedgerError
from tradsys.core.json_text import canonical_json, read_json

FIRST = "0" * 64
_KEYS = ("hash", "prev", "at", "content")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00")


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One line: `hash` chains it to the line before, `content_hash` leaves out the time `at` which it was written."""

    hash: str
    prev: str
    content_hash: str
    content: Mapping[str, Any]
    at: str

    @property
    def kind(self) -> str:
        """What the entry records: "trial", "lockbox", "hypothesis", ..."""
        return str(self.content.get("kind", ""))


def in_time(entries: Iterable[LedgerEntry]) -> list[LedgerEntry]:
    """Entries by the time they were written, which is not their order in a file that another ledger was merged into."""
    return sorted(entries, key=lambda entry: datetime.fromisoformat(entry.at))


def chained(prev: str, at: str, content_hash: str) -> str:
    """The hash of a line, which rests on all lines before it."""
    return sha256(f"{prev} {at} {content_hash}")


def line_of(entry: LedgerEntry, text: str) -> bytes:
    """The entry's line; `text` is its content as canonical JSON."""
    return f'{{"hash":"{entry.hash}","prev":"{entry.prev}","at":"{entry.at}","content":{text}}}\n'.encode()


def read_line(line: bytes, place: str, head: str) -> LedgerEntry:
    """The entry that was written as this line after the one whose hash is `head`; `place` names it in a LedgerError."""
    try:
        read = read_json(line)
        if not isinstance(read, dict):
            raise ValueError(f"it holds no object but {type(read).__name__}")
        if unknown := sorted(read.keys() - set(_KEYS)):
            raise ValueError(f"it has {', '.join(map(repr, unknown))} beside {', '.join(_KEYS)}")
        claimed, prev, at, content = (read[name] for name in _KEYS)
        if not isinstance(content, dict):
            raise ValueError(f"its content is no object but {type(content).__name__}")
        if not isinstance(at, str) or not _TIME.fullmatch(at):
            raise ValueError(f"its time is {at!r}, no time in UTC as ISO 8601 writes it")
        content_hash = sha256(canonical_json(content))
    except (ValueError, KeyError, TypeError, DataError) as error:
        raise LedgerError(f"{place} is not a ledger entry ({_said(error)}); restore it from a copy") from error
    if prev != head:
        raise LedgerError(
            f"{place} follows {str(prev)[:12]}..., but the line before is {head[:12]}...: "
            "a line was removed, added or moved; restore the file from a copy"
        )
    if claimed != chained(prev, at, content_hash):
        raise LedgerError(f"{place} was changed after it was written; restore the file from a copy")
    return LedgerEntry(claimed, prev, content_hash, content, at)


def _said(error: Exception) -> str:
    return f"it lacks {error}" if isinstance(error, KeyError) else str(error)


def is_json(line: bytes) -> bool:
    """Whether a line is whole: what a crash cut off is no JSON, since its last brace is missing."""
    try:
        read_json(line)
    except ValueError:
        return False
    return True


def sha256(text: str) -> str:
    """Hexadecimal, of the text as UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()
