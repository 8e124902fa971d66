"""Nested selection, the chosen procedure: profile, threshold and regime map chosen inside each training part.

Each fold chooses on the out-of-fold record inside its own training part: the first on the forecasts of its inner purged
folds, the others on the test blocks before theirs, with trades that have closed an embargo before their block opens.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from tradsys.backtest.metrics import measure
from tradsys.backtest.simulate import Simulation
from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.time import DAY_MS, interval_ms
from tradsys.models.forecaster import stack
from tradsys.models.linear.penalty import Problem
from tradsys.predictor.predictor import ModelOutputs
from tradsys.predictor.valuation import audit_inputs
from tradsys.profiles.forecast import Forecasts
from tradsys.profiles.profile import Profile
from tradsys.profiles.regime_names import regime_names
from tradsys.profiles.rules import QUIET, AnyRegime, ConfidenceAbove, NoAudit, NotQuiet, Outside, RegimeRule
from tradsys.research.selection.stability import MIN_DAYS, Selected, select_candidate
from tradsys.research.walk.dataset import Dataset
from tradsys.research.walk.deciding import FoldResult, meta_labels
from tradsys.research.walk.experiment import (
    Outcome,
    block_entries,
    priced_grid,
    profile_entries,
    simulate_decisions,
    simulate_on,
)
from tradsys.research.walk.experiment_spec import Experiment
from tradsys.research.walk.fitting import TimeoutModel, expected_holding_cost, known_slippage
from tradsys.research.walk.metrics import measured_json
from tradsys.research.walk.record import Record
from tradsys.splits.kfold import PurgedKFold

_AUDIT_FOLDS = 4

RANKS = (0.75, 0.85, 0.9, 0.95)
"""Thresholds on the rank of the confidence: both of the profiles' own, and two between."""

WHY_NO_VERDICT = (
    "It carries no verdict: nothing is claimed of it, so that it is no trial and the profiles are judged by as many as "
    "without it."
)


def candidates(profiles: Sequence[Profile], n_regimes: int) -> tuple[Profile, ...]:
    """Different procedures under the name of the profile each comes from, the profiles themselves first.

    A supervised profile is a procedure of its plain one, and no other here: what other markets take back is not chosen.
    """
    found: dict[object, Profile] = {}
    variants = (one for profile in profiles for one in _variants(profile, n_regimes))
    for one in (*profiles, *variants):
        found.setdefault((one.entry, one.regimes, one.audit), one)
    return tuple(found.values())


def regime_maps(n_regimes: int) -> tuple[RegimeRule, ...]:
    """Entries everywhere, outside the quiet regime, outside the wildest, and outside both where one is left over."""
    wildest = n_regimes - 1
    both = (Outside((QUIET, wildest)),) if n_regimes > 2 else ()
    return AnyRegime(), NotQuiet(), Outside((wildest,)), *both


def blocked(profile: Profile) -> tuple[int, ...]:
    """The regimes in which the profile does not enter, counted from the quiet one."""
    if isinstance(profile.regimes, Outside):
        return profile.regimes.blocked
    return (QUIET,) if isinstance(profile.regimes, NotQuiet) else ()


def described(profile: Profile, n_regimes: int) -> str:
    """Its entry, regimes and audit in a phrase."""
    entry = profile.entry
    enters = (
        f"{entry.confidence} above {entry.threshold:g}" if isinstance(entry, ConfidenceAbove) else "return above cost"
    )
    names = dict(enumerate(regime_names(n_regimes)))
    sat_out = " and ".join(names.get(k, f"regime {k}") for k in blocked(profile))
    audited = "" if isinstance(profile.audit, NoAudit) else ", audited"
    return f"{enters}, {f'not in {sat_out}' if sat_out else 'any regime'}{audited}"


def _variants(profile: Profile, n_regimes: int) -> Iterator[Profile]:
    entries = [profile.entry]
    if isinstance(profile.entry, ConfidenceAbove):
        entries += [ConfidenceAbove(rank) for rank in RANKS]
    for entry in entries:
        for regimes in regime_maps(n_regimes):
            yield replace(profile, entry=entry, regimes=regimes)


type Blocks = Sequence[Mapping[str, Forecasts]]
"""What was forecast out of fold, a symbol's forecasts for each block in order of time."""


@dataclass(frozen=True, slots=True, eq=False)
class FoldChoice:
    """What one fold's training part chose, and from what.

    `daily` (n_candidates, n_days) are the candidates' net returns and `n_trades` (n_candidates,) their trades there.
    """

    fold: int
    profile: Profile
    pick: Selected
    daily: FloatArray
    n_trades: IntArray


@dataclass(frozen=True, slots=True)
class Chosen:
    """A choice a fold, and the one simulated record that the choices' decisions make together."""

    n_candidates: int
    n_regimes: int
    choices: tuple[FoldChoice, ...]
    simulation: Simulation

    def to_dict(self, seed: int) -> dict[str, Any]:
        """The `chosen` of `metrics.json`."""
        return {
            "sentence": WHY_NO_VERDICT,
            "n_candidates": self.n_candidates,
            "rank_thresholds": list(RANKS),
            "folds": [_described(one, self.n_regimes) for one in self.choices],
            "metrics": measured_json(measure(self.simulation, seed=seed)),
        }


