"""A run's ledger entries apart from its trials: the hypothesis it looks at, its choices, its result or failure."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from tradsys.core.errors import ConfigError, DiskError
from tradsys.core.json_text import canonical_json
from tradsys.data.market import Market
from tradsys.journal.entries import Choice, FailedRun, FinishedRun, FoldScore, LockboxResult, Look, Result, UnwrittenRun
from tradsys.journal.ledger import Ledger
from tradsys.profiles.catalogue import named
from tradsys.profiles.profile import Profile
from tradsys.profiles.rules import ConfidenceAbove
from tradsys.research.judging.trials import Tried, data_of, run_name
from tradsys.research.walk.agents import DECIDER
from tradsys.research.walk.deciding import FoldResult
from tradsys.research.walk.experiment import Outcome
from tradsys.research.walk.experiment_spec import Experiment
from tradsys.runs.deciders import deciding_sentences
from tradsys.runs.diagnostics import FoldChoiceMetrics
from tradsys.runs.metrics import RunMetrics
from tradsys.runs.section import Measurement
from tradsys.runs.verdict import ProfileJudgement, RunVerdict
from tradsys.settings.config import RunConfig


def record_look(hypothesis: str, market: Market, spec: Tried, ledger: Ledger, *, code: str) -> str:
    """Tie the run that is about to start to a hypothesis on the same data; returns the hypothesis' full name."""
    entry = ledger.find(hypothesis, "hypothesis")
    if not ledger.share_data(market.blocks, entry.content["blocks"]):
        raise ConfigError(
            f"hypothesis {entry.content_hash[:10]} is about {entry.content['market']}, and this run's data share no "
            f"month with it; record one with `tradsys journal add --market {market.sources[0]} --hypothesis ...`"
        )
    run = run_name(market, spec, code)
    ledger.append(Look(data=data_of(market), hypothesis=entry.content_hash, run=run).content())
    return entry.content_hash


def record_failure(reason: str, market: Market, spec: Tried, config: RunConfig, ledger: Ledger, *, code: str) -> None:
    """Remember that a run of this configuration came to no end, and why."""
    ledger.append(_without_result(FailedRun, reason, market, spec, config, code).content())


def _without_result(
    kind: type[FailedRun], reason: str, market: Market, spec: Tried, config: RunConfig, code: str
) -> FailedRun:
    """The entry of a run that came to no result."""
    return kind(
        data=data_of(market),
        run=run_name(market, spec, code),
        experiment=spec.digest,
        seed=spec.seed,
        code=code,
        reason=reason,
        changed=config.changed,
    )


@contextmanager
def recorded_if_unwritten(
    market: Market, spec: Tried, config: RunConfig, ledger: Ledger, *, code: str
) -> Iterator[None]:
    """A DiskError where the system refuses a write inside, and an entry that says so: trials entered before count."""
    try:
        yield
    except OSError as error:
        reason = f"it could not be written: {error.strerror or error}"
        unwritten = _without_result(UnwrittenRun, reason, market, spec, config, code)
        try:
            ledger.append(unwritten.content())
            told = f"{ledger.path} says so"
        except OSError:
            told = f"{ledger.path} could not be told either"
        raise DiskError(
            f"the run was made, but {reason} ({error.filename or 'the journal'}); no folder is left, trials that were "
            f"entered count, and {told}: free some space or name other disks (--out, --journal), and run the same again"
        ) from error


def record_result(
    market: Market,
    spec: Tried,
    agent: str,
    config: RunConfig,
    choices: Iterable[Choice],
    verdict: RunVerdict,
    metrics: RunMetrics,
    ledger: Ledger,
    *,
    code: str,
) -> None:
    """Enter the choices and then what the run found; an identical re-run finds them there and appends nothing."""
    data, run = data_of(market), run_name(market, spec, code)
    if len(spec.profiles) > 1:
        among = [profile.name for profile in spec.profiles]
        ledger.append(Choice(data=data, run=run, what="profile", by_fold=(spec.deployed,), among=among).content())
    if opened := verdict.lockbox:
        shown = LockboxResult(data=data, run=run, profile=opened.profile, result=_result(opened))
        ledger.append(shown.content())
    if ledger.latest("run", run=run):
        return
    for choice in choices:
        ledger.append(choice.content())
    ledger.append(_finished(market, spec, agent, config, verdict, metrics, code=code).content())


