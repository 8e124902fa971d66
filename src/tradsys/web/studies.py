"""Tuning studies as a page shows them: trials from the ledger, the golden configuration from the study's folder."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tradsys.core.errors import DataError
from tradsys.journal.chain import LedgerEntry
from tradsys.journal.entries import TuningTrial
from tradsys.journal.ledger import Ledger
from tradsys.report.numbers import is_known, plain
from tradsys.web.foreign import told

STUDIES: Final = "tuning"
"""Folder of the studies beside the ledger."""

_NAME: Final = re.compile(r"\w[\w.-]*")
"""As `tune` makes them; a ledger from elsewhere could hold any, and a name is a folder here."""


@dataclass(frozen=True, slots=True)
class StudyTrial:
    """One configuration that was scored; `objective` is None where it was pruned or failed."""

    number: int
    at: str
    settings: str
    objective: float | None
    mean: float | None
    instability: float | None
    outcome: str


@dataclass(frozen=True, slots=True)
class GoldenEvidence:
    """What a study chose and why; `lead`, `error` and `by_luck` are of its best trial, in nats a year."""

    number: int
    why: str
    measure: str
    changes: tuple[tuple[str, str, str], ...]
    lead: float
    error: float
    by_luck: float

    @classmethod
    def of(cls, read: Mapping[str, Any]) -> "GoldenEvidence":
        """From `golden.json`; a KeyError or TypeError where it is none."""
        began, became, lead = read["incumbent"]["settings"], read["chosen"]["settings"], read["lead_of_the_best"]
        keys = sorted(key for key in began | became if began.get(key) != became.get(key))
        changes = tuple((key, _short(began.get(key)), _short(became.get(key))) for key in keys)
        ahead = (float(lead[key]) for key in ("value", "standard_error", "by_luck"))
        return cls(int(read["chosen"]["number"]), str(read["why"]), str(read["measure"]), changes, *ahead)


@dataclass(frozen=True, slots=True)
class StudyRecord:
    """A study's trials by number; `golden` is None while nothing was chosen; `trouble`: it cannot be read."""

    name: str
    market: str
    trials: tuple[StudyTrial, ...]
    parent: str = ""
    golden: GoldenEvidence | None = None
    trouble: str = ""

    @property
    def complete(self) -> list[StudyTrial]:
        """Those with a score."""
        return [one for one in self.trials if one.objective is not None]

    @property
    def best(self) -> StudyTrial | None:
        """The highest objective, the first among equals."""
        return max(self.complete, key=lambda one: (one.objective or 0.0, -one.number), default=None)

    @property
    def n_pruned(self) -> int:
        """Trials that were given up on the way."""
        return sum(one.outcome == "pruned" for one in self.trials)


def read_studies(ledger: Ledger) -> list[StudyRecord]:
    """Every study of the ledger, the one that was worked on last first."""
    by_name: dict[str, list[LedgerEntry]] = {}
    for entry in ledger.entries(TuningTrial.kind):
        by_name.setdefault(str(entry.content.get("study", "without a name")), []).append(entry)
    latest = sorted(by_name.items(), key=lambda one: max(entry.at for entry in one[1]), reverse=True)
    return [_readable(name, entries, ledger.path.parent / STUDIES / name) for name, entries in latest]


def _readable(name: str, entries: Sequence[LedgerEntry], folder: Path) -> StudyRecord:
    """The study, or one without trials that says why they cannot be read."""
    try:
        with told(f"A trial of {name} in the ledger", "look at it with the release that wrote it"):
            return _study(name, entries, folder)
    except DataError as error:
        return StudyRecord(name, "", (), trouble=str(error))


def _study(name: str, entries: Sequence[LedgerEntry], folder: Path) -> StudyRecord:
    trials = sorted((_trial(entry) for entry in entries), key=lambda one: one.number)
    about = entries[-1].content
    golden, trouble = None, ""
    try:
        golden = _golden(folder / "golden.json") if _NAME.fullmatch(name) else None
    except DataError as error:
        trouble = str(error)
    return StudyRecord(name, str(about.get("market", "")), tuple(trials), str(about.get("parent", "")), golden, trouble)


def _trial(entry: LedgerEntry) -> StudyTrial:
    scores: Mapping[str, Any] = entry.content["scores"]
    known = {
        key: scores.get(key) if is_known(scores.get(key)) else None for key in ("objective", "mean", "instability")
    }
    settings = ", ".join(f"{key}={_short(value)}" for key, value in entry.content["settings"].items())
    return StudyTrial(
        number=int(entry.content["number"]),
        at=entry.at,
        settings=settings or "as it began",
        outcome=str(entry.content.get("outcome", "complete")),
        **known,
    )


def _golden(path: Path) -> GoldenEvidence | None:
    """The evidence beside golden.toml; None where the study has chosen nothing yet."""
    try:
        read = json.loads(path.read_text())
        return GoldenEvidence.of(read)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise DataError(
            f"{path} does not say what the study chose ({type(error).__name__}: {error}); the same tune command writes "
            "it again"
        ) from None


def _short(value: Any) -> str:
    """A setting on one line, its digits as many as matter."""
    return f"{value:.4g}" if isinstance(value, float) else plain(value)
