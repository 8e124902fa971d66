"""`metrics.json`: what a run measured, each number with its sample size and interval; no clock and no machine in it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from tradsys.backtest.metrics import measure
from tradsys.backtest.simulate import Simulation
from tradsys.core.time import from_ms
from tradsys.data.market import Market
from tradsys.profiles.profile import Profile
from tradsys.research.walk.common_metrics import assumptions, benchmark_json, block_trades, market_facts, measured_json
from tradsys.research.walk.deciding import FoldResult
from tradsys.research.walk.experiment import Outcome, block_decisions
from tradsys.research.walk.experiment_spec import Experiment
from tradsys.research.walk.scoring import BASE_RATE, DECISION_MAKER, reliability, skill_table
from tradsys.verdict.scores import auc, log_loss


def run_metrics(market: Market, spec: Experiment, outcome: Outcome, benchmark: Simulation) -> dict[str, Any]:
    """Everything of a run that is a number, in plain JSON values."""
    return {
        "market": market_facts(market, spec.folds.lockbox),
        "labels": _labels(outcome, spec),
        "folds": [_fold(result, outcome) for result in outcome.results],
        "skill": skill_table(outcome.scored, seed=spec.seed),
        "reliability": reliability(outcome.scored),
        "profiles": {p.name: _profile(p, outcome.simulations[p.name], outcome, spec) for p in spec.profiles},
        "buy_and_hold": benchmark_json(benchmark, spec.seed),
        "assumptions": assumptions(market, spec),
    }


def _labels(outcome: Outcome, spec: Experiment) -> dict[str, Any]:
    labels = [one for one in outcome.data.labels.values()]
    rows = [one.is_labelled for one in labels]
    target = np.concatenate([one.target[r] for one, r in zip(labels, rows, strict=True)])
    return {
        "n": len(target),
        "effective_n": float(sum(one.weight[r].sum(axis=0).mean() for one, r in zip(labels, rows, strict=True))),
        "base_rate_long": float(target[:, 0].mean()),
        "base_rate_short": float(target[:, 1].mean()),
        "ambiguous_share": float(
            np.concatenate([one.ambiguous[r] for one, r in zip(labels, rows, strict=True)]).mean()
        ),
        "timeout_share": float(np.concatenate([one.timed_out[r] for one, r in zip(labels, rows, strict=True)]).mean()),
        "upper": spec.barriers.upper,
        "lower": spec.barriers.lower,
        "horizon": spec.barriers.horizon,
    }


def _fold(result: FoldResult, outcome: Outcome) -> dict[str, Any]:
    scored, k = outcome.scored, result.fold.index
    rows = scored.fold == k
    y = scored.outcomes.y[rows]
    loss = {name: log_loss(scored.probability[name][rows], y) for name in (BASE_RATE, DECISION_MAKER)}
    return {
        "fold": k,
        "n_train": result.n_train,
        "n_test": int(rows.sum()),
        "test_from": from_ms(result.fold.opens).isoformat(),
        "test_to": from_ms(result.fold.closes).isoformat(),
        "decider": result.decider,
        "gain_millinats": float((loss[BASE_RATE] - loss[DECISION_MAKER]).mean() * 1e3) if rows.any() else None,
        "auc": auc(scored.probability[DECISION_MAKER][rows], y) if rows.any() else None,
        "leads_millinats": {name: lead.value * 1e3 for name, lead in result.leads.items()},
        "auditor": result.predictor.auditor.reason,
        "training": "; ".join(f"{name}: {reason}" for name, reason in result.training.items()),
        "profiles": {
            name: block_trades(one.trades, result.fold.opens, result.fold.closes)
            for name, one in outcome.simulations.items()
        },
    }


def _profile(profile: Profile, simulation: Simulation, outcome: Outcome, spec: Experiment) -> dict[str, Any]:
    decisions = pl.concat(block_decisions(result, profile, spec) for result in outcome.results)
    reasons: Mapping[str, int] = dict(simulation.trades["reason"].value_counts().iter_rows())
    confidence = decisions["probability"].drop_nans()
    return {
        "description": profile.description,
        "metrics": measured_json(measure(simulation, seed=spec.seed)),
        "exit_reasons": {name: reasons.get(name, 0) for name in ("target", "stop", "time")},
        "n_decisions": int((decisions["action"] != 0).sum()),
        "highest_confidence": float(confidence.max()) if len(confidence) else None,  # type: ignore[arg-type]
    }
