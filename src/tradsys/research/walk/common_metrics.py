"""Numbers that every run reports alike: its market, what a profile measured, its trades in a block, the benchmark."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from tradsys.backtest.metrics import Measured, measure
from tradsys.backtest.simulate import Simulation
from tradsys.core.bars import quality_report
from tradsys.core.time import format_interval
from tradsys.data.market import Market
from tradsys.research.walk.experiment import lockbox_opens


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
