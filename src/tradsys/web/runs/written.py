"""What people wrote down about runs, and who is champion: the ledger's few entries of these kinds alone.

A list of runs needs no chain of hashes checked and no thousand trials read: `/journal` does both.
"""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from tradsys.core.errors import DataError
from tradsys.core.json_text import canonical_json, read_json
from tradsys.journal.chain import sha256
from tradsys.journal.entries import Champion, Hypothesis, Look, RecordedDecision

_KINDS: Final = (Hypothesis.kind, Look.kind, RecordedDecision.kind, Champion.kind)
_MARKS: Final = tuple(f'"kind":"{kind}"'.encode() for kind in _KINDS)


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
                    self._kept = stamp, written(_entries(self.path))
            except OSError:
                return WrittenNotes()
            return self._kept[1]


@cache
def reader(path: Path) -> NotesReader:
    """The one of this server for a ledger."""
    return NotesReader(path)


def written(entries: Iterable[Mapping[str, Any]]) -> WrittenNotes:
    """Notes and seats of entries, each with `content` and `at`, in the order of the file."""
    by_kind: dict[str, list[Mapping[str, Any]]] = {kind: [] for kind in _KINDS}
    for entry in sorted(entries, key=lambda one: str(one.get("at", ""))):
        by_kind[entry["content"]["kind"]].append(entry)
    texts = {_name(one): str(one["content"].get("text", "")) for one in by_kind[Hypothesis.kind]}
    asked: dict[str, list[str]] = {}
    for look in by_kind[Look.kind]:
        asked.setdefault(str(look["content"].get("run")), []).append(str(look["content"].get("hypothesis")))
    made = {
        str(one["content"].get("subject")): (at, one["content"])
        for at, one in enumerate(by_kind[RecordedDecision.kind])
    }
    notes = {}
    for run in (*asked, *(subject for subject in made if subject not in texts)):
        subjects = [made[name] for name in (run, *asked.get(run, ())) if name in made]
        last = max(subjects, key=lambda found: found[0])[1] if subjects else {}
        hypotheses = tuple(texts[name] for name in asked.get(run, ()) if name in texts)
        notes[run] = Note(hypotheses, str(last.get("decision", "")), str(last.get("why", "")))
    return WrittenNotes(notes, _seats(by_kind[Champion.kind]))


def _seats(champions: Iterable[Mapping[str, Any]]) -> tuple[Seat, ...]:
    """The last of each market: those of one name whose data share a month, directly or through others."""
    found: list[tuple[str, set[str], Seat]] = []
    for entry in champions:
        own = entry["content"]
        market, blocks = str(own.get("market", "")), set(own.get("blocks", ()))
        run, profile, standing, why = (str(own.get(key, "")) for key in ("run", "profile", "standing", "why"))
        seat = Seat(market, run, profile, standing, why, str(entry.get("at", "")))
        same = (k for k, (name, held, _) in enumerate(found) if name == market and not held.isdisjoint(blocks))
        at = next(same, None)
        if at is None:
            found.append((market, blocks, seat))
        else:
            found[at] = (market, found[at][1] | blocks, seat)
    return tuple(seat for _, _, seat in found)


def _entries(path: Path) -> Iterable[Mapping[str, Any]]:
    """The lines of these kinds; what is no entry is passed over."""
    with path.open("rb") as file:
        for line in file:
            if not any(mark in line for mark in _MARKS):
                continue
            try:
                entry = read_json(line)
                is_ours = entry["content"]["kind"] in _KINDS and _is_readable(entry["content"])
            except (ValueError, KeyError, TypeError, DataError):
                continue
            if is_ours:
                yield entry


def _is_readable(content: Mapping[str, Any]) -> bool:
    """Whether it can be hashed, a ValueError where it cannot, and its months are a list of texts."""
    canonical_json(content).encode()
    blocks = content.get("blocks", [])
    return isinstance(blocks, list) and all(isinstance(one, str) for one in blocks)


def _name(entry: Mapping[str, Any]) -> str:
    """A hypothesis' name: the hash of its content, as the ledger has it."""
    return sha256(canonical_json(entry["content"]))
