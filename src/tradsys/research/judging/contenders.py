"""Contenders for a market's seat, as the ledger knows them: the record of every seed, and what was unstable in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.errors import DataError
from tradsys.core.time import DAY_MS, to_ms
from tradsys.journal.entries import NOT_FITTED, Data
from tradsys.journal.ledger import Ledger, LedgerEntry

DIVERGED_MILLINATS = 50.0
"""Calibrated forecasts that lose this much to a constant have come apart; an honest fold without skill loses a few."""


@dataclass(frozen=True, slots=True)
class SeedRecord:
    """One seed's daily net returns, `days` and `daily` (n_days,), its folds as [first, last) days, and its troubles."""

    seed: int
    days: IntArray
    daily: FloatArray
    folds: tuple[tuple[int, int], ...] = ()
    troubles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Contender:
    """A profile of a configuration with all of its seeds; `failures` are runs that could not be fitted."""

    name: str
    records: tuple[SeedRecord, ...]
    failures: tuple[str, ...] = ()

    @property
    def troubles(self) -> tuple[str, ...]:
        """Everything unstable about it, in words."""
        return (*self.failures, *(t for record in self.records for t in record.troubles))


def contender(ledger: Ledger, data: Data, experiment: str, profile: str) -> Contender:
    """What the ledger knows of a profile of a configuration on this market: the last run of each seed."""
    mine = [e for e in ledger.entries_on(data.blocks) if e.content.get("market") == data.market]
    mine = [e for e in mine if e.content.get("experiment") == experiment]
    name = f"{profile} of {experiment[:8]}"
    trials = {e.content["seed"]: e for e in mine if e.kind == "trial" and e.content["profile"] == profile}
    if not trials:
        raise DataError(f"{ledger.path} holds no trial of {name} on {data.market}; run it first")
    runs = {str(e.content["run"]): e for e in mine if e.kind == "run"}
    ended = {e.content["seed"]: e for e in mine if e.kind in ("run", "failure")}
    return Contender(
        name,
        tuple(_record(ledger, trial, runs.get(str(trial.content["run"]))) for _, trial in sorted(trials.items())),
        tuple(
            f"seed {seed} could not be fitted: {e.content['reason']}"
            for seed, e in sorted(ended.items())
            if e.kind == "failure"
        ),
    )


def _record(ledger: Ledger, trial: LedgerEntry, run: LedgerEntry | None) -> SeedRecord:
    series = ledger.load_trial(trial.content["series"])
    record = SeedRecord(trial.content["seed"], series.days, series.daily)
    if run is None:
        return replace(record, troubles=(f"seed {record.seed} did not finish its run",))
    folds = run.content["folds"]
    return replace(
        record,
        folds=tuple((_day(fold["test_from"]), _day(fold["test_to"])) for fold in folds),
        troubles=tuple(f"seed {record.seed}, {trouble}" for trouble in troubles(folds)),
    )


def troubles(folds: Sequence[Mapping[str, Any]]) -> list[str]:
    """What is unstable about a run, from `entries.FoldScore` as plain values."""
    found = []
    for k, fold in enumerate(folds, 1):
        gain = fold["gain_millinats"]
        if fold["training"] == NOT_FITTED:
            continue
        if "diverged" in fold["training"]:
            found.append(f"fold {k}: {fold['training']}")
        elif gain is None:
            found.append(f"fold {k}: its forecasts have no finite score")
        elif gain < -DIVERGED_MILLINATS:
            found.append(f"fold {k}: its forecasts lost {-gain:.0f} millinats to the base rate")
    return found


def _day(iso: str) -> int:
    return to_ms(datetime.fromisoformat(iso)) // DAY_MS
