"""Who is champion of a market: a challenger takes the seat only where it wins beyond noise and never comes apart.

The rule:

1. A contender is a profile of a configuration, with every seed it was run with. One that was ruined, whose training
   diverged, whose fit failed, or whose forecasts lost more than 50 millinats to the base rate in some fold is unstable
   and never takes the seat, however well it did.
2. An empty seat goes to a stable contender that is proven now or, as a candidate, to one that made money after costs
   from enough trades and is not refuted. A candidate yields to a stable contender that is proven now.
3. Otherwise the challenger must beat the champion on their common days: the difference of their daily net returns,
   averaged over seeds, has a studentised block-bootstrap p which, times the number of challengers tried on the market,
   is at most alpha; it is ahead in more than half of the folds and with every seed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce
from typing import Any, Literal

import numpy as np

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.errors import DataError
from tradsys.core.seeds import generator
from tradsys.core.time import DAY_MS, DAYS_A_YEAR, to_ms
from tradsys.journal.book import reigning
from tradsys.journal.chain import LedgerEntry, in_time
from tradsys.journal.entries import NOT_FITTED, Champion, Data, Trial
from tradsys.journal.ledger import Ledger
from tradsys.profiles.catalogue import named
from tradsys.research.judging.rejudge import Replay, rejudge
from tradsys.runs.verdict import ProfileJudgement
from tradsys.verdict.results import VerdictSpec
from tradsys.verdict.ruin import ruined_on
from tradsys.verdict.stationary import studentised_blocks

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
        ends = ((record.seed, ruined_on(record.days, record.daily)) for record in self.records)
        ruins = (f"seed {seed} was ruined on {on}" for seed, on in ends if on)
        return (*self.failures, *ruins, *(t for record in self.records for t in record.troubles))


def contender(ledger: Ledger, data: Data, experiment: str, profile: str) -> Contender:
    """What the ledger knows of a profile of a configuration on this market: the last run of each seed.

    Runs from before its rules were changed, which the profile's digest tells, were another profile's.
    """
    mine = [e for e in in_time(ledger.entries_on(data.blocks)) if e.content.get("market") == data.market]
    mine = [e for e in mine if e.content.get("experiment") == experiment]
    name = f"{profile} of {experiment[:8]}"
    tried = [e for e in mine if e.kind == "trial" and e.content["profile"] == profile]
    if not tried:
        raise DataError(f"{ledger.path} holds no trial of {name} on {data.market}; run it first")
    rules = tried[-1].content["profile_digest"]
    trials = {e.content["seed"]: e for e in tried if e.content["profile_digest"] == rules}
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


@dataclass(frozen=True, slots=True)
class Contest:
    """How a challenger did against the champion; numbers are None where the two could not be compared."""

    is_won: bool
    why: str
    p: float | None = None
    n_days: int | None = None
    n_folds_won: int | None = None
    n_folds: int | None = None


@dataclass(frozen=True, slots=True)
class Promotion:
    """What came of a promotion: the seat's new entry, or None where it stays as it is, and why."""

    entry: LedgerEntry | None
    standing: Literal["proven", "candidate"] | None
    why: str


def promote(run: Replay, ledger: Ledger, profile: str | None = None) -> Promotion:
    """Put a profile of a run forward; only where it takes the seat is a champion's entry written."""
    manifest = run.manifest
    chosen = named(profile or manifest.deployed_profile, run.tried.profiles).name
    data = Data(manifest.market, manifest.blocks, manifest.fingerprint)
    judged = rejudge(run, ledger).now.profiles[chosen]
    standing: Literal["proven", "candidate"] = "proven" if is_proven_still(judged) else "candidate"
    mine = contender(ledger, data, manifest.experiment, chosen)
    holder = reigning(ledger, data.market, data.blocks)
    if holder is None:
        contest = first_champion(mine, judged, run.tried.verdict)
    elif (holder.content["experiment"], holder.content["profile"]) == (manifest.experiment, chosen):
        return Promotion(None, None, f"{mine.name} is the champion already")
    else:
        champion = contender(ledger, data, holder.content["experiment"], holder.content["profile"])
        is_upgrade = standing == "proven" and holder.content["standing"] == "candidate"
        n = _n_challengers(ledger, data, holder)
        contest = challenge(mine, champion, run.tried.verdict, n_challengers=n, proven_against_candidate=is_upgrade)
    if not contest.is_won:
        return Promotion(None, None, contest.why)
    entry = Champion(
        data=data,
        run=manifest.run,
        experiment=manifest.experiment,
        profile=chosen,
        standing=standing,
        why=contest.why,
        replaces="" if holder is None else holder.content_hash,
    )
    return Promotion(ledger.append(entry.content()), standing, contest.why)


