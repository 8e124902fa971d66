"""The tables of docs/results/ranks.md: portfolios of ranks on the development data, every look in a ledger.

    python benchmarks/breadth_market.py ../shared/data/breadth MARKETS
    python benchmarks/bench_ranks.py MARKETS JOURNAL [PART ...]

Each row is what `tradsys rank --config MARKETS/CONFIG.toml --bars MARKETS/FILE.parquet` trades with the row's settings,
without the report and with all rows of a market judged at once, so that each p counts every other.
"""

import json
import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from tradsys.backtest.metrics import measure
from tradsys.backtest.rebalance import simulate_targets
from tradsys.backtest.simulate import Simulation
from tradsys.core.carry import COLUMNS
from tradsys.core.costs import Costs
from tradsys.core.threads import one_thread
from tradsys.core.time import DAYS_A_YEAR, interval_ms
from tradsys.data.market import Market
from tradsys.journal.ledger import Ledger
from tradsys.journal.trial import TrialSeries
from tradsys.research.judging.trials import record, traded_span, trial_series
from tradsys.research.ranking.market_neutral import (
    MarketNeutralSpec,
    Traded,
    before_lockbox,
    market_neutral_from,
    trade,
)
from tradsys.runs.manifest import code_digest
from tradsys.settings.config import RunConfig
from tradsys.settings.market import ranked_market
from tradsys.verdict.procedure import judge
from tradsys.verdict.results import JointVerdict

RANKS: dict[str, Any] = {"k": 5}
TREND: dict[str, Any] = {"signal": "trend", "lookback": 336, "holds": "signal", "weighting": "inverse_volatility"}
CARRY: dict[str, Any] = {"signal": "carry", "lookback": 72}
COARSE: dict[str, Any] = {"lookback": 42, "horizon": 6, "risk_lookback": 180}
"""The defaults in bars of four hours."""

EVERY_HOUR = {"horizon": 1, "overlap": 24}
"""Each choice is held for a day, and no hour of the day is special."""

WHOLE: dict[str, Any] = {"folds.initial": 0.005, "universe.min_listed_days": 0, "universe.volume_days": 1}
"""From the first week on, without waiting for anybody to be listed for a month."""

PARTS: dict[str, tuple[str, dict[str, dict[str, Any]]]] = {
    "whole": (
        "hourly",
        {
            "ranks 168, from the first week on": RANKS | WHOLE,
            "trend 336, neutral, from the first week on": TREND | WHOLE | {"risk_lookback": 120},
        },
    ),
    "hourly": (
        "hourly",
        {
            "ranks 168": RANKS,
            "trend 336, neutral": TREND,
            "hourly reversal": RANKS | {"lookback": 1, "horizon": 1, "contrarian": True},
            "ranks 168, held 168 h": RANKS | {"horizon": 168},
            "ranks 168, seven overlapping": RANKS | {"overlap": 7},
            "ranks 168, scaled by risk": RANKS | {"weighting": "inverse_volatility"},
            "ranks 168, sides of equal volatility": RANKS | {"neutral": "volatility"},
            "ranks 168, sides of equal beta": RANKS | {"neutral": "beta"},
            "ranks 168, band .5": RANKS | {"no_trade_band": 0.5},
            "ranks 168, all by rank": {"holds": "ranks"},
            "trend 336, held 168 h": TREND | {"horizon": 168},
            "trend 336, seven overlapping": TREND | {"overlap": 7},
            "trend 336, not scaled": TREND | {"weighting": "equal"},
            "trend 336, sides of equal beta": TREND | {"neutral": "beta"},
            "trend 336, band .5": TREND | {"no_trade_band": 0.5},
            "ranks 168, chosen every hour": RANKS | EVERY_HOUR,
            "trend 336, chosen every hour": TREND | EVERY_HOUR,
            "trend 336, and slippage": TREND | {"costs.slippage_bps": "estimated"},
        },
    ),
    "known": (
        "known",
        {
            "carry 72": CARRY | {"k": 5},
            "carry 72, all by rank": CARRY | {"holds": "ranks"},
            "carry 72, seven overlapping": CARRY | {"holds": "ranks", "overlap": 7},
            "carry 72, seven overlapping, and slippage": CARRY
            | {"holds": "ranks", "overlap": 7, "costs.slippage_bps": "estimated"},
            "carry 72, chosen every hour": CARRY | {"k": 5} | EVERY_HOUR,
            "carry 72, scaled by risk": CARRY | {"holds": "ranks", "weighting": "inverse_volatility"},
        },
    ),
    "survivors": (
        "fourhourly",
        {
            "ranks 168": COARSE,
            "trend 336, neutral": COARSE | TREND | {"lookback": 84},
        },
    ),
    "with_delisted": (
        "fourhourly",
        {
            "ranks 168": COARSE,
            "trend 336, neutral": COARSE | TREND | {"lookback": 84},
        },
    ),
}

