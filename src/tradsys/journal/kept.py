"""What counts is kept twice: beside its line in the ledger as a file of its own, which tells of lines that are gone."""

from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError

from tradsys.core.errors import DataError, LedgerError
from tradsys.core.files import write_once
from tradsys.core.json_text import canonical_json, read_json
from tradsys.journal.chain import LedgerEntry, sha256
from tradsys.journal.judged import ANY_DATA
from tradsys.journal.trial import TrialSeries


class KeptEntries:
    """Contents of counted entries, `counted/<content hash>.json`, and series of trials, `trials/<digest>.safetensors`.

    A file is written before its line, so that each line has its file; a file without a line tells of one that was lost.
    """

    def __init__(self, folder: Path) -> None:
        self._counted = folder / "counted"
        self._series = folder / "trials"

    def put(self, content_hash: str, text: str) -> None:
        """Keep an entry's content, given as canonical JSON."""
        write_once(self._counted / f"{content_hash}.json", text.encode())

    def without_line(self, content_hashes: Collection[str], series: Collection[str]) -> list[LedgerEntry]:
        """Entries of which the ledger holds no line, in the order of their names, without a place in the chain.

        A series that nothing else tells of was stored by an earlier version: on which data it was tried is unknown,
        so that it counts for whatever is judged at its time.
        """
        kept = [self._read(name) for name in _names(self._counted, ".json") if name not in content_hashes]
        told = {*series, *(str(entry.content.get("series")) for entry in kept)}
        alone = (name for name in _names(self._series, ".safetensors") if name not in told)
        return [*kept, *(self._of_series(name) for name in alone)]

    def _read(self, content_hash: str) -> LedgerEntry:
        path = self._counted / f"{content_hash}.json"
        try:
            content = read_json(path.read_bytes())
            is_whole = isinstance(content, dict) and sha256(canonical_json(content)) == content_hash
        except (OSError, ValueError, DataError):
            is_whole = False
        if not is_whole:
            raise LedgerError(f"{path} is not the entry that its name says; restore it from a copy")
        return LedgerEntry("", "", content_hash, content, "")

    def _of_series(self, digest: str) -> LedgerEntry:
        path = self._series / f"{digest}.safetensors"
        try:
            trial = TrialSeries.from_bytes(path.read_bytes())
        except (DataError, ValueError, KeyError, IndexError, OSError, SafetensorError) as error:
            raise LedgerError(f"{path} is not a trial's series ({error}); restore it from a copy") from error
        step = int(np.median(np.diff(trial.grid))) if len(trial.grid) > 1 else 0
        span = {"blocks": [ANY_DATA], "opens": int(trial.grid[0]), "closes": int(trial.grid[-1]) + step}
        content = {"kind": "trial", "profile": trial.key, "series": digest, "n_trades": trial.n_trades, "judged": span}
        return LedgerEntry("", "", sha256(canonical_json(content)), content, "")


def lost_sentence(place: Path, lost: Collection[LedgerEntry]) -> str:
    """Which entries have lost their lines, and what to do."""
    runs = sorted({str(entry.content["run"])[:10] for entry in lost if "run" in entry.content})
    kinds: dict[str, int] = {}
    for entry in lost:
        kinds[entry.kind] = kinds.get(entry.kind, 0) + 1
    what = ", ".join(f"{n:,} {_plural(kind, n)}" for kind, n in sorted(kinds.items()))
    of_runs = f" of {'run' if len(runs) == 1 else 'runs'} {_listed(runs)}" if runs else ""
    return (
        f"{place} lacks lines that were written: {what}{of_runs}. They count all the same. Restore the file from a "
        "copy that has them, or write them again with tradsys journal restore"
    )


def _plural(kind: str, n: int) -> str:
    names: Mapping[str, tuple[str, str]] = {
        "trial": ("trial", "trials"),
        "lockbox": ("opening of a lock-box", "openings of a lock-box"),
        "training": ("training", "trainings"),
        "scored": ("scored forecaster", "scored forecasters"),
        "tuning": ("trial of a study", "trials of studies"),
    }
    return names.get(kind, (kind, kind))[n != 1]


def _listed(names: list[str], shown: int = 5) -> str:
    more = f" and {len(names) - shown:,} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more


def _names(folder: Path, ending: str) -> list[str]:
    """Names of the files in a folder, which may not be there, without their ending."""
    if not folder.is_dir():
        return []
    return sorted(path.stem for path in folder.iterdir() if path.suffix == ending and not path.name.startswith("."))
