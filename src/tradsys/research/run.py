"""One run from bars to a finished run folder: simulated, judged against all that was tried, measured, written down."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from tradsys.backtest.simulate import Simulation, buy_and_hold
from tradsys.core.errors import FitError
from tradsys.core.files import check_space, check_writable
from tradsys.core.plugins import plugin_sources
from tradsys.core.threads import one_thread
from tradsys.core.time import format_interval
from tradsys.core.whole_steps import whole
from tradsys.data.market import Market
from tradsys.journal.ledger import Ledger
from tradsys.machine.executor import INLINE, Executor
from tradsys.machine.limits import limits
from tradsys.machine.plan import Plan
from tradsys.profiles.catalogue import named
from tradsys.research.judging.logbook import (
    record_failure,
    record_look,
    record_result,
    recorded_if_unwritten,
)
from tradsys.research.judging.run_folders import count_run_folders
from tradsys.research.judging.trials import (
    Tried,
    check_lockbox,
    data_of,
    judged_by,
    open_lockbox,
    record_and_judge,
    ruin_causes,
    run_name,
    trial_series,
)
from tradsys.research.judging.verdict_file import verdict_json
from tradsys.research.lookahead.findings import refuse
from tradsys.research.procedures.experiment import ExperimentProcedure
from tradsys.research.procedures.procedure import Procedure, Simulated
from tradsys.research.walk.experiment import Progress
from tradsys.runs.at_work import at_work
from tradsys.runs.folder import RunFolder
from tradsys.runs.manifest import code_digest, lock_digest
from tradsys.runs.stored import StoredRun
from tradsys.runs.tables import BARS, EQUITY, TRADES, TableSchema
from tradsys.settings.config import RunConfig

_ROW = 250
"""Bytes that a bar of a symbol takes in a run's folder; 2,900 bars took 1.0 MB, 650 kB of which any run takes."""


@one_thread()
def run(
    market: Market,
    config: RunConfig,
    *,
    root: Path,
    ledger: Ledger,
    procedure: Callable[[Market, RunConfig, Plan | None], Procedure] = ExperimentProcedure.of,
    open_the_lockbox: bool = False,
    hypothesis: str = "",
    plan: Plan | None = None,
    executor: Executor = INLINE,
    progress: Progress = lambda *_: None,
    render: Callable[[Path], object] = lambda _: None,
) -> StoredRun:
    """Run the procedure that the settings describe and write its folder below `root`; nothing there is ever changed.

    `hypothesis` is the beginning of the name of one that the ledger holds. `executor` does the parts that do not hang
    on each other, with the same bytes by however many processes; networks train within `plan`, each process of it.
    `render` writes the report into the folder before it gets its name.
    """
    tried = procedure(market, config, plan)
    spec, code = tried.spec, code_digest()
    named(spec.deployed, spec.profiles)  # a profile that there is none of is an error before long work
    check_writable(root, "the run goes", "name another folder with --out")
    check_writable(ledger.path.parent, "trials go", "name another folder with --journal")
    check_space(root, 2_000_000 + len(market.bars) * _ROW, "the run's folder", "free some, or name another with --out")
    check_space(ledger.path.parent, 1_000_000, "what the journal keeps", "free some, or name another with --journal")
    if open_the_lockbox:
        check_lockbox(market, spec.folds.lockbox, spec.verdict)
    count_run_folders(root, ledger)
    with at_work(root, tried.folder_title(market), progress) as progress:
        progress("comparing time stamps", 0, 1)
        alignment = tried.check_stamps(market)
        ledger.keep_paths(market.paths)
        looks_at = record_look(hypothesis, market, spec, ledger, code=code) if hypothesis else ""
        try:
            simulated = tried.simulate(market, progress, executor)
        except FitError as error:
            record_failure(str(error), market, spec, tried.config, ledger, code=code)
            raise
        lookahead = simulated.look_ahead(None, progress)
        refuse(lookahead)
        own, guard_bars = trial_series(simulated.simulations), simulated.guard_bars
        with recorded_if_unwritten(market, spec, tried.config, ledger, code=code):
            causes = ruin_causes(simulated.simulations)
            progress("judging against all that was tried", 0, 1)
            judged = record_and_judge(own, market, spec, ledger, guard_bars=guard_bars, code=code, causes=causes)
            benchmark = buy_and_hold(simulated.frames, *simulated.span, costs=spec.costs, portfolio=spec.portfolio)
            metrics = simulated.metrics(benchmark, progress) | {
                "lookahead": lookahead.to_dict(),
                "alignment": alignment.to_dict(),
            }
            verdict = verdict_json(judged, metrics, spec.verdict)
            if open_the_lockbox:
                progress("opening the lock-box", 0, 1)
                simulate = simulated.simulate_lockbox
                verdict["lockbox"] = open_lockbox(
                    market, spec, simulate, ledger, opens=simulated.span[1], guard_bars=guard_bars, code=code
                )
            facts = {
                **_provenance(market, tried.config, spec, code),
                "hypothesis": looks_at,
                "guard_bars": guard_bars,
                "trials": {one.key: one.digest for one in own},
                "judged": asdict(judged_by(own, market)),
                "deciders": [fold["decider"] for fold in metrics["folds"]],
                "kind": tried.kind,
            }
            progress("writing tables and bundle", 0, 2)
            with RunFolder.writing(root, _slug(market, spec, tried.folder_title(market))) as folder:
                measured, claimed = folder.write_metrics(metrics), folder.write_verdict(verdict)
                _write_rest(folder, simulated, benchmark, facts, render, progress)
                choices = list(simulated.choices(run_name(market, spec, code), measured))
                with whole():  # the result that the ledger holds has its folder
                    record_result(
                        market, spec, tried.agent, tried.config, choices, claimed, measured, ledger, code=code
                    )
                    finished = StoredRun(folder.finish())
            progress("finished", 2, 2)
            return finished


