"""The walk-forward experiment as a procedure: agents forecast, profiles decide, everything is fitted fold by fold."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl

from tradsys.backtest.simulate import Simulation
from tradsys.core.threads import one_thread
from tradsys.data.market import Market
from tradsys.data.misaligned import Alignment
from tradsys.journal.entries import Choice
from tradsys.machine.executor import INLINE, Executor, Shared
from tradsys.machine.plan import Plan
from tradsys.predictor.predictor import Predictor
from tradsys.profiles.catalogue import profile_named
from tradsys.profiles.forecast import Forecasts
from tradsys.research.diagnostics.adversarial import adversarial_validation
from tradsys.research.diagnostics.importance import feature_importance
from tradsys.research.diagnostics.outside import family_gains, supervision
from tradsys.research.judging.logbook import fold_choices
from tradsys.research.lookahead.findings import Lookahead
from tradsys.research.lookahead.lookahead import look_ahead, look_ahead_sample
from tradsys.research.lookahead.stamps import check_stamps
from tradsys.research.selection.combinatorial_paths import Splits, begin_splits, cross_validated_paths
from tradsys.research.selection.nested_selection import choose_everywhere
from tradsys.research.walk.deciding import FoldResult
from tradsys.research.walk.enough_history import with_enough_history
from tradsys.research.walk.experiment import (
    Inputs,
    Outcome,
    Progress,
    block_decisions,
    run_experiment,
    simulate_lockbox,
)
from tradsys.research.walk.experiment_spec import Experiment, experiment_on
from tradsys.research.walk.metrics import run_metrics
from tradsys.research.walk.record import Record
from tradsys.research.walk.scoring import Scored
from tradsys.runs.manifest import Kind
from tradsys.runs.metrics import RunMetrics
from tradsys.runs.tables import ACTION_OF, FORECASTS, LABELS, MACRO_STATES, TableSchema
from tradsys.settings.config import RunConfig
from tradsys.settings.market import RankColumns, ranks_of


def forecasts_frame(outcome: Outcome, spec: Experiment) -> pl.DataFrame:
    """A row a decision and side, known at `start`; the chosen side carries the audit and what each profile did."""
    deployed = profile_named(spec.deployed, spec.profiles)
    parts = []
    for result in outcome.results:
        decided = block_decisions(result, deployed, spec)
        for symbol, forecasts in result.forecasts.items():
            mine = decided.filter(pl.col("symbol") == symbol)
            ready = forecasts.is_ready
            actions = {ACTION_OF + one.name: one.decide(forecasts).action.astype(np.int8) for one in spec.profiles}
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
                        **_record_columns(forecasts, column),
                        "rank": forecasts.rank[:, column],
                        "regime": forecasts.regime.argmax(axis=1).astype(np.int8),
                        **{f"regime_{k}": forecasts.regime[:, k] for k in range(forecasts.regime.shape[1])},
                        **_macro_columns(forecasts),
                        "audit": forecasts.audit,
                        "action": mine["action"],
                        **actions,
                    }
                ).with_columns(
                    pl.when(is_chosen).then(pl.col("audit")).alias("audit"),
                    pl.when(is_chosen).then(pl.col("action", *actions)).otherwise(0),
                )
                parts.append(part.filter(pl.Series(ready)))
    return pl.concat(parts).sort("start", "symbol", "side", descending=[False, False, True])


def _record_columns(forecasts: Forecasts, column: int) -> dict[str, pl.Series]:
    """What is known of a side's expected return from forecasts on record; null where there is no record."""
    n, error, earned = len(forecasts.start), forecasts.net_error, forecasts.has_earned
    return {
        "net_error": _nulls(n, pl.Float64()) if error is None else pl.Series(error[:, column]),
        "has_earned": _nulls(n, pl.Boolean()) if earned is None else pl.Series(earned),
    }


def _nulls(n: int, kind: pl.DataType) -> pl.Series:
    return pl.repeat(None, n, dtype=kind, eager=True)


def _macro_columns(forecasts: Forecasts) -> dict[str, pl.Series]:
    """`macro_0` risk-on and on, from a supervisor that watches other markets; null where there is none."""
    n, states = len(forecasts.start), forecasts.macro
    return {
        name: _nulls(n, pl.Float64()) if states is None else pl.Series(states[:, k])
        for k, name in enumerate(MACRO_STATES)
    }


def labels_frame(outcome: Outcome) -> pl.DataFrame:
    """Outcomes, to be joined with the forecasts by symbol, start and side; none of limit orders that were missed."""
    parts = []
    for symbol, one in outcome.data.labels.items():
        for column, side in enumerate((1, -1)):
            rows = one.is_labelled & ~one.missed[:, column]
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


