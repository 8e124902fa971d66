"""What every run reports alike: its market, measured values, trades and the assumptions they rest on."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from tradsys.backtest.metrics import Measured, measure
from tradsys.backtest.simulate import Simulation
from tradsys.core.bars import quality_report
from tradsys.core.carry import COLUMNS
from tradsys.core.costs import Costs
from tradsys.core.outside import outside_columns
from tradsys.core.time import format_interval
from tradsys.data.market import Market
from tradsys.research.walk.experiment import lockbox_opens
from tradsys.research.walk.experiment_spec import Experiment
from tradsys.research.walk.holding_cost import has_rates
from tradsys.verdict.error_rates import calibration_notes


def market_facts(market: Market, lockbox: float) -> dict[str, Any]:
    """What was read, what was repaired in it, and where the lock-box begins."""
    quality = quality_report(market.bars, interval=market.interval)
    return {
        "sources": list(market.sources),
        "symbols": list(market.symbols),
        "interval": format_interval(market.interval),
        "n_bars": quality.n_bars,
        "first": quality.start.isoformat() if quality.start else None,
        "last": quality.end.isoformat() if quality.end else None,
        "lockbox_from": lockbox_opens(market.bars, lockbox).isoformat(),
        "is_development": market.is_development,
        "n_design_looks": market.n_design_looks,
        "n_gaps": len(quality.gaps),
        "n_missing_bars": quality.n_missing,
        "zero_volume_share": quality.zero_volume_share,
        "repairs": [{"kind": r.kind, "n_rows": r.n_rows, "sentence": r.sentence} for r in market.repairs],
    }


def measured_json(measured: Mapping[str, Measured]) -> dict[str, Any]:
    """Measured values as JSON knows them."""
    return {name: {"value": m.value, "n": m.n, "low": m.low, "high": m.high} for name, m in measured.items()}


def benchmark_json(benchmark: Simulation, seed: int) -> dict[str, Any]:
    """What buying and holding measured, without intervals."""
    return {name: one.value for name, one in measure(benchmark, seed=seed).items()}


def block_trades(trades: pl.DataFrame, opens: int, closes: int) -> dict[str, Any]:
    """The trades that were decided in [opens, closes) ms: how many, and their net returns added up."""
    decided = trades["decided"].dt.epoch("ms")
    mine = trades.filter((decided >= opens) & (decided < closes))
    return {"n_trades": len(mine), "net_return": float(mine["net_return"].sum())}


def assumptions(market: Market, spec: Experiment) -> list[str]:
    """What the numbers rest on, in sentences."""
    costs, portfolio, barriers = spec.costs, spec.portfolio, spec.barriers
    notes: Sequence[str] = (
        "A decision is made when a bar has closed and filled at the next open.",
        f"Barriers stand {barriers.upper:g} ATR ahead and {barriers.lower:g} ATR behind for {barriers.horizon} bars; "
        "where one bar holds both, the stop is taken.",
        f"Entries, stops and time exits pay {costs.taker_bps:g} bp"
        + (f" and {costs.slippage_bps:g} bp of slippage" if costs.slippage_bps else "")
        + f"; targets pay {costs.maker_bps:g} bp and are filled when touched.",
        *_holding_notes(market, costs),
        f"A position takes {portfolio.fraction:g} of the equity, all together at most {portfolio.cap:g}; one a symbol; "
        f"sides: {' and '.join(spec.sides)}.",
        "Orders are small: they move no price and are never refused.",
        f"The first {spec.folds.initial:.0%} only trains; {spec.folds.n_folds} expanding folds are tested; "
        f"the last {spec.folds.lockbox:.0%} stays closed.",
        "Features, scales, regimes, calibration, ranks, auditor and the choice of the model are fitted on each fold's "
        "training part alone.",
        "Where bars are missing, their neighbours adjoin; nothing is filled in.",
    )
    warned = (
        [
            f"The defaults were chosen on this very data, in {market.n_design_looks} looks that all count as trials: "
            "its verdict is in-sample at the level of design."
        ]
        if market.is_development
        else []
    )
    sampled = (
        ["Models are trained and scored at the CUSUM events alone; profiles may enter at every bar."]
        if barriers.events == "cusum"
        else []
    )
    outside = [f"Attached to the bars: {what}." for what in market.outside]
    if any(name not in COLUMNS for name in outside_columns(market.bars)):
        outside.append("Rows of bars where such a column has no value train no model and get no forecast.")
    return [*warned, *calibration_notes(spec.verdict), *sampled, *notes, *outside]


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
