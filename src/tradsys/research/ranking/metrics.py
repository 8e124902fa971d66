"""`metrics.json` of a rank run: trades, long-short spread, the universe and the symbols that were held."""

from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from tradsys.backtest.metrics import measure
from tradsys.backtest.simulate import Simulation
from tradsys.core.costs import ESTIMATED
from tradsys.core.time import from_ms, stamp
from tradsys.data.market import Market
from tradsys.journal.entries import NOT_FITTED
from tradsys.predictor.rank_rule import NAME
from tradsys.research.ranking.market_neutral import MarketNeutralSpec, Traded, mean_spread, spreads
from tradsys.research.walk.blocks import block_result
from tradsys.research.walk.fitting import has_rates
from tradsys.research.walk.metrics import (
    SLIPPAGE_NOTE,
    benchmark_json,
    closed_note,
    design_notes,
    market_facts,
    measured_json,
    ruin_json,
)
from tradsys.research.walk.slippage import more_slippage_json, slippage_json
from tradsys.settings.dangers import dangers, volume_dangers
from tradsys.verdict.error_rates import calibration_notes


def rank_metrics(
    market: Market, spec: MarketNeutralSpec, traded: Traded, benchmark: Simulation, *, start: int, end: int
) -> dict[str, Any]:
    """Everything of the run over [start, end) ms that is a number, in plain JSON values."""
    simulation = traded.simulation
    spread = mean_spread(spreads(traded), spec.rule.horizon * simulation.bar_ms, seed=spec.seed)
    measured = measure(simulation, seed=spec.seed) | {"spread_gross": spread}
    return {
        "market": market_facts(market, spec.folds.lockbox, (start, end))
        | {
            "tested_from": stamp(int(simulation.grid[0])),
            "tested_to": stamp(int(simulation.grid[-1]) + simulation.bar_ms),
        },
        "folds": _blocks(traded, spec, start, end),
        "universe": _universe(market, traded),
        "profiles": {
            NAME: {
                "description": spec.rule.description,
                "metrics": measured_json(measured),
                "exit_reasons": dict(sorted(simulation.trades["reason"].value_counts().iter_rows())),
                "not_taken": simulation.not_taken,
                "n_orders": simulation.n_orders,
                "n_decisions": int((traded.targets.weights != 0).any(axis=1).sum()),
                "highest_confidence": None,
                "net_exposure_mean": float(np.abs(simulation.position.sum(axis=0)).mean()),
                **ruin_json(simulation),
                **more_slippage_json(simulation, seed=spec.seed),
            }
        },
        "buy_and_hold": benchmark_json(benchmark, spec.seed),
        "assumptions": _assumptions(market, spec, (start, end)),
        "dangers": [*dangers(spec.costs, fraction=None, cap=spec.gross), *volume_dangers(market.frames())],
        "slippage": slippage_json(market.frames(), spec.costs, (start, end)),
    }


def _universe(market: Market, traded: Traded) -> dict[str, Any]:
    simulation, member = traded.simulation, traded.universe.member
    inside = (traded.universe.times >= simulation.grid[0]) & (traded.universe.times <= simulation.grid[-1])
    return {
        "n_symbols": len(market.symbols),
        "n_members_mean": float(member[inside].sum(axis=1).mean()) if inside.any() else 0.0,
        "n_rebalances": int(inside.sum()),
        "n_closed_by_last_bar": int((simulation.trades["reason"] == "last bar").sum()),
        "symbols": _held(traded),
    }


def _held(traded: Traded) -> list[dict[str, Any]]:
    """Each symbol that was ever held: decisions for it long and short, and what it earned after costs."""
    weights, trades = traded.targets.weights, traded.simulation.trades
    earned = dict(trades.group_by("symbol").agg(pl.col("pnl_quote").sum()).iter_rows())
    return [
        {
            "symbol": symbol,
            "n_long": int((weights[:, s] > 0).sum()),
            "n_short": int((weights[:, s] < 0).sum()),
            "profit_abs": float(earned.get(symbol, 0.0)),
        }
        for s, symbol in enumerate(traded.targets.symbols)
        if weights[:, s].any()
    ]


def _blocks(traded: Traded, spec: MarketNeutralSpec, start: int, end: int) -> list[dict[str, Any]]:
    """The span in as many equal blocks as `tradsys run` would test; nothing is fitted between them."""
    step, n, times = traded.simulation.bar_ms, spec.folds.n_folds, traded.targets.times
    edges = [start, *(start + (end - start) * k // n // step * step for k in range(1, n)), end]
    return [
        {
            "fold": k,
            "n_test": int(((times >= opens) & (times < closes)).sum()),
            "test_from": from_ms(opens).isoformat(),
            "test_to": from_ms(closes).isoformat(),
            "decider": "the rule",
            "gain_millinats": None,
            "training": NOT_FITTED,
            "profiles": {NAME: block_result(traded.simulation, opens, closes)},
        }
        for k, (opens, closes) in enumerate(pairwise(edges))
    ]


def _assumptions(market: Market, spec: MarketNeutralSpec, span: tuple[int, int]) -> list[str]:
    costs = spec.costs
    slipped = f"{costs.slippage_bps:g} bp" if costs.slippage_bps != ESTIMATED else SLIPPAGE_NOTE
    borrowing = f"a short {costs.borrow_bps_per_year:g} bp a year" if costs.borrow_bps_per_year else "nothing"
    return [
        *design_notes(market, span, "The rule was found, in hindsight,"),
        *calibration_notes(spec.verdict),
        "Ranks are taken when a bar has closed and traded at the next open; positions that stay are only resized.",
        f"Whatever is traded, on either side, pays {costs.taker_bps:g} bp and slippage, {slipped}; "
        f"{_funding(market, spec)} and pays a short as much; borrowing costs {borrowing} here.",
        spec.margin.sentence,
        "In a bar without volume nothing is traded: a position there stays as it is until "
        + ("the next bar with trades." if spec.no_volume == "wait" else "the next choice."),
        "A symbol's position is sold at the close of its last bar, or valued at it where nobody traded in that bar.",
        f"Nothing is fitted; the first {spec.folds.initial:.0%} is left out all the same, and "
        f"{closed_note(spec.folds.lockbox)}.",
        "The universe holds only what was loaded: symbols that nobody loaded, delisted ones above all, are missing.",
    ]


def _funding(market: Market, spec: MarketNeutralSpec) -> str:
    if has_rates(market.frames()):
        return "funding costs a long what the exchange settled"
    return f"funding costs a long {spec.costs.funding_bps_per_8h:g} bp every eight hours"