def _finished(
    market: Market,
    spec: Tried,
    agent: str,
    config: RunConfig,
    verdict: RunVerdict,
    metrics: RunMetrics,
    *,
    code: str,
) -> FinishedRun:
    return FinishedRun(
        data=data_of(market),
        run=run_name(market, spec, code),
        experiment=spec.digest,
        seed=spec.seed,
        code=code,
        title=f"{agent}, {market.title}, seed {spec.seed}",
        n_trials=verdict.n_trials,
        n_design_looks=metrics.market.n_design_looks,
        ledger_head=verdict.ledger_head,
        results={
            name: _result(judged, metrics.profiles[name].metrics["sharpe"]) for name, judged in verdict.profiles.items()
        },
        folds=[
            FoldScore(fold.test_from.isoformat(), fold.test_to.isoformat(), fold.gain_millinats, fold.training)
            for fold in metrics.folds
        ],
        changed=config.changed,
        decided=deciding_sentences(metrics, named(spec.deployed, spec.profiles).name),
    )


def _result(judged: ProfileJudgement, sharpe: Measurement | None = None) -> Result:
    return Result(
        verdict=judged.verdict,
        p=judged.p,
        sharpe=judged.sharpe,
        low=sharpe.low if sharpe else None,
        high=sharpe.high if sharpe else None,
        n_trades=judged.n_trades,
        n_days=judged.n_days,
        until=judged.until,
    )


def fold_choices(
    run: str, market: Market, spec: Experiment, outcome: Outcome, chosen: Sequence[FoldChoiceMetrics]
) -> Iterator[Choice]:
    """Who decides, where thresholds lie and what the regimes are in each fold; and what the chosen procedure took.

    `chosen` are the folds of the chosen procedure, of which no verdict is given.
    """
    choice, results = partial(Choice, data=data_of(market), run=run), outcome.results
    among = sorted({DECIDER, *spec.challengers})
    yield choice(what="agent", by_fold=[one.decider for one in results], among=among)
    for profile in spec.profiles:
        levels = [_threshold(profile, one) for one in results]
        if levels[0] is not None:
            yield choice(what="threshold", by_fold=levels, among=[profile.name])
    yield choice(what="regime map", by_fold=[_regimes(one) for one in results])
    names, procedure = [profile.name for profile in spec.profiles], ["chosen procedure"]
    yield choice(what="profile", by_fold=[one.profile for one in chosen], among=names)
    yield choice(what="threshold", by_fold=[one.threshold for one in chosen], among=procedure)
    blocked = [{"blocked_regimes": one.blocked_regimes} for one in chosen]
    yield choice(what="regime map", by_fold=blocked, among=procedure)


def _threshold(profile: Profile, result: FoldResult) -> float | None:
    """The probability at which the profile's confidence threshold lies in this fold, None where it has none."""
    if not isinstance(profile.entry, ConfidenceAbove):
        return None
    if profile.entry.confidence == "probability":
        return profile.entry.threshold
    confidence = result.predictor.ranks.sorted_confidence
    return float(confidence[min(int(profile.entry.threshold * len(confidence)), len(confidence) - 1)])


def _regimes(result: FoldResult) -> dict[str, Any]:
    """How many regimes, by volatility from quiet on, and a digest of the filter that tells them apart."""
    regimes = result.predictor.regimes
    digest = hashlib.sha256(canonical_json(regimes.to_dict()).encode()).hexdigest()
    return {"n_states": regimes.n_states, "digest": digest[:16]}
