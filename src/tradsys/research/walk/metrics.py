"""`metrics.json`: what a run measured, each number with its sample size and interval; no clock and no machine in it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import polars as pl

from tradsys.backtest.entries import entry_outcomes
from tradsys.backtest.metrics import Measured, measure
from tradsys.backtest.simulate import Simulation
from tradsys.core.bars import quality_report
from tradsys.core.carry import COLUMNS
from tradsys.core.costs import ESTIMATED, Costs
from tradsys.core.outside import outside_columns
from tradsys.core.time import format_interval, from_ms
from tradsys.core.traded import NoVolume
from tradsys.data.market import Market
from tradsys.labels.barriers import BarrierSpec
from tradsys.labels.pace import ChoosesEvents
from tradsys.models.networks.onnx_forecaster import OnnxForecaster
from tradsys.profiles.profile import Profile
from tradsys.profiles.rules import ConfidenceAbove
from tradsys.research.walk.blocks import block_result
from tradsys.research.walk.dataset import Dataset, filled
from tradsys.research.walk.deciding import FoldResult, lead_needed
from tradsys.research.walk.earning import money_calibration
from tradsys.research.walk.experiment import Outcome, block_decisions
from tradsys.research.walk.experiment_spec import Experiment
from tradsys.research.walk.fitting import has_rates
from tradsys.research.walk.lockbox import lockbox_opens
from tradsys.research.walk.scoring import BASE_RATE, DECISION_MAKER, reliability, skill_table
from tradsys.research.walk.slippage import more_slippage_json, slippage_json
from tradsys.research.walk.symbols import symbol_skill, symbol_trades, with_evidence
from tradsys.settings.dangers import dangers, volume_dangers
from tradsys.settings.sections import FoldSettings
from tradsys.verdict.error_rates import calibration_notes
from tradsys.verdict.scores import auc, log_loss

SLIPPAGE_NOTE = (
    "half the effective spread that the bars of the months before show beyond noise, or half the step of their prices "
    "where that is more"
)


def market_facts(market: Market, lockbox: float, span: tuple[int, int]) -> dict[str, Any]:
    """What was read, what was repaired in it, where the lock-box begins, and what of it was looked at before.

    `span`, ms, is that of the test blocks: looks at what trains alone are none at what is judged.
    """
    looks = market.n_design_looks(*span)
    quality = quality_report(market.bars, interval=market.interval)
    return {
        "sources": list(market.sources),
        "symbols": list(market.symbols),
        "interval": format_interval(market.interval),
        "n_bars": quality.n_bars,
        "first": quality.start.isoformat() if quality.start else None,
        "last": quality.end.isoformat() if quality.end else None,
        "lockbox_from": lockbox_opens(market.bars, lockbox).isoformat() if lockbox else None,
        "is_development": looks > 0,
        "n_design_looks": looks,
        "n_gaps": len(quality.gaps),
        "n_missing_bars": quality.n_missing,
        "zero_volume_share": quality.zero_volume_share,
        "repairs": [
            {"kind": r.kind, "n_rows": r.n_rows, "sentence": r.sentence, "symbol": r.symbol, "changed": r.changed}
            for r in market.repairs
        ],
    }


def measured_json(measured: Mapping[str, Measured]) -> dict[str, Any]:
    """Measured values as JSON knows them."""
    return {name: {"value": m.value, "n": m.n, "low": m.low, "high": m.high} for name, m in measured.items()}


def benchmark_json(benchmark: Simulation, seed: int) -> dict[str, Any]:
    """What buying and holding measured, without intervals."""
    return {name: one.value for name, one in measure(benchmark, seed=seed).items()}


def entries_json(simulation: Simulation, *, seed: int) -> dict[str, Any]:
    """`entries` of a profile's metrics, where they rested in the book: what was filled beside what was missed."""
    return {} if simulation.entry is None else {"entries": measured_json(entry_outcomes(simulation, seed=seed))}


