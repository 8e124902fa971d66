"""What people wrote down about runs, and who is champion, from the ledger's file.

A list of runs needs no chain of hashes checked and no files of trials read: `/journal` does both.
"""

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from tradsys.core.errors import DataError
from tradsys.core.json_text import canonical_json, read_json
from tradsys.journal.book import same_data
from tradsys.journal.chain import LedgerEntry, in_time, sha256
from tradsys.journal.entries import RESTORED, Champion, Hypothesis, Look, RecordedDecision

_KINDS: Final = (Hypothesis.kind, Look.kind, RecordedDecision.kind, Champion.kind)


@dataclass(frozen=True, slots=True)
class Note:
    """The hypotheses that a run looked at, and what was decided on it in the end; empty where nobody said."""

    hypotheses: tuple[str, ...] = ()
    decision: str = ""
    why: str = ""

    @property
    def text(self) -> str:
        """All of it, to be searched."""
        return " ".join((*self.hypotheses, self.decision, self.why))


@dataclass(frozen=True, slots=True)
class Seat:
    """Who is champion of a market; `run` is the name of his run in the ledger."""

    market: str
    run: str
    profile: str
    standing: str
    why: str
    at: str


@dataclass(frozen=True, slots=True)
class WrittenNotes:
    """A ledger's notes by the name of the run, and its seats, in the order in which markets first had a champion."""

    notes: Mapping[str, Note] = field(default_factory=dict)
    seats: tuple[Seat, ...] = ()

    def note(self, run: str) -> Note:
        """What stands about a run."""
        return self.notes.get(run, Note())


class NotesReader:
    """Reads a ledger's file again where it has changed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._kept: tuple[tuple[int, int], WrittenNotes] = ((0, 0), WrittenNotes())

    def read(self) -> WrittenNotes:
        """As of now; nothing where there is no ledger."""
        with self._lock:
            try:
                found = self.path.stat()
                stamp = found.st_mtime_ns, found.st_size
                if stamp != self._kept[0]:
                    self._kept = stamp, written(list(_entries(self.path)))
            except OSError:
                return WrittenNotes()
            return self._kept[1]


@cache
def reader(path: Path) -> NotesReader:
    """The one of this server for a ledger."""
    return NotesReader(path)


def written(entries: Sequence[LedgerEntry]) -> WrittenNotes:
    """Notes and seats of a ledger's entries, in the order of its file."""
    by_kind: dict[str, list[LedgerEntry]] = {kind: [] for kind in _KINDS}
    for entry in in_time([one for one in entries if one.kind in _KINDS]):
        by_kind[entry.kind].append(entry)
    texts = {_name(one): str(one.content.get("text", "")) for one in by_kind[Hypothesis.kind]}
    asked: dict[str, list[str]] = {}
    for look in by_kind[Look.kind]:
        asked.setdefault(str(look.content.get("run")), []).append(str(look.content.get("hypothesis")))
    made = {str(one.content.get("subject")): (at, one.content) for at, one in enumerate(by_kind[RecordedDecision.kind])}
    notes = {}
    for run in (*asked, *(subject for subject in made if subject not in texts)):
        subjects = [made[name] for name in (run, *asked.get(run, ())) if name in made]
        last = max(subjects, key=lambda found: found[0])[1] if subjects else {}
        hypotheses = tuple(texts[name] for name in asked.get(run, ()) if name in texts)
        notes[run] = Note(hypotheses, str(last.get("decision", "")), str(last.get("why", "")))
    return WrittenNotes(notes, tuple(_seats(entries)))


def _seats(entries: Sequence[LedgerEntry]) -> Iterable[Seat]:
    """The last champion of each market, as the journal tells markets apart."""
    for market, _, held in same_data([one for one in entries if one.kind != RESTORED]):
        champions = in_time([one for one in held if one.kind == Champion.kind])
        if champions:
            own = champions[-1].content
            run, profile, standing, why = (str(own.get(key, "")) for key in ("run", "profile", "standing", "why"))
            yield Seat(market, run, profile, standing, why, champions[-1].at)


def _entries(path: Path) -> Iterable[LedgerEntry]:
    """Every entry; what is none is passed over, and no chain is checked: an entry is called by its line here."""
    with path.open("rb") as file:
        for number, line in enumerate(file):
            try:
                entry = read_json(line)
                content, at = entry["content"], str(entry["at"])
                datetime.fromisoformat(at)
                if _is_readable(content):
                    yield LedgerEntry(str(number), "", "", content, at)
            except (ValueError, KeyError, TypeError, DataError):
                continue


def _is_readable(content: Mapping[str, Any]) -> bool:
    """Whether it is of a kind and its months are a list of texts; one that a note rests on can be hashed, or raises."""
    if content["kind"] in _KINDS:
        canonical_json(content).encode()
    blocks = content.get("blocks", [])
    return isinstance(blocks, list) and all(isinstance(one, str) for one in blocks)


def _name(entry: LedgerEntry) -> str:
    """A hypothesis' name: the hash of its content, as the ledger has it."""
    return sha256(canonical_json(entry.content))