@dataclass(frozen=True, slots=True)
class ExperimentProcedure:
    """An experiment's spec, the settings behind it, and how columns of ranks were made where its features read any."""

    spec: Experiment
    config: RunConfig
    ranks: RankColumns | None = None
    kind: ClassVar[Kind] = "experiment"

    @classmethod
    def of(cls, market: Market, config: RunConfig, plan: Plan | None = None) -> Self:
        """What the settings describe, their folds adapted to a short history; networks train within the plan."""
        config, _ = with_enough_history(market, config)
        return cls(experiment_on(market, config, plan), config, ranks_of(config))

    @property
    def agent(self) -> str:
        return self.spec.agent

    def folder_title(self, market: Market) -> str:
        """The symbols, three of them by name."""
        more = len(market.symbols) - 3
        return "-".join(market.symbols[:3]) + (f"-and-{more}-more" if more > 0 else "")

    def check_stamps(self, market: Market) -> Alignment:
        """Pooled symbols, columns from outside and the series that own features bring along."""
        return check_stamps(market, self.spec.features, self.config.alignment.allow_lead)

    @one_thread()
    def simulate(self, market: Market, progress: Progress, executor: Executor = INLINE) -> "SimulatedExperiment":
        """The profiles along the walk; the splits of cross-validated paths are fitted when nothing else is to do."""
        begun: list[tuple[Inputs, Splits | str]] = []

        def meanwhile(inputs: Inputs) -> None:
            begun.append((inputs, begin_splits(inputs, executor)))

        outcome = run_experiment(market, self.spec, progress, executor, meanwhile=meanwhile)
        inputs, splits = begun[0]
        found = executor.share((outcome.record, outcome.results, outcome.scored, outcome.simulations))
        shared = SharedOutcome(inputs, found, self.ranks)
        return SimulatedExperiment(self, market, outcome, shared, executor, splits)


@dataclass(frozen=True, slots=True)
class SharedOutcome:
    """An outcome that every worker holds once, with the data that it has from its folds, its spec and the ranks."""

    inputs: Inputs
    found: Shared[tuple[Record, Sequence[FoldResult], Scored, Mapping[str, Simulation]]]
    ranks: RankColumns | None

    @property
    def value(self) -> tuple[Outcome, Experiment, RankColumns | None]:
        data, spec = self.inputs.value
        return Outcome(data, *self.found.value), spec, self.ranks


_DIAGNOSTICS: dict[str, tuple[str, Callable[[Outcome, Experiment], dict[str, Any]]]] = {
    "adversarial": (
        "comparing test blocks with training",
        lambda outcome, spec: adversarial_validation(outcome, spec).to_json(),
    ),
    "importance": ("importance of the columns", lambda outcome, spec: feature_importance(outcome, spec).to_json()),
    "families": ("gains of columns from outside", lambda outcome, spec: family_gains(outcome, spec).to_json()),
    "supervisor": ("what a supervisor changes", lambda outcome, spec: supervision(outcome, spec).to_json()),
    "chosen": (
        "choosing inside training parts",
        lambda outcome, spec: choose_everywhere(outcome, spec).to_dict(spec.seed),
    ),
}
"""Each by its name in `metrics.json`: what is said meanwhile, and what measures it."""


def _diagnosed(shared: SharedOutcome, name: str) -> dict[str, Any]:
    """One of the diagnostics, as a part of the work."""
    outcome, spec, _ = shared.value
    return _DIAGNOSTICS[name][1](outcome, spec)


@dataclass(frozen=True, slots=True)
class SimulatedExperiment:
    """An experiment's outcome on a market, with the diagnostics that a run adds to it."""

    procedure: ExperimentProcedure
    market: Market
    outcome: Outcome
    shared: SharedOutcome
    executor: Executor = INLINE
    splits: Splits | str | None = None

    @property
    def simulations(self) -> Mapping[str, Simulation]:
        return self.outcome.simulations

    @property
    def frames(self) -> Mapping[str, pl.DataFrame]:
        return self.outcome.data.frames

    @property
    def span(self) -> tuple[int, int]:
        return self.outcome.results[0].fold.opens, self.outcome.data.closes

    @property
    def guard_bars(self) -> int:
        return self.outcome.guard_bars(self.procedure.spec)

    @property
    def predictor(self) -> Predictor:
        """The last fold's predictor, whose bundle a bot loads."""
        return self.outcome.results[-1].predictor

    @one_thread()
    def look_ahead(self, n_points: int | None, progress: Progress) -> Lookahead:
        """Features, labels, fits, forecasts and fills without the future; the sample fits nothing again."""
        spec, ranks = self.procedure.spec, self.procedure.ranks
        if n_points is None:
            return look_ahead_sample(self.outcome, spec, ranks, progress, self.executor, self.shared)
        return look_ahead(self.outcome, spec, n_points=n_points, ranks=ranks, progress=progress, executor=self.executor)

    def metrics(self, benchmark: Simulation, progress: Progress) -> dict[str, Any]:
        """Skill and trades, what the forecasts need, the chosen procedure and cross-validated paths."""
        outcome, spec = self.outcome, self.procedure.spec
        n_steps = len(_DIAGNOSTICS) + 1
        parts = {name: self.executor.submit(_diagnosed, self.shared, name) for name in _DIAGNOSTICS}
        progress("measuring skill and trades", 0, n_steps)
        measured = run_metrics(self.market, spec, outcome, benchmark)
        for k, (name, part) in enumerate(parts.items(), 1):
            progress(_DIAGNOSTICS[name][0], k, n_steps)
            measured[name] = part.result()
        return measured | {"paths": cross_validated_paths(outcome.data, spec, progress, self.executor, self.splits)}

    def tables(self) -> Sequence[tuple[TableSchema, pl.DataFrame]]:
        forecasts = forecasts_frame(self.outcome, self.procedure.spec)
        return (FORECASTS, forecasts), (LABELS, labels_frame(self.outcome))

    def simulate_lockbox(self) -> Mapping[str, Simulation]:
        return simulate_lockbox(self.market, self.procedure.spec, self.outcome)

    def choices(self, run: str, metrics: RunMetrics) -> Iterator[Choice]:
        chosen = metrics.chosen.folds if metrics.chosen else ()
        return fold_choices(run, self.market, self.procedure.spec, self.outcome, chosen)