def is_proven_still(judged: ProfileJudgement) -> bool:
    """Whether it is proven without a day since which it has not earned: an edge that died is at most a candidate."""
    return judged.verdict == "proven" and judged.until is None


def first_champion(mine: Contender, judged: ProfileJudgement, spec: VerdictSpec) -> Contest:
    """Whether an empty seat goes to this contender, given its verdict as of now."""
    if mine.troubles:
        return Contest(False, f"the seat stays empty: {mine.name} is unstable ({mine.troubles[0]})")
    if is_proven_still(judged):
        return Contest(True, f"first on this market and proven: {judged.sentence}")
    if judged.leg == "data":
        return Contest(False, f"the seat stays empty: {mine.name} is {judged.sentence}")
    has_earned = judged.sharpe is not None and judged.sharpe > 0 and judged.n_trades >= spec.min_trades
    if judged.verdict == "refuted" or not has_earned:
        return Contest(
            False,
            f"the seat stays empty: a candidate must have made money after costs from at least {spec.min_trades} "
            f"trades; {mine.name} is {judged.sentence}",
        )
    when = "yet" if judged.until is None else "any more"
    return Contest(True, f"first stable candidate of this market, not proven {when}: {judged.sentence}")


def challenge(
    mine: Contender,
    champion: Contender,
    spec: VerdictSpec,
    *,
    n_challengers: int = 1,
    proven_against_candidate: bool = False,
) -> Contest:
    """Whether the challenger takes the champion's seat."""
    if mine.troubles:
        return Contest(False, f"{champion.name} stays: {mine.name} is unstable ({mine.troubles[0]})")
    if proven_against_candidate:
        return Contest(True, f"proven now, where {champion.name} was a candidate")
    everyone = [*mine.records, *champion.records]
    days = reduce(np.intersect1d, [record.days for record in everyone])
    if len(days) < spec.min_days:
        return Contest(
            False, f"{champion.name} stays: only {len(days)} of {spec.min_days} days in common with {mine.name}"
        )
    theirs = np.mean([_on(record, days) for record in champion.records], axis=0)
    ahead = np.array([_on(record, days) - theirs for record in mine.records])
    difference = ahead.mean(axis=0)
    rng = generator(0, "champion")
    tested = studentised_blocks(difference[None, :], spec.block_days, spec.n_bootstrap, rng)
    is_other = np.abs(difference).max() > 1e-12  # the same record, averaged in another order, differs in its last bits
    as_large = int((tested.draws[:, 0] >= tested.t[0]).sum()) if is_other else spec.n_bootstrap
    p = min(1.0, n_challengers * (1 + as_large) / (1 + spec.n_bootstrap))
    folds = [difference[(days >= first) & (days < last)] for first, last in mine.records[0].folds]
    folds = [fold for fold in folds if len(fold)]
    n_won = sum(bool(fold.sum() > 0) for fold in folds)
    n_seeds_won = int((ahead.mean(axis=1) > 0).sum())
    is_won = p <= spec.alpha and 2 * n_won > len(folds) and n_seeds_won == len(mine.records)
    seeds = f"{n_seeds_won} of {len(mine.records)} seeds"
    numbers = (
        f"{difference.mean() * DAYS_A_YEAR:+.1%} a year over {len(days)} common days, p {p:.3f} among {n_challengers} "
        f"{'challenger' if n_challengers == 1 else 'challengers'}, ahead in {n_won} of {len(folds)} folds and {seeds}"
    )
    if is_won:
        return Contest(True, f"beats {champion.name} beyond noise: {numbers}", p, len(days), n_won, len(folds))
    why = f"{champion.name} stays: {mine.name} does not beat it beyond noise ({numbers})"
    return Contest(False, why, p, len(days), n_won, len(folds))


def _n_challengers(ledger: Ledger, data: Data, holder: LedgerEntry) -> int:
    """Contenders other than the champion that were ever tried on this market."""
    tried_here = (e.content for e in ledger.trials_on(data.blocks) if e.kind == Trial.kind)
    mine = [one for one in tried_here if one.get("market") == data.market]
    tried = {(one["experiment"], one["profile"]) for one in mine}
    return len(tried - {(holder.content["experiment"], holder.content["profile"])})


def _on(record: SeedRecord, days: IntArray) -> FloatArray:
    return record.daily[np.searchsorted(record.days, days)]
