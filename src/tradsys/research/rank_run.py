"""One run of the rank profile: simulated, entered in the ledger, judged against all that was tried, written down."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from tradsys.backtest.metrics import Measured, measure
from tradsys.core.bars import split_symbols
from tradsys.core.time import format_interval, interval_ms, stamp, to_ms
from tradsys.data.market import Market
from tradsys.journal.entries import LockboxOpening
from tradsys.journal.files import check_writable
from tradsys.journal.ledger import Ledger
from tradsys.journal.runs import RunFolder
from tradsys.research.carrying import has_rates
from tradsys.research.code import code_digest, lock_digest
from tradsys.research.config import RunConfig
from tradsys.research.experiment import lockbox_opens
from tradsys.research.neutral import NAME, NeutralSpec, Traded, mean_spread, neutral_from, spreads, trade
from tradsys.research.run import Run
from tradsys.research.trials import data_of, record_and_judge, run_name, trial_series, verdict_json
from tradsys.verdict.measured import calibration_notes
from tradsys.verdict.procedure import judge


def run_ranks(market: Market, config: RunConfig, *, root: Path, ledger: Ledger, open_the_lockbox: bool = False) -> Run:
    """Trade the rule after the first part of the history and before its lock-box, and judge it as a trial."""
    spec, code = neutral_from(config), code_digest()
    check_writable(root, "the run goes", "name another folder with --out")
    check_writable(ledger.path.parent, "trials go", "name another folder with --journal")
    opens = lockbox_opens(market.bars, spec.folds.lockbox)
    bars = market.bars.filter(pl.col("ts") < opens)
    start, end = to_ms(lockbox_opens(market.bars, 1.0 - spec.folds.initial)), to_ms(opens)
    step = interval_ms(market.interval)
    traded = trade(split_symbols(bars), step, spec, start=start, end=end)
    own = trial_series({NAME: traded.simulation}, traded.simulation.symbols)
    judged = record_and_judge(own, market, spec, ledger, guard_bars=spec.guard_bars, code=code)
    metrics = _metrics(market, spec, traded, step)
    verdict = verdict_json(judged, metrics)
    if open_the_lockbox:
        verdict["lockbox"] = _open_lockbox(market, spec, ledger, to_ms(opens), step, code)
    when = f"{datetime.now(UTC):%Y%m%d-%H%M%S}"
    slug = f"{when}-rank-{len(market.symbols)}-{format_interval(market.interval)}-{spec.digest[:6]}"
    folder = RunFolder.create(root, slug)
    folder.write_json("metrics.json", metrics)
    folder.write_json("verdict.json", verdict)
    folder.write_parquet("trades.parquet", traded.simulation.trades)
    folder.write_parquet("equity.parquet", traded.simulation.equity)
    folder.write_parquet("universe.parquet", traded.universe.frame())
    folder.write_manifest(
        {
            "run": run_name(market, spec, code),
            "market": data_of(market).market,
            "title": " + ".join(market.sources),
            "config": config.model_dump(mode="json"),
            "experiment": spec.digest,
            "fingerprint": market.fingerprint,
            "blocks": market.blocks,
            "trials": {trial.key: trial.digest for trial in own},
            "guard_bars": spec.guard_bars,
            "seed": spec.seed,
            "code": code,
            "lock": lock_digest(),
            "created": datetime.now(UTC),
        }
    )
    return Run(folder.finish(), verdict, metrics)


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


def _metrics(market: Market, spec: NeutralSpec, traded: Traded, step: int) -> dict[str, Any]:
    simulation, member = traded.simulation, traded.universe.member
    inside = (traded.universe.times >= simulation.grid[0]) & (traded.universe.times <= simulation.grid[-1])
    spread = mean_spread(spreads(traded), spec.rule.horizon * step, seed=spec.seed)
    measured = measure(simulation, seed=spec.seed) | {"spread_gross": spread}
    net = np.abs(simulation.position.sum(axis=0))
    return {
        "market": {
            "sources": list(market.sources),
            "symbols": list(market.symbols),
            "interval": format_interval(market.interval),
            "tested_from": stamp(int(simulation.grid[0])),
            "tested_to": stamp(int(simulation.grid[-1]) + step),
            "is_development": market.is_development,
            "n_design_looks": market.n_design_looks,
        },
        "universe": {
            "n_symbols": len(market.symbols),
            "n_members_mean": float(member[inside].sum(axis=1).mean()) if inside.any() else 0.0,
            "n_rebalances": int(inside.sum()),
            "n_closed_by_last_bar": int((simulation.trades["reason"] == "last bar").sum()),
        },
        "profiles": {
            NAME: {
                "description": spec.rule.description,
                "metrics": {name: _plain(one) for name, one in measured.items()},
                "n_decisions": int((traded.targets.weights != 0).any(axis=1).sum()),
                "highest_confidence": None,
                "net_exposure_mean": float(net.mean()),
            }
        },
        "assumptions": _assumptions(market, spec),
    }


def _plain(one: Measured) -> dict[str, Any]:
    return {"value": one.value, "n": one.n, "low": one.low, "high": one.high}


def _assumptions(market: Market, spec: NeutralSpec) -> list[str]:
    costs = spec.costs
    borrowing = f"a short {costs.borrow_bps_per_year:g} bp a year" if costs.borrow_bps_per_year else "nothing"
    warned = (
        [f"The rule was found on this very data, in hindsight: {market.n_design_looks} looks count as trials."]
        if market.is_development
        else []
    )
    return [
        *warned,
        *calibration_notes(spec.verdict),
        "Ranks are taken when a bar has closed and traded at the next open; positions that stay are only resized.",
        f"Whatever is traded, on either side, pays {costs.taker_bps + costs.slippage_bps:g} bp; "
        f"{_funding(market, spec)} and pays a short as much; borrowing costs {borrowing} here.",
        "A symbol's position is sold at the close of its last bar, at that price.",
        f"Nothing is fitted; the first {spec.folds.initial:.0%} is left out all the same, and the last "
        f"{spec.folds.lockbox:.0%} stays closed.",
        "The universe holds only what was loaded: symbols that nobody loaded, delisted ones above all, are missing.",
    ]


def _funding(market: Market, spec: NeutralSpec) -> str:
    if has_rates(market.frames()):
        return "funding costs a long what the exchange settled"
    return f"funding costs a long {spec.costs.funding_bps_per_8h:g} bp every eight hours"
