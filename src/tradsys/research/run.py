"""One run from bars to a finished run folder: experiment, verdict, ledger, report, bundle."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from tradsys.backtest.simulate import Simulation, buy_and_hold
from tradsys.core.arrays import FloatArray
from tradsys.core.errors import FitError
from tradsys.core.json_text import check_writable
from tradsys.data.market import Market
from tradsys.journal.ledger import Ledger
from tradsys.machine.plan import Plan
from tradsys.profiles.catalogue import profile_named
from tradsys.profiles.forecast import Forecasts
from tradsys.research.diagnostics.adversarial import adversarial_validation
from tradsys.research.diagnostics.families import family_gains
from tradsys.research.diagnostics.importance import feature_importance
from tradsys.research.diagnostics.supervision import supervision
from tradsys.research.finished import Run, by_profile, by_symbol, run_slug, write_manifest
from tradsys.research.judging.lockbox import open_lockbox
from tradsys.research.judging.logbook import record_failure, record_look, record_result
from tradsys.research.judging.trials import record_and_judge, trial_series, verdict_json
from tradsys.research.lookahead.findings import refuse
from tradsys.research.lookahead.lookahead import glance
from tradsys.research.selection.nested import choose_everywhere
from tradsys.research.selection.paths import cross_validated_paths
from tradsys.research.walk.experiment import Outcome, Progress, block_decisions, run_experiment
from tradsys.research.walk.metrics import run_metrics
from tradsys.research.walk.spec import Experiment, experiment_on
from tradsys.runs.folder import RunFolder
from tradsys.runs.provenance import code_digest
from tradsys.settings.config import RunConfig
from tradsys.settings.market import ranks_of


def run(
    market: Market,
    config: RunConfig,
    *,
    root: Path,
    ledger: Ledger,
    open_the_lockbox: bool = False,
    hypothesis: str = "",
    plan: Plan | None = None,
    progress: Progress = lambda *_: None,
    render: Callable[[Path], object] = lambda _: None,
) -> Run:
    """Run the experiment that the settings describe and write its folder below `root`; nothing there is ever changed.

    `hypothesis` is the beginning of the name of one that the ledger holds. Networks train within `plan`. `render`
    writes the report into the folder before it gets its name.
    """
    spec = experiment_on(market, config, plan)
    profile_named(spec.deployed, spec.profiles)
    check_writable(root, "the run goes", "name another folder with --out")
    check_writable(ledger.path.parent, "trials go", "name another folder with --journal")
    code = code_digest()
    looks_at = record_look(hypothesis, market, spec, ledger, code=code) if hypothesis else ""
    try:
        outcome = run_experiment(market, spec, progress)
    except FitError as error:
        record_failure(str(error), market, spec, ledger, code=code)
        raise
    lookahead = glance(outcome, spec, ranks_of(config))
    refuse(lookahead)
    own = trial_series(outcome.simulations, outcome.data.symbols)
    lookback = max(result.predictor.lookback for result in outcome.results)
    guard_bars = spec.barriers.horizon + lookback
    judged = record_and_judge(own, market, spec, ledger, guard_bars=guard_bars, code=code)
    start, end = outcome.results[0].fold.opens, outcome.data.closes
    benchmark = buy_and_hold(outcome.data.frames, start, end, costs=spec.costs, portfolio=spec.portfolio)
    metrics = run_metrics(market, spec, outcome, benchmark) | {
        "lookahead": lookahead.to_dict(),
        "adversarial": adversarial_validation(outcome, spec).to_dict(),
        "importance": feature_importance(outcome, spec).to_dict(),
        "families": family_gains(outcome, spec),
        "supervisor": supervision(outcome, spec),
        "chosen": choose_everywhere(outcome, spec).to_dict(spec.seed),
        "paths": cross_validated_paths(outcome.data, spec, progress),
    }
    verdict = verdict_json(judged, metrics)
    if open_the_lockbox:
        progress("opening the lock-box", 0, 1)
        verdict["lockbox"] = open_lockbox(market, spec, outcome, ledger, guard_bars=guard_bars, code=code)
    folder = RunFolder.create(root, run_slug(market, spec))
    folder.write_json("metrics.json", metrics)
    folder.write_json("verdict.json", verdict)
    _write_frames(folder, outcome, spec, benchmark)
    predictor = outcome.results[-1].predictor
    predictor.save(folder.path / "bundle")
    tied = {"hypothesis": looks_at, "guard_bars": guard_bars, "trials": {trial.key: trial.digest for trial in own}}
    write_manifest(folder, market, config, spec, code, tied)
    render(folder.path)
    record_result(market, spec, outcome, verdict, metrics, ledger, code=code)
    return Run(folder.finish(), verdict, metrics)


def _write_frames(folder: RunFolder, outcome: Outcome, spec: Experiment, benchmark: Simulation) -> None:
    named = outcome.simulations
    folder.write_parquet("trades.parquet", by_profile({name: one.trades for name, one in named.items()}))
    curves = {**{name: one.equity for name, one in named.items()}, "BUY_AND_HOLD": benchmark.equity}
    folder.write_parquet("equity.parquet", by_profile({n: e.select("ts", "equity") for n, e in curves.items()}))
    folder.write_parquet("forecasts.parquet", forecasts_frame(outcome, spec))
    folder.write_parquet("labels.parquet", labels_frame(outcome))
    folder.write_parquet("bars.parquet", by_symbol(outcome.data.frames))


def forecasts_frame(outcome: Outcome, spec: Experiment) -> pl.DataFrame:
    """A row a decision and side, known at `start`; the chosen side carries the audit and the deployed action."""
    deployed = profile_named(spec.deployed, spec.profiles)
    parts = []
    for result in outcome.results:
        decided = block_decisions(result, deployed, spec)
        for symbol, forecasts in result.forecasts.items():
            mine = decided.filter(pl.col("symbol") == symbol)
            ready = forecasts.is_ready
            for column, side in enumerate((1, -1)):
                is_chosen = mine["side"] == side
                part = pl.DataFrame(
                    {
                        "start": mine["start"],
                        "symbol": mine["symbol"],
                        "side": np.full(len(mine), side, np.int8),
                        "fold": np.full(len(mine), result.fold.index, np.int16),
                        "probability": forecasts.probability[:, column],
                        "expected_net": forecasts.expected_net[:, column],
                        "rank": forecasts.rank[:, column],
                        "regime": forecasts.regime.argmax(axis=1).astype(np.int8),
                        **{f"regime_{k}": forecasts.regime[:, k] for k in range(forecasts.regime.shape[1])},
                        **_macro_columns(forecasts),
                        "audit": forecasts.audit,
                        "action": mine["action"],
                    }
                ).with_columns(
                    pl.when(is_chosen).then(pl.col("audit")).alias("audit"),
                    pl.when(is_chosen).then(pl.col("action")).otherwise(0).alias("action"),
                )
                parts.append(part.filter(pl.Series(ready)))
    return pl.concat(parts).sort("start", "symbol", "side", descending=[False, False, True])


def _macro_columns(forecasts: Forecasts) -> dict[str, FloatArray]:
    """`macro_0` risk-on and on, where a supervisor watches other markets."""
    states = forecasts.macro
    return {} if states is None else {f"macro_{k}": states[:, k] for k in range(states.shape[1])}


def labels_frame(outcome: Outcome) -> pl.DataFrame:
    """Outcomes, to be joined with the forecasts by symbol, start and side."""
    parts = []
    for symbol, one in outcome.data.labels.items():
        rows = one.is_labelled
        for column, side in enumerate((1, -1)):
            parts.append(
                pl.DataFrame(
                    {
                        "symbol": pl.repeat(symbol, int(rows.sum()), eager=True),
                        "start": pl.Series(one.start[rows]).cast(pl.Datetime("ms", "UTC")),
                        "side": np.full(int(rows.sum()), side, np.int8),
                        "end": pl.Series(one.end[rows, column]).cast(pl.Datetime("ms", "UTC")),
                        "label": one.target[rows, column].astype(np.int8),
                        "timed_out": one.timed_out[rows, column],
                        "ambiguous": one.ambiguous[rows, column],
                        "ret": one.ret[rows, column],
                        "net": one.net[rows, column],
                        "uniqueness": one.weight[rows, column],
                    }
                )
            )
    return pl.concat(parts).sort("symbol", "start", "side")
