"""The ledger: an append-only, hash-chained file of everything ever scored, and the series of its trials beside it."""

import fcntl
import json
import logging
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tradsys.core.errors import ConfigError, LedgerError
from tradsys.core.files import sync_folder
from tradsys.core.json_text import canonical_json
from tradsys.core.price_path import PricePath
from tradsys.core.whole_steps import whole
from tradsys.journal.chain import FIRST, LedgerEntry, chained, in_time, is_json, line_of, read_line, sha256
from tradsys.journal.counting import is_trial, may_count, trial_name
from tradsys.journal.entries import LOCKBOX, RESTORED
from tradsys.journal.judged import JudgedData
from tradsys.journal.kept import KeptEntries, lost_sentence
from tradsys.journal.recognition import Recognition
from tradsys.journal.trial import TrialSeries
from tradsys.journal.trial_files import TrialFiles

TRIAL = "trial"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Earlier:
    """What earlier runs tried on some data: the trials with a stored series, and how many more only count."""

    series: tuple[TrialSeries, ...]
    n_counted: int


class Ledger:
    """An append-only JSONL file that several processes may write to.

    Every append is checked against the chain, locked, and on disk before it returns. Content that is already there is
    not written again. A line cut off by a crash is dropped at the next opening and logged, a whole one that lacks its
    newline gets it; anything else that does not fit the chain is a `LedgerError`. A trial's series lies in
    `trials/<digest>.safetensors` beside the file, and the path of prices by which a market is recognised in
    `paths/<digest>.safetensors`. What counts is kept in a file of its own too (`KeptEntries`): where its line is gone,
    it still counts, and opening the ledger says so.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._entries: list[LedgerEntry] = []
        self._by_content: dict[str, LedgerEntry] = {}
        self._read_to = 0
        self._series = TrialFiles(self.path.parent / "trials")
        self._recognition = Recognition(self.path.parent / "paths")
        self._kept = KeptEntries(self.path.parent)
        self._lost: list[LedgerEntry] = []
        self._told: list[LedgerEntry] = []
        self.refresh()

    @property
    def head(self) -> str:
        """Hash of the last line; 64 zeros before the first."""
        return self._entries[-1].hash if self._entries else FIRST

    def refresh(self) -> None:
        """Read what other processes have written since."""
        if self.path.parent.exists() and not self.path.parent.is_dir():
            raise LedgerError(f"{self.path.parent} is a file, wanted the folder of a ledger; name another folder")
        if self.path.exists():
            with self._locked() as descriptor:
                self._read_on(descriptor)
                self._look_for_lost()
        else:
            self._look_for_lost()

    @property
    def lost(self) -> tuple[LedgerEntry, ...]:
        """Entries that count and of which the file lacks the line, as at the last opening or `refresh`."""
        return tuple(self._lost)

    def count_also(self, told: Iterable[LedgerEntry]) -> None:
        """Count what something else than this ledger tells of, a run's folder for instance; nothing is written."""
        self._told = list(told)

    @property
    def counted(self) -> tuple[LedgerEntry, ...]:
        """All entries, and beside them those without a line that count all the same."""
        return (*self._entries, *self._lost, *self._told)

    def restore(self) -> list[LedgerEntry]:
        """Write the lines of lost entries again, at the end and as of now; those of unknown data stay as they are.

        A line before them says that they were lost.
        """
        self.refresh()
        known = [entry for entry in self._lost if "blocks" in entry.content]
        if known:
            self.append({"kind": RESTORED, "after": self.head, "entries": [entry.content_hash for entry in known]})
        return [self.append(entry.content) for entry in known]

    def append_trial(self, content: Mapping[str, Any], trial: TrialSeries) -> LedgerEntry:
        """Store a trial's series, then append its entry: `content` with kind "trial", "series" and "n_trades" added."""
        whole = {**content, "kind": TRIAL, "series": trial.digest, "n_trades": trial.n_trades}
        if trial.delayed_digest is not None:
            whole["delayed"] = trial.delayed_digest
        return self._append(whole, lambda: self._series.store(trial))

    def append(self, content: Mapping[str, Any]) -> LedgerEntry:
        """Write one entry, or return the one that already says the same."""
        return self._append(content, lambda: None)

    def take_over(self, entry: LedgerEntry, other: "Ledger") -> bool:
        """Append another ledger's entry with its time and, of a trial, its series; whether nothing here said the same.

        A series of which the other ledger knows no more than that it is there is stored, and counts here as it does
        there.
        """
        digest = str(entry.content.get("series", ""))
        is_stored = bool(digest) and other._series.path(digest).exists()
        is_known = entry.content_hash in self._by_content
        if is_known and (not is_stored or self._series.path(digest).exists()):
            return False

        def keep() -> None:
            if is_stored:
                self._series.store(other.load_trial(digest))

        if "blocks" not in entry.content and entry in other.lost:
            is_new = not self._series.path(digest).exists()
            keep()
            return is_new
        self._append(entry.content, keep, at=entry.at)
        return not is_known

    def _append(self, content: Mapping[str, Any], keep: Callable[[], None], at: str = "") -> LedgerEntry:
        """The same; `keep` stores what belongs to it, while no other process may read. Written now unless `at` says."""
        text = canonical_json(content)
        try:
            content_hash = sha256(text)
        except UnicodeEncodeError as error:
            raise ConfigError(
                f"the ledger keeps text as UTF-8, found {error.object[error.start - 8 : error.end + 8]!r}; "
                "write it again, a byte of it is in another encoding"
            ) from None
        with self._locked() as descriptor:
            self._read_on(descriptor)
            if content_hash in self._by_content:
                keep()
                return self._by_content[content_hash]
            at = at or datetime.now(UTC).isoformat(timespec="seconds")
            entry = LedgerEntry(chained(self.head, at, content_hash), self.head, content_hash, json.loads(text), at)
            line = line_of(entry, text)
            with whole():
                if may_count(entry):
                    self._kept.put(content_hash, text)
                keep()  # after what says on which data: a series alone would count for any
                _write_all(descriptor, line)
            self._remember(entry, len(line))
            return entry

    def entries(self, kind: str | None = None) -> list[LedgerEntry]:
        """All entries in the order they were written, or those of one kind."""
        return [entry for entry in self._entries if kind is None or entry.kind == kind]

    def keep_paths(self, paths: Iterable[PricePath]) -> None:
        """Store the paths of a market's prices, by which it is recognised when it comes stored in another way."""
        self._recognition.keep(paths)

    def share_data(self, blocks: Collection[str], others: Collection[str]) -> bool:
        """Whether two sets of data share a month: the same closes, or paths of prices that are one market's."""
        return self._recognition.share_data(blocks, others)

    def share_judged(self, one: JudgedData, other: JudgedData) -> bool:
        """Whether some of what one judged was judged by the other: the same market at the same time."""
        return self._recognition.share_judged(one, other)

    def entries_on(self, blocks: Collection[str]) -> list[LedgerEntry]:
        """Entries whose data share at least one month with `blocks`."""
        wanted = frozenset(blocks)
        return [entry for entry in self._entries if self.share_data(wanted, entry.content.get("blocks", ()))]

    def trials_on(self, data: JudgedData | Collection[str]) -> list[LedgerEntry]:
        """Trials that judged any part of this data, all of it where only its hashes are given.

        A lock-box that was opened within a stated span is a look at that span like any other, and so is a trial of a
        study at the training part that it was scored in. Lost lines count.
        """
        wanted = JudgedData.of(data)
        return [entry for entry in self.counted if is_trial(entry, wanted) and self._is_on(entry, wanted)]

    def openings_on(self, data: JudgedData | Collection[str]) -> list[LedgerEntry]:
        """Openings of lock-boxes that reach into this data; of those that do not say their span, all that share it."""
        wanted = JudgedData.of(data)
        return [entry for entry in self.counted if entry.kind == LOCKBOX and self._is_on(entry, wanted)]

    def n_trials_on(self, data: JudgedData | Collection[str]) -> int:
        """How many different trials this data has seen: the same series found twice is one."""
        return len({trial_name(entry) for entry in self.trials_on(data)})

    def head_for(self, data: JudgedData | Collection[str]) -> str:
        """Digest of all that a verdict on this data rests on: its trials, whatever their order, clock and neighbours.

        Notes, decisions and choices made inside training parts leave it as it is.
        """
        return sha256("\n".join(sorted(entry.content_hash for entry in self.trials_on(data))))

    def latest(self, kind: str, **fields: Any) -> LedgerEntry | None:
        """The entry of a kind whose content has these values that was written last, None where there is none."""
        wanted = fields.items()
        found = in_time(self.entries(kind))
        return next((e for e in reversed(found) if all(e.content.get(k) == v for k, v in wanted)), None)

    def find(self, prefix: str, *kinds: str) -> LedgerEntry:
        """The one entry of these kinds whose run or content hash begins with `prefix`, at least four characters."""
        named = {str(e.content["run"]) if "run" in e.content else e.content_hash: e for e in self._of(kinds)}
        matches = [entry for name, entry in named.items() if name.startswith(prefix)] if len(prefix) >= 4 else []
        if len(matches) == 1:
            return matches[0]
        what = " or ".join(kinds)
        if len(matches) > 1:
            raise ConfigError(f"{prefix!r} fits {len(matches)} entries ({what}); give more of the name")
        raise ConfigError(f"no {what} in {self.path} is called {prefix!r}; `tradsys journal` lists their names")

    def _of(self, kinds: Collection[str]) -> list[LedgerEntry]:
        return [entry for entry in self._entries if entry.kind in kinds]

    def load_trial(self, digest: str) -> TrialSeries:
        """The stored series with this digest, checked against it and its entries; it has no opens."""
        own = (entry for entry in (*self.entries(TRIAL), *self._lost) if entry.content.get("series") == digest)
        return self._series.load(digest, {str(e.content["delayed"]) for e in own if "delayed" in e.content})

    def earlier(self, data: JudgedData | Collection[str], *, but: Collection[str] = ()) -> Earlier:
        """Trials on this data, each distinct series once, without those whose digest is in `but` (the run's own).

        A trial that has no stored series only counts.
        """
        names = {trial_name(entry) for entry in self.trials_on(data)}
        others = sorted(names.difference(but))
        stored = [digest for digest in others if self._series.path(digest).exists()]
        return Earlier(tuple(self.load_trial(digest) for digest in stored), len(others) - len(stored))

    def _is_on(self, entry: LedgerEntry, data: JudgedData) -> bool:
        return self.share_judged(data, JudgedData.of_entry(entry.content))

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """The file's descriptor, open for appending, while no other process may read or write."""
        is_new = not self.path.exists()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        except OSError as error:
            raise LedgerError(
                f"{self.path} cannot be a ledger ({error.strerror}); it is a file of lines that this user may write to"
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if is_new:
                sync_folder(self.path.parent)
            yield descriptor
        finally:
            os.close(descriptor)

    def _read_on(self, descriptor: int) -> None:
        """Check and remember what was written since the last look; drop or end a line that has no end."""
        size = self.path.stat().st_size
        if size < self._read_to:
            raise LedgerError(
                f"{self.path} has lost {self._read_to - size} bytes since it was read; restore it from a copy"
            )
        if size == self._read_to:
            return
        with self.path.open("rb") as file:
            file.seek(self._read_to)
            unread = file.read()
        whole, newline, last = unread.rpartition(b"\n")
        for line in whole.split(b"\n") if newline else ():
            self._remember(self._checked(line), len(line) + 1)
        if last and is_json(last):
            entry = self._checked(last)
            _log.warning("%s: ended its last line, which lacked its newline", self.path)
            _write_all(descriptor, b"\n")
            self._remember(entry, len(last) + 1)
        elif last:
            _log.warning("%s: dropped a line of %d bytes that a crash cut off", self.path, len(last))
            os.truncate(self.path, size - len(last))

    def _checked(self, line: bytes) -> LedgerEntry:
        return read_line(line, f"{self.path} line {len(self._entries) + 1}", self.head)

    def _remember(self, entry: LedgerEntry, n_bytes: int) -> None:
        self._entries.append(entry)
        self._by_content[entry.content_hash] = entry
        self._read_to += n_bytes
        self._lost = [one for one in self._lost if one.content_hash != entry.content_hash]

    def _look_for_lost(self) -> None:
        """Find what counts and has no line; say so where something new is missing."""
        before = {entry.content_hash for entry in self._lost}
        series = {str(entry.content["series"]) for entry in self._entries if "series" in entry.content}
        self._lost = self._kept.without_line(self._by_content.keys(), series)
        if {entry.content_hash for entry in self._lost} - before:
            _log.warning("%s", lost_sentence(self.path, self._lost))


def _write_all(descriptor: int, line: bytes) -> None:
    """The whole line, on disk, or nothing of it."""
    before = os.fstat(descriptor).st_size
    try:
        while line:
            line = line[os.write(descriptor, line) :]
        os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, before)
        raise