def _write_rest(
    folder: RunFolder,
    simulated: Simulated,
    benchmark: Simulation,
    facts: Mapping[str, Any],
    render: Callable[[Path], object],
    progress: Progress,
) -> None:
    """Tables, bundle, manifest and report, until all of it is on disk."""
    for schema, frame in (*_common_tables(simulated, benchmark), *simulated.tables()):
        folder.write_table(schema, frame)
    if simulated.predictor is not None:
        simulated.predictor.save(folder.path / "bundle")
    folder.write_manifest(facts)
    progress("writing the report", 1, 2)
    render(folder.path)
    folder.sync()


def _slug(market: Market, spec: Tried, title: str) -> str:
    """The folder's name: when, what and the configuration."""
    plain = "".join(c if c.isalnum() or c == "-" else "-" for c in title.lower()).strip("-")
    when = datetime.now(UTC)
    return f"{when:%Y%m%d-%H%M%S}-{plain}-{format_interval(market.interval)}-{spec.digest[:6]}"


def _common_tables(simulated: Simulated, benchmark: Simulation) -> tuple[tuple[TableSchema, pl.DataFrame], ...]:
    """The tables of every run: what was traded, the equity of each profile and of buying and holding, and the bars."""
    equity = {name: one.equity for name, one in (*simulated.simulations.items(), ("BUY_AND_HOLD", benchmark))}
    trades = {name: one.trades for name, one in simulated.simulations.items()}
    return (
        (TRADES, _labelled("profile", trades)),
        (EQUITY, _labelled("profile", {name: one.select("ts", "equity") for name, one in equity.items()})),
        (BARS, _labelled("symbol", simulated.frames)),
    )


def _labelled(column: str, frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """One table, with the name of each frame in a column in front."""
    return pl.concat(frame.select(pl.lit(name).alias(column), pl.all()) for name, frame in frames.items())


def _provenance(market: Market, config: RunConfig, spec: Tried, code: str) -> dict[str, Any]:
    """How to make the run again, and how to find it in the ledger."""
    return {
        "run": run_name(market, spec, code),
        "market": data_of(market).market,
        "title": market.title,
        "config": config.model_dump(mode="json"),
        "plugins": plugin_sources(config.plugins),
        "experiment": spec.digest,
        "fingerprint": market.fingerprint,
        "blocks": market.blocks,
        "seed": spec.seed,
        "code": code,
        "lock": lock_digest(),
        "deployed_profile": named(spec.deployed, spec.profiles).name,
        "sides": spec.sides,
        "machine": asdict(limits()),
        "created": datetime.now(UTC),
    }