FILES = {"whole": "hourly"}
"""Of parts that are not named for theirs."""


@one_thread()
def main(markets: Path, journal: Path, parts: list[str]) -> None:
    """Print each part's table, and keep its numbers beside the ledger."""
    ledger, code = Ledger(journal / "ledger.jsonl"), code_digest()
    for part in parts or list(PARTS):
        name, rows = PARTS[part]
        config = RunConfig.load(file=markets / f"{name}.toml", overrides={})
        market = ranked_market([markets / f"{FILES.get(part, part)}.parquet"], config)
        ledger.keep_paths(market.paths)
        found, series, spec = [], [], market_neutral_from(config)
        for title, settings in rows.items():
            given = {key if "." in key else f"rank.{key}": value for key, value in settings.items()}
            spec = market_neutral_from(config.with_settings(given))
            row, own = _tried(market, spec)
            record(own, market, spec, ledger, code=code)
            series.append(replace(own[0], key=title))
            found.append({"part": part, "row": title, "settings": settings, "digest": spec.digest, **row})
            print(json.dumps(found[-1]), flush=True)
        judged_alone = _judged(series, spec, 0)
        judged_all = _judged(series, spec, market.n_design_looks(*traded_span(series, market)))
        for row in found:
            alone, counted = judged_alone.profiles[row["row"]], judged_all.profiles[row["row"]]
            row |= {"p_here": alone.p, "p": counted.p, "verdict": counted.verdict, "kept_late": counted.kept_late}
            row |= {"p_net": alone.p_net, "p_alpha": alone.p_alpha, "p_skill": alone.p_skill}
        (journal / f"{part}.json").write_text(json.dumps(found, indent=1))
        print(_table(found))


def _judged(series: list[TrialSeries], spec: MarketNeutralSpec, n_counted: int) -> JointVerdict:
    """All rows of a market as one family, and so many looks known by number alone."""
    guard = max(500, spec.guard_bars)
    return judge(series, n_counted=n_counted, spec=spec.verdict, benchmark=spec.benchmark, guard_bars=guard, seed=0)


def _tried(market: Market, spec: MarketNeutralSpec) -> tuple[dict[str, Any], list[TrialSeries]]:
    """One portfolio: net of all, net of fees alone, and gross, from the same choices."""
    frames, start, end = before_lockbox(market, spec)
    traded = trade(frames, interval_ms(market.interval), spec, start=start, end=end)
    net = traded.simulation
    bare = {symbol: bars.drop(COLUMNS, strict=False) for symbol, bars in frames.items()}
    without_funding = _again(bare, traded, spec, spec.costs, start, end) if bare.keys() else net
    gross = _again(bare, traded, spec, replace(spec.costs, taker_bps=0.0, maker_bps=0.0), start, end)
    years = len(net.daily) / DAYS_A_YEAR
    turnover = (
        math.log(_end(gross) / _end(without_funding)) / spec.costs.taker / years
        if _end(without_funding) > 0
        else math.nan
    )
    sharpe = measure(net, seed=0)["sharpe"]
    row = {
        "gross": measure(gross, seed=0)["sharpe"].value,
        "fees": measure(without_funding, seed=0)["sharpe"].value,
        "net": sharpe.value,
        "low": sharpe.low,
        "high": sharpe.high,
        "turnover": turnover,
        "annual_return": float(net.daily.mean() * DAYS_A_YEAR),
        "annual_sd": float(net.daily.std() * math.sqrt(DAYS_A_YEAR)),
        "n_days": len(net.daily),
        "n_trades": net.n_trades,
    }
    return row, trial_series({"RANK": net})


def _again(
    frames: dict[str, pl.DataFrame], traded: Traded, spec: MarketNeutralSpec, costs: Costs, start: int, end: int
) -> Simulation:
    """The same choices at other costs."""
    return simulate_targets(
        frames,
        traded.targets,
        costs=costs,
        start=start,
        end=end,
        instrument=spec.instrument,
        cash_quote=spec.cash_quote,
        margin=spec.margin,
        no_volume=spec.no_volume,
    )


def _end(simulation: Simulation) -> float:
    return float(simulation.equity["equity"][-1] / simulation.cash_quote)


def _table(rows: list[dict[str, Any]]) -> str:
    lines = [
        "| portfolio | gross | after fees | and funding [95%] | turnover a year | p of these looks | p | verdict |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        lines.append(
            "| {row} | {gross:.2f} | {fees:.2f} | {net:.2f} [{low:.2f}, {high:.2f}] | {turnover:,.0f} | {p_here:.3f} | "
            "{p:.2f} | {verdict} |".format(**row)
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