def ruin_json(simulation: Simulation) -> dict[str, Any]:
    """`ruin` of a profile's metrics, where its account came to nothing."""
    ruin = simulation.ruin
    return {} if ruin is None else {"ruin": {"at": from_ms(ruin.at).isoformat(), "cause": ruin.cause}}


def design_notes(market: Market, span: tuple[int, int], chosen: str = "The defaults were chosen") -> list[str]:
    """What was looked at when the defaults, or the rule, were `chosen`: of the test blocks, of what trains, or of none.

    `span`, ms, is that of the test blocks.
    """
    if not market.is_development:
        return []
    if looks := market.n_design_looks(*span):
        return [
            f"{chosen} on this very data, in {looks} looks that all count as trials: its verdict is in-sample at the "
            "level of design."
        ]
    return [
        f"{chosen} on other months of this data than those that are judged here: nobody had looked at the test blocks "
        "then, and no look counts as a trial."
    ]


NO_VOLUME_NOTES: Final[Mapping[NoVolume, str]] = {
    "lapse": "In a bar without volume nothing is filled: entries lapse, time exits wait for the next bar with trades.",
    "wait": "In a bar without volume nothing is filled: entries, until their horizon, and time exits wait for the next "
    "bar with trades.",
}
"""What becomes of orders in whose bar nobody trades, in a sentence."""


def assumptions(market: Market, spec: Experiment) -> list[str]:
    """What the numbers rest on, in sentences."""
    costs, portfolio, barriers = spec.costs, spec.portfolio, spec.barriers
    slipped = f"{costs.slippage_bps:g} bp" if costs.slippage_bps != ESTIMATED else SLIPPAGE_NOTE
    becomes = "filled" if barriers.entry is None else "sent"
    notes: Sequence[str] = (
        f"A decision is made when a bar has closed and {becomes} at the next open.",
        f"Barriers stand {barriers.upper:g} {barriers.unit} ahead and {barriers.lower:g} {barriers.unit} behind for "
        f"{barriers.horizon} bars; "
        "where one bar holds both, the stop is taken.",
        *entry_notes(spec),
        f"{_takers(spec)} pay {costs.taker_bps:g} bp and slippage, {slipped}; targets pay "
        f"{costs.maker_bps:g} bp and are filled when touched.",
        *_holding_notes(market, costs),
        f"A position takes {_share(portfolio.fraction)} of the equity, all together at most {_share(portfolio.cap)}; "
        f"one a symbol; sides: {' and '.join(spec.sides)}.",
        portfolio.margin.sentence,
        NO_VOLUME_NOTES[portfolio.no_volume],
        "Orders move no price.",
        f"The first {_share(spec.folds.initial)} only trains; {_folds(spec.folds)}; {closed_note(spec.folds.lockbox)}.",
        "Features, scales, regimes, calibration, ranks, auditor and the choice of the model are fitted on each fold's "
        "training part alone.",
        "Where bars are missing, their neighbours adjoin; nothing is filled in.",
    )
    outside = [f"Attached to the bars: {what}." for what in market.outside]
    if any(name not in COLUMNS for name in outside_columns(market.bars)):
        outside.append("Rows of bars where such a column has no value train no model and get no forecast.")
    return [*calibration_notes(spec.verdict), *_sampled(barriers), *notes, *outside]


def entry_notes(spec: Experiment) -> list[str]:
    """How entries rest in the book, where they do, in sentences."""
    entry = spec.barriers.entry
    if entry is None:
        return []
    where = "at that open" if entry.offset == 0 else f"{_share(entry.offset)} of the way from that open to the stop"
    lapses = "when its first bar has closed" if entry.bars == 1 else f"when {entry.bars} bars have closed"
    return [
        f"An entry is a limit order {where}, which pays {spec.costs.maker_bps:g} bp. A bar that trades through it "
        f"fills it at its price, a touch does not, and it lapses {lapses}; in the bar that fills it the worse case is "
        "taken.",
        "Labels of orders that were missed teach no model; skill is scored where both sides' orders would have been "
        "filled, and an expected return is that of an order that is.",
    ]


