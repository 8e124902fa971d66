"""What a run charged for slippage, and what more of it would have left, as `metrics.json` has them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from tradsys.backtest.metrics import Measured
from tradsys.backtest.more_slippage import more_slippage
from tradsys.backtest.simulate import Simulation
from tradsys.core.costs import ESTIMATED, Costs
from tradsys.core.slippage import in_force, slippage_of
from tradsys.core.time import ts_ms


def slippage_json(frames: Mapping[str, pl.DataFrame], costs: Costs, span: tuple[int, int]) -> list[dict[str, Any]]:
    """A `SymbolSlippage` a symbol that has bars in [start, end) ms."""
    found = []
    for symbol, bars in frames.items():
        ts, charged = ts_ms(bars), 1e4 * slippage_of(bars, costs)
        tested = (ts >= span[0]) & (ts < span[1])
        months = [
            (charged[one.first : one.end][tested[one.first : one.end]], one) for one in in_force(bars, costs.tick)
        ]
        medians = {one.first: float(np.median(bps)) for bps, one in months if len(bps)}
        if not medians:
            continue
        assumed = [not one.is_told for _, one in months if one.first in medians]
        by_step = [medians[one.first] > 1e4 * one.half for _, one in months if one.first in medians]
        found.append(
            {
                "symbol": symbol,
                "is_estimated": costs.slippage_bps == ESTIMATED,
                "median_bps": float(np.median(list(medians.values()))),
                "low_bps": min(medians.values()),
                "high_bps": max(medians.values()),
                "n_months": len(medians),
                "step_share": float(np.mean(by_step)) if costs.slippage_bps == ESTIMATED else 0.0,
                "assumed_share": float(np.mean(assumed)) if costs.slippage_bps == ESTIMATED else 0.0,
            }
        )
    return found


def more_slippage_json(simulation: Simulation, *, seed: int) -> dict[str, Any]:
    """`slippage` of a profile's metrics, where it traded at the market."""
    more = more_slippage(simulation, seed=seed)
    if more is None:
        return {}
    levels = [{"more_bps": one.more_bps, "profit_abs": one.profit, "net": _json(one.net)} for one in more.levels]
    return {"slippage": {"break_even_bps": _json(more.break_even_bps), "levels": levels}}


def _json(one: Measured) -> dict[str, Any]:
    return {"value": one.value, "n": one.n, "low": one.low, "high": one.high}
