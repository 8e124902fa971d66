"""One run of the rank profile: simulated, entered in the ledger, judged against all that was tried, written down."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from tradsys.backtest.portfolio import PortfolioSpec
from tradsys.backtest.simulate import Simulation, buy_and_hold
from tradsys.core.bars import split_symbols
from tradsys.core.json_text import check_writable
from tradsys.core.time import interval_ms, to_ms
from tradsys.data.market import Market
from tradsys.journal.entries import LockboxOpening
from tradsys.journal.ledger import Ledger
from tradsys.research.finished import Run, by_profile, by_symbol, run_slug, write_manifest
from tradsys.research.judging.logbook import record_look, record_ranks
from tradsys.research.judging.replay import RANKS
from tradsys.research.judging.trials import data_of, record_and_judge, trial_series, verdict_json
from tradsys.research.lookahead.findings import Lookahead, refuse
from tradsys.research.ranking.lookahead import look_ahead_in_ranks
from tradsys.research.ranking.metrics import rank_metrics
from tradsys.research.ranking.neutral import NAME, NeutralSpec, Traded, neutral_from, trade
from tradsys.research.walk.experiment import Progress, lockbox_opens
from tradsys.runs.folder import RunFolder
from tradsys.runs.provenance import code_digest
from tradsys.settings.config import RunConfig
from tradsys.verdict.procedure import judge

SAMPLE_POINTS = 3
"""Times at which every run takes the future away."""


def run_ranks(
    market: Market,
    config: RunConfig,
    *,
    root: Path,
    ledger: Ledger,
    open_the_lockbox: bool = False,
    hypothesis: str = "",
    progress: Progress = lambda *_: None,
    render: Callable[[Path], object] = lambda _: None,
) -> Run:
    """Trade the rule after the first part of the history and before its lock-box, and judge it as a trial.

    `hypothesis` is the beginning of the name of one that the ledger holds. `render` writes the report into the folder
    before it gets its name.
    """
    spec, code = neutral_from(config), code_digest()
    check_writable(root, "the run goes", "name another folder with --out")
    check_writable(ledger.path.parent, "trials go", "name another folder with --journal")
    looks_at = record_look(hypothesis, market, spec, ledger, code=code) if hypothesis else ""
    progress("ranking", 0, 3)
    frames, start, end = before_lockbox(market, spec)
    step = interval_ms(market.interval)
    traded = trade(frames, step, spec, start=start, end=end)
    progress("taking the future away", 1, 3)
    looked = look_ahead_in_ranks(frames, step, spec, traded, start=start, end=end, n_points=SAMPLE_POINTS)
    refuse(looked)
    own = trial_series({NAME: traded.simulation}, traded.simulation.symbols)
    judged = record_and_judge(own, market, spec, ledger, guard_bars=spec.guard_bars, code=code)
    progress("measuring", 2, 3)
    portfolio = PortfolioSpec(cash_quote=spec.cash_quote)
    benchmark = buy_and_hold(frames, start, end, costs=spec.costs, portfolio=portfolio)
    metrics = rank_metrics(market, spec, traded, benchmark, start=start, end=end) | {"lookahead": looked.to_dict()}
    verdict = verdict_json(judged, metrics)
    if open_the_lockbox:
        verdict["lockbox"] = _open_lockbox(market, spec, ledger, end, step, code)
    folder = RunFolder.create(root, run_slug(market, spec, f"rank-{len(market.symbols)}"))
    folder.write_json("metrics.json", metrics)
    folder.write_json("verdict.json", verdict)
    _write_frames(folder, frames, traded, benchmark)
    tied = {"hypothesis": looks_at, "guard_bars": spec.guard_bars, "trials": {one.key: one.digest for one in own}}
    write_manifest(folder, market, config, spec, code, {"kind": RANKS, **tied})
    render(folder.path)
    record_ranks(market, spec, verdict, metrics, ledger, code=code)
    return Run(folder.finish(), verdict, metrics)


def look_ahead_as_ranked(market: Market, config: RunConfig, n_points: int) -> Lookahead:
    """What a run of these settings computes, made again without the future at so many points."""
    spec, step = neutral_from(config), interval_ms(market.interval)
    frames, start, end = before_lockbox(market, spec)
    traded = trade(frames, step, spec, start=start, end=end)
    return look_ahead_in_ranks(frames, step, spec, traded, start=start, end=end, n_points=n_points)


def before_lockbox(market: Market, spec: NeutralSpec) -> tuple[dict[str, pl.DataFrame], int, int]:
    """One frame a symbol of all before the lock-box, and the span (ms) in which the rule is traded."""
    opens = lockbox_opens(market.bars, spec.folds.lockbox)
    start = to_ms(lockbox_opens(market.bars, 1.0 - spec.folds.initial))
    closed = market.bars.filter(pl.col("ts") + market.interval <= opens)
    return split_symbols(closed), start, to_ms(opens)


def _write_frames(folder: RunFolder, frames: dict[str, pl.DataFrame], traded: Traded, benchmark: Simulation) -> None:
    curves = {NAME: traded.simulation.equity, "BUY_AND_HOLD": benchmark.equity}
    folder.write_parquet("trades.parquet", by_profile({NAME: traded.simulation.trades}))
    folder.write_parquet("equity.parquet", by_profile({n: one.select("ts", "equity") for n, one in curves.items()}))
    folder.write_parquet("universe.parquet", traded.universe.frame())
    folder.write_parquet("bars.parquet", by_symbol(frames))


def _open_lockbox(
    market: Market, spec: NeutralSpec, ledger: Ledger, opens: int, step: int, code: str
) -> dict[str, Any]:
    """The rule inside the lock-box, a trial of its own; every other opening of it counts as one more."""
    opening = LockboxOpening(data=data_of(market), experiment=spec.digest, profile=NAME, seed=spec.seed, code=code)
    entry = ledger.append(opening.content())  # before looking: a look that crashes was a look all the same
    openings = [other for other in ledger.entries_on(market.blocks) if other.kind == opening.kind]
    others = [other for other in openings if other.hash != entry.hash]
    end = to_ms(market.bars["ts"].max()) + step  # type: ignore[arg-type]  # the column is Datetime
    traded = trade(market.frames(), step, spec, start=opens, end=end)
    own = trial_series({NAME: traded.simulation}, traded.simulation.symbols)
    judgement = judge(
        own,
        n_counted=len(others) + market.n_design_looks,
        spec=spec.verdict,
        guard_bars=spec.guard_bars,
        seed=spec.seed,
    )
    return {
        "profile": NAME,
        "n_other_openings": len(others),
        "detectable_sharpe": judgement.detectable_sharpe,
        **asdict(judgement.profiles[NAME]),
    }
