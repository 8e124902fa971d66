"""Two ledgers made one: what the other one holds and this one does not is added, so that its trials count here too."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tradsys.core.errors import LedgerError
from tradsys.core.price_path import PricePath
from tradsys.journal.chain import LedgerEntry
from tradsys.journal.counting import may_count
from tradsys.journal.entries import RESTORED
from tradsys.journal.ledger import Ledger


@dataclass(frozen=True, slots=True)
class LedgerMerge:
    """What a merge added: entries, how many of them may count as trials, and how many were known already."""

    n_added: int
    n_counted: int
    n_known: int

    @property
    def sentence(self) -> str:
        """The same for people."""
        added = f"{self.n_added:,} {'entry' if self.n_added == 1 else 'entries'} added"
        return f"{added}, {self.n_counted:,} of which may count as trials; {self.n_known:,} known already"


def merge(ledger: Ledger, folder: Path) -> LedgerMerge:
    """Add the entries of the ledger in `folder` that say what no entry here says, in their order, each with its time.

    Paths of prices come first and a trial's series before its line, so that a merge that is killed leaves nothing
    uncounted; merging again adds nothing. Lines that the other has lost count there and are added; lines that say of
    others that they were lost are about that file alone and are not.
    """
    if not (folder / "ledger.jsonl").is_file():
        raise LedgerError(f"{folder} holds no ledger.jsonl, wanted the folder of another journal; name that")
    other = Ledger(folder / "ledger.jsonl")
    ledger.keep_paths(_paths(folder / "paths"))
    n_added = n_counted = n_known = 0
    for entry in (*other.entries(), *other.lost):
        if entry.kind == RESTORED:
            continue
        if ledger.take_over(entry, other):
            n_added, n_counted = n_added + 1, n_counted + may_count(entry)
        else:
            n_known += 1
    return LedgerMerge(n_added, n_counted, n_known)


def unknown_there(ledger: Ledger, folder: Path) -> list[LedgerEntry]:
    """The entries here that a merge into the ledger in `folder` would add there."""
    theirs = {entry.content_hash for entry in Ledger(folder / "ledger.jsonl").entries()}
    return [one for one in ledger.entries() if one.kind != RESTORED and one.content_hash not in theirs]


def _paths(folder: Path) -> Iterator[PricePath]:
    """The stored paths of prices, each checked against its name."""
    for file in sorted(folder.glob("*.safetensors")) if folder.is_dir() else ():
        if file.name.startswith("."):
            continue
        path = PricePath.from_bytes(file.read_bytes())
        if path.digest != file.stem:
            raise LedgerError(f"{file} holds another path than its name says; restore it from a copy")
        yield path
