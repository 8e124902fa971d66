"""The series of trials as files, each named by its digest and checked against it."""

from collections.abc import Collection
from pathlib import Path

from safetensors import SafetensorError

from tradsys.core.errors import DataError, LedgerError
from tradsys.core.files import write_atomically, write_once
from tradsys.journal.trial import TrialSeries


class TrialFiles:
    """`<digest>.safetensors` in a folder; the delayed returns in them are checked against what runs have entered."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, digest: str) -> Path:
        """Where the series with this digest lies."""
        return self.folder / f"{digest}.safetensors"

    def store(self, trial: TrialSeries) -> None:
        """Write a trial where it is not there yet, or was stored with other delayed returns or none."""
        path = self.path(trial.digest)
        if path.exists() and trial.delayed is not None:
            if self.load(trial.digest).delayed_digest != trial.delayed_digest:
                write_atomically(path, trial.to_bytes())
            return
        write_once(path, trial.to_bytes())

    def load(self, digest: str, entered: Collection[str] = ()) -> TrialSeries:
        """The series with this digest; it has no opens. `entered` are digests that its delayed returns may have."""
        path = self.path(digest)
        try:
            stored = TrialSeries.from_bytes(path.read_bytes())
        except (DataError, ValueError, KeyError, IndexError, OSError, SafetensorError) as error:
            raise LedgerError(f"{path} is not a trial's series ({error}); restore it from a copy") from error
        if stored.digest != digest:
            raise LedgerError(f"{path} holds {stored.digest[:12]}..., not what its name says; restore it from a copy")
        if stored.delayed is not None and entered and stored.delayed_digest not in entered:
            raise LedgerError(f"{path} holds delayed returns that no run has entered; restore it from a copy")
        return stored