def choose_everywhere(outcome: Outcome, spec: Experiment) -> Chosen:
    """Every fold's choice, each applied to the fold's own test block, as one record."""
    data, results = outcome.data, outcome.results
    choices: list[FoldChoice] = []
    for k in range(len(results)):
        held = choices[-1].profile if choices else None
        choices.append(choose_for_fold(data, spec, results[: k + 1], outcome.record, held=held))
    # positions are carried from one block into the next, whatever the next has chosen
    decisions = pl.concat(block_entries(r, one.profile, spec) for r, one in zip(results, choices, strict=True))
    simulation = simulate_decisions(data.frames, decisions, spec, start=results[0].fold.opens, end=data.closes)
    n_regimes = results[0].predictor.regimes.n_states
    return Chosen(len(candidates(spec.profiles, n_regimes)), n_regimes, tuple(choices), simulation)


def choose_for_fold(
    data: Dataset, spec: Experiment, results: Sequence[FoldResult], record: Record, *, held: Profile | None
) -> FoldChoice:
    """What the last fold of the results chooses inside its training part; `held` is what the fold before had chosen."""
    own = results[-1]
    among = candidates(spec.profiles, own.predictor.regimes.n_states)
    blocks: Blocks = [one.forecasts for one in results[:-1]] or [first_part_forecasts(data, spec, own, record)]
    daily, n_trades = _earned(data, spec, blocks, among, known_until(data, spec, own))
    pick = select_candidate(daily, n_trades, held=None if held is None else among.index(held))
    return FoldChoice(own.fold.index, among[pick.index], pick, daily, n_trades)


def first_part_forecasts(data: Dataset, spec: Experiment, result: FoldResult, record: Record) -> dict[str, Forecasts]:
    """A symbol's forecasts of the first fold's training rows, from the out-of-fold log-odds in the record.

    Each trade is audited by an auditor of other purged folds. Calibration (two numbers a side), the distribution that
    ranks are read from, scales and regimes are the fold's own, fitted on this very part.
    """
    predictor = result.predictor
    rows = record.known(result.decider, record.known(TimeoutModel.name, result.fold.train))
    logits, timeout = record.logits(result.decider), record.logits(TimeoutModel.name)
    X = [predictor.features.standardise(values) for values in data.raw.of(predictor.features)]
    regime = [predictor.regimes.filter(bars) for bars in data.frames.values()]
    labels = data.stacked(rows)
    log_odds = stack(logits, rows)
    carry = expected_holding_cost(predictor.valuation.holding, data, rows)
    slippage = known_slippage(data, spec, rows)
    judged = predictor.valuation.value(log_odds, stack(timeout, rows), labels.atr_over_price, carry, slippage=slippage)
    inputs = audit_inputs(stack(X, rows), log_odds, judged, stack(regime, rows))
    audits = _out_of_fold(spec, data, meta_labels(inputs, judged, labels))
    ends = np.cumsum([mask.sum() for mask in rows])[:-1]
    parts = zip(data.frames.items(), X, logits, timeout, regime, rows, np.split(audits, ends), strict=True)
    return {
        symbol: replace(predictor.forecasts(bars, ModelOutputs(*readings), mask, symbol), audit=audit)
        for (symbol, bars), *readings, mask, audit in parts
    }


def _out_of_fold(spec: Experiment, data: Dataset, trades: Problem) -> FloatArray:
    audits = np.empty(len(trades.y))
    folds = PurgedKFold(_AUDIT_FOLDS, spec.embargo(data.interval))
    for train, test in folds.split(trades.X, intervals=(trades.start, trades.end)):
        fitted = spec.auditor.fit(*trades.take(train), seed=spec.seed)
        audits[test] = fitted.probability(trades.X[test])
    return audits


def known_until(data: Dataset, spec: Experiment, result: FoldResult) -> int:
    """When the trades that a fold chooses by must have ended, ms: an embargo before its test block, as its labels."""
    return result.fold.opens - interval_ms(spec.embargo(data.interval))


def _earned(
    data: Dataset, spec: Experiment, blocks: Blocks, among: Sequence[Profile], until: int
) -> tuple[FloatArray, IntArray]:
    """Daily net returns (n_candidates, n_days) and numbers of trades, of trades whose horizon ends by `until` (ms)."""
    start = min(int(one.start[0]) for one in blocks[0].values() if len(one.start))
    if until - start < MIN_DAYS * DAY_MS:
        return np.zeros((len(among), max(until - start, 0) // DAY_MS)), np.zeros(len(among), np.int64)
    forecasts = [one for block in blocks for one in block.items()]
    priced = priced_grid(data.frames, spec, start=start, end=until)
    records = (simulate_on(priced, profile_entries(forecasts, profile, spec), spec) for profile in among)
    # no more than one simulation is held at a time: each has positions and prices of all symbols
    daily, n_trades = zip(*((one.daily, one.n_trades) for one in records), strict=True)
    return np.array(daily), np.array(n_trades)


def _described(choice: FoldChoice, n_regimes: int) -> dict[str, Any]:
    profile, pick = choice.profile, choice.pick
    return {
        "fold": choice.fold,
        "profile": profile.name,
        "threshold": profile.entry.threshold if isinstance(profile.entry, ConfidenceAbove) else None,
        "blocked_regimes": list(blocked(profile)),
        "description": described(profile, n_regimes),
        "record": "inner purged folds" if choice.fold == 0 else "earlier test blocks",
        "why": pick.why,
        "n_days": choice.daily.shape[1],
        "n_trades": int(choice.n_trades[pick.index]),
        "sharpe": pick.sharpe,
        "best_sharpe": pick.best_sharpe,
        "standard_error": pick.standard_error,
    }