def _takers(spec: Experiment) -> str:
    """What is traded at the market."""
    return "Entries, stops and time exits" if spec.barriers.entry is None else "Stops and time exits"


def _sampled(barriers: BarrierSpec) -> list[str]:
    """Which bars models learn from, where that is not every bar."""
    if barriers.events == "cusum":
        return ["Models are trained and scored at the CUSUM events alone; profiles may enter at every bar."]
    if isinstance(barriers.pacing, ChoosesEvents):
        name = barriers.pacing.name
        return [f"Models are trained and scored at the events of {name} alone; profiles may enter at every bar."]
    return []


def _folds(folds: FoldSettings) -> str:
    """How many folds are tested, and the defaults where a short history or somebody changed them."""
    tested = "1 expanding fold is tested" if folds.n_folds == 1 else f"{folds.n_folds} expanding folds are tested"
    usual = FoldSettings()
    if (folds.initial, folds.n_folds) == (usual.initial, usual.n_folds):
        return tested
    return f"{tested} (a history that is long enough takes {usual.initial:.0%} and {usual.n_folds})"


def closed_note(lockbox: float) -> str:
    """What of the history stays in the lock-box, as half a sentence."""
    return f"the last {_share(lockbox)} stays closed" if lockbox else "nothing stays closed: there is no lock-box"


def _share(fraction: float) -> str:
    """A fraction in percent, two decimals where it has them."""
    return f"{100 * fraction:,.2f}".rstrip("0").rstrip(".") + "%"


def _holding_notes(market: Market, costs: Costs) -> list[str]:
    """What holding a position costs, in sentences."""
    if has_rates(market.frames()):
        funding = (
            "Funding is what the exchange settled: a long pays it and a short receives it for every settlement between "
            "its entry and its exit; a decision expects the last settled rate to go on."
        )
    elif costs.funding_bps_per_8h:
        funding = f"Funding costs a long {costs.funding_bps_per_8h:g} bp every eight hours."
    elif costs.borrow_bps_per_year:
        funding = "Funding costs nothing here."
    else:
        return ["Funding and borrowing cost nothing here."]
    if not costs.borrow_bps_per_year:
        return [funding]
    return [funding, f"Borrowing costs a short {costs.borrow_bps_per_year:g} bp a year for as long as it is held."]


def run_metrics(market: Market, spec: Experiment, outcome: Outcome, benchmark: Simulation) -> dict[str, Any]:
    """Everything of a run that is a number, in plain JSON values."""
    span = outcome.results[0].fold.opens, outcome.data.closes
    profiles = {p.name: _profile(p, outcome.simulations[p.name], outcome, spec) for p in spec.profiles}
    if len(outcome.data.symbols) > 1:
        with_evidence(profiles, outcome.simulations, spec.verdict, seed=spec.seed)
    return {
        "market": market_facts(market, spec.folds.lockbox, span),
        "labels": _labels(outcome, spec),
        "folds": [_fold(result, outcome) for result in outcome.results],
        "skill": skill_table(outcome.scored, seed=spec.seed) | _skill_by_symbol(outcome, spec),
        "reliability": reliability(outcome.scored),
        "money": money_calibration(outcome.data, outcome.results, horizon=spec.barriers.horizon, seed=spec.seed),
        "profiles": profiles,
        "buy_and_hold": benchmark_json(benchmark, spec.seed),
        "assumptions": [*design_notes(market, span), *assumptions(market, spec)],
        "dangers": [
            *dangers(spec.costs, fraction=spec.portfolio.fraction, cap=spec.portfolio.cap),
            *volume_dangers(market.frames()),
        ],
        "slippage": slippage_json(outcome.data.frames, spec.costs, span),
    }


def _skill_by_symbol(outcome: Outcome, spec: Experiment) -> dict[str, Any]:
    """`symbols` of the skill table, where there are several."""
    symbols = outcome.data.symbols
    return {"symbols": symbol_skill(outcome.scored, symbols, seed=spec.seed)} if len(symbols) > 1 else {}


def _labels(outcome: Outcome, spec: Experiment) -> dict[str, Any]:
    data = outcome.data
    labels, by_symbol = data.stacked(filled(data, data.labelled)), data.labels.values()
    return {
        "n": len(labels.start),
        "effective_n": float(sum(one.weight[one.is_labelled].sum(axis=0).mean() for one in by_symbol)),
        "base_rate_long": float(labels.target[:, 0].mean()),
        "base_rate_short": float(labels.target[:, 1].mean()),
        "ambiguous_share": float(labels.ambiguous.mean()),
        "timeout_share": float(labels.timed_out.mean()),
        "upper": spec.barriers.upper,
        "lower": spec.barriers.lower,
        "horizon": spec.barriers.horizon,
        "unit": spec.barriers.unit,
        **_missed(data, spec),
    }


def _missed(data: Dataset, spec: Experiment) -> dict[str, Any]:
    """How large a share of the orders behind the labels nobody filled, where entries rest in the book."""
    if spec.barriers.entry is None:
        return {}
    missed = data.stacked(data.labelled).missed
    return {"missed_long": float(missed[:, 0].mean()), "missed_short": float(missed[:, 1].mean())}


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
        "challengers": {name: _challenger(result, name) for name in result.challengers},
        "without_network": {
            name: one.training
            for name, one in result.fitted.items()
            if isinstance(one, OnnxForecaster) and one.network is None
        },
        "auditor": result.predictor.auditor.reason,
        "training": "; ".join(f"{name}: {reason}" for name, reason in result.training.items()),
        "profiles": {
            name: block_result(one, result.fold.opens, result.fold.closes) for name, one in outcome.simulations.items()
        },
    }


def _challenger(result: FoldResult, name: str) -> dict[str, Any]:
    """What it was ahead of the logistic by, and what it had to be; nothing in a fold without earlier forecasts."""
    lead = result.leads.get(name)
    if lead is None:
        return {"n": 0}
    values = {
        "value": lead.value,
        "low": lead.low,
        "high": lead.high,
        "needed": lead_needed(lead, len(result.leads)),
    }
    return {key: None if value is None else value * 1e3 for key, value in values.items()} | {"n": lead.n}


def _profile(profile: Profile, simulation: Simulation, outcome: Outcome, spec: Experiment) -> dict[str, Any]:
    decisions = pl.concat(block_decisions(result, profile, spec) for result in outcome.results)
    reasons: dict[str, int] = dict(simulation.trades["reason"].value_counts().iter_rows())
    seen: list[float] = decisions["probability"].drop_nans().to_list()
    confidence = seen if isinstance(profile.entry, ConfidenceAbove) else []
    refused = decisions.filter(pl.col("action") == 0)["reason"].value_counts(sort=True)
    return {
        "description": profile.description,
        "metrics": measured_json(measure(simulation, seed=spec.seed)),
        "exit_reasons": dict.fromkeys(("target", "stop", "time"), 0) | reasons,
        "n_decisions": int((decisions["action"] != 0).sum()),
        "not_taken": simulation.not_taken,
        "highest_confidence": max(confidence, default=None),
        "stayed_out": refused["reason"][0] if len(refused) else "",
        **ruin_json(simulation),
        **more_slippage_json(simulation, seed=spec.seed),
        **entries_json(simulation, seed=spec.seed),
        **({"symbols": symbol_trades(simulation, seed=spec.seed)} if len(simulation.symbols) > 1 else {}),
    }
