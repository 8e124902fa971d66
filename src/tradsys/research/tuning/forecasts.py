"""Out-of-fold forecasts of one configuration and seed inside the tuning part, a purged fold at a time."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np

from tradsys.core.arrays import BoolArray, FloatArray, IntArray
from tradsys.core.errors import ConfigError, DataError, FitError, NotEnoughBars
from tradsys.core.seeds import derive
from tradsys.data.market import Market
from tradsys.labels.base_rate import base_rate
from tradsys.machine.plan import Plan
from tradsys.models.forecaster import FittedForecaster, Forecaster
from tradsys.models.panel import Panel, Rows
from tradsys.research.walk.agents import DECIDER
from tradsys.research.walk.dataset import Dataset
from tradsys.research.walk.experiment_spec import Experiment, experiment_from, experiment_on
from tradsys.research.walk.holding_cost import known_funding
from tradsys.research.walk.record import both, rows_at, stack
from tradsys.research.walk.timeouts import TimeoutModel, timeout_panel
from tradsys.settings.config import RunConfig
from tradsys.splits.kfold import PurgedKFold

if TYPE_CHECKING:
    from tradsys.models.training.network_agent import NetworkAgent

N_FOLDS = 5
_FEWEST_ROWS = 300


@dataclass(frozen=True, slots=True)
class Cell:
    """One fit: a configuration with its seed, and which inner fold is left out."""

    config: RunConfig
    fold: int


@dataclass(frozen=True, slots=True)
class Said:
    """What was said of a left-out fold and what came of it; rows of all symbols, (n,) or (n, 2) for long and short.

    Log-odds are the forecaster's (`logits`) and those of a time exit (`timeout`), uncalibrated.
    `base_rate` and `timeout_rate` (2,) are those of the rows that trained. `funding` (n, 3) is what
    the bars knew: rate, hours, age; empty where there is none.
    """

    start: IntArray
    end: IntArray
    symbol: IntArray
    logits: FloatArray
    timeout: FloatArray
    y: FloatArray
    timed_out: BoolArray
    ret_atr: FloatArray
    net: FloatArray
    weight: FloatArray
    atr_over_price: FloatArray
    base_rate: FloatArray
    timeout_rate: FloatArray
    funding: FloatArray = field(default_factory=lambda: np.empty((0, 3)))


@dataclass(frozen=True, slots=True)
class Failed:
    """Why a cell has no usable forecasts: it diverged, could not be fitted or cannot be built."""

    reason: str


class _Prepared(NamedTuple):
    """What cells share whatever the forecaster: labels, panel, and the labelled rows with features."""

    data: Dataset
    panel: Panel
    rows: Rows


class _Job(NamedTuple):
    """One model to fit, and on what."""

    model: Forecaster
    prepared: _Prepared
    weighed: Panel
    train: Rows
    test: Rows
    seed: int
    spec: Experiment


class Workshop:
    """Fits cells on one tuning part; keeps the panels of the last few configurations, since their cells share them.

    Features are scaled, and the regimes behind one of them fitted, on the whole tuning part without its labels, as a
    run's first training part is. Test folds are consecutive blocks of time; labels that touch them, and the embargo of
    the horizon and the forecaster's memory, train nothing. Networks train within the plan.
    """

    def __init__(self, part: Market, plan: Plan | None = None) -> None:
        self._part, self._plan = part, plan
        self._prepared = lru_cache(maxsize=8)(self._prepare)

    def say(self, cells: Sequence[Cell]) -> list[Said | Failed]:
        """Each cell's forecasts, in their order; what one of them runs into never stops the others."""
        results: list[Said | Failed] = []
        for cell in cells:
            try:
                results.append(self._said(self._job(cell)))
            except (ConfigError, DataError, FitError) as error:
                results.append(Failed(str(error)))
        return results

    def say_together(self, cells: Sequence[Cell]) -> list[Said | Failed]:
        """The forecasts of one of the `groups`, whose networks train side by side; one cell is just said."""
        if len(cells) == 1:
            return self.say(cells)
        from tradsys.models.training.joint_fit import FitJob, fit_jointly

        try:
            jobs = [self._job(cell) for cell in cells]
            fitted = fit_jointly([FitJob(cast("NetworkAgent", j.model), j.weighed, j.train, j.seed) for j in jobs])
            return [self._said(job, one) for job, one in zip(jobs, fitted, strict=True)]
        except (ConfigError, DataError, FitError):
            return self.say(cells)  # one by one, to know whose fault it was

    def _job(self, cell: Cell) -> "_Job":
        spec = self._spec(cell.config)
        prepared = self._prepared(_panel_settings(cell.config))
        train, test = self._fold(prepared, spec, cell.fold)
        weighed = spec.weights.on_training(prepared.panel, train, prepared.data)
        return _Job(challenger(spec), prepared, weighed, train, test, derive(spec.seed, "tuning", cell.fold), spec)

    def _said(self, job: "_Job", fitted: FittedForecaster | None = None) -> Said | Failed:
        data, panel, train, test = job.prepared.data, job.prepared.panel, job.train, job.test
        fitted = fitted or job.model.fit(job.weighed, train, seed=job.seed)
        training = getattr(fitted, "training", "")
        if training.startswith("diverged"):
            return Failed(training)
        logits = stack([fitted.logits(X) for X in panel.X], test)
        if not np.isfinite(logits).all():
            return Failed("its forecasts are not finite")
        timeout = TimeoutModel().fit(timeout_panel(job.weighed, data), train, seed=job.seed)
        labels = tuple(data.labels.values())
        return Said(
            start=stack(panel.start, test),
            end=stack(panel.end, test),
            symbol=np.concatenate([np.full(int(mask.sum()), s) for s, mask in enumerate(test)]),
            logits=logits,
            timeout=stack([timeout.logits(X) for X in panel.X], test),
            y=panel.stack_y(test),
            timed_out=stack([one.timed_out for one in labels], test),
            ret_atr=stack(panel.ret_atr, test),
            net=stack([one.net for one in labels], test),
            weight=panel.stack_weight(test),
            atr_over_price=stack([one.atr_over_price for one in labels], test),
            base_rate=base_rate(panel.stack_y(train), panel.stack_weight(train)),
            timeout_rate=base_rate(timeout_panel(panel, data).stack_y(train), panel.stack_weight(train)),
            funding=known_funding(data, job.spec, test),
        )

    def _spec(self, config: RunConfig) -> Experiment:
        return experiment_on(self._part, config, self._plan)

    def _prepare(self, config: RunConfig) -> _Prepared:
        spec = self._spec(config)
        data = Dataset.build(self._part.bars, self._part.interval, spec.barriers, spec.costs)
        labelled: Rows = tuple(one.is_labelled for one in data.labels.values())
        if sum(int(mask.sum()) for mask in labelled) < _FEWEST_ROWS:
            raise NotEnoughBars(
                f"tuning needs {_FEWEST_ROWS} labels in the first training part, found "
                f"{sum(int(mask.sum()) for mask in labelled)} in its {len(self._part.bars):,} bars; load more history"
            )
        seed = derive(spec.seed, "tuning")
        regimes = spec.regimes.fit(data.before(labelled), seed=seed)
        _, panel = data.panel(spec.feature_set(regimes), labelled, seed=seed)
        return _Prepared(data, panel, both(labelled, panel.usable()))

    def _fold(self, prepared: _Prepared, spec: Experiment, fold: int) -> tuple[Rows, Rows]:
        panel, rows = prepared.panel, prepared.rows
        where = np.flatnonzero(np.concatenate(rows))
        start, end = stack(panel.start, rows), stack(panel.last_end(), rows)
        splitter = PurgedKFold(N_FOLDS, spec.embargo(prepared.data.interval))
        train, test = list(splitter.split(start, intervals=(start, end)))[fold]
        if len(train) < _FEWEST_ROWS:
            raise NotEnoughBars(
                f"tuning needs {_FEWEST_ROWS} labelled rows to train on, found {len(train)} beside fold {fold + 1} of "
                f"{N_FOLDS}; load more history"
            )
        sizes = [len(mask) for mask in rows]
        return rows_at(where[train], sizes), rows_at(where[test], sizes)


def groups(cells: Sequence[Cell], n_processes: int = 1) -> list[list[int]]:
    """Positions of the cells that are fitted by one call: one each, or networks of one shape that train side by side.

    Seeds and trials of a fold may differ in everything but the network's shape, its objective and the features. Such a
    group is dealt out to the processes.
    """
    kin: dict[object, list[int]] = {}
    for position, cell in enumerate(cells):
        kin.setdefault(_kin(cell) or position, []).append(position)
    return [part for group in kin.values() for k in range(n_processes) if (part := group[k::n_processes])]


def _kin(cell: Cell) -> object:
    """Equal for cells whose networks can be trained side by side; None for what is no such network."""
    try:
        model = challenger(experiment_from(cell.config))
    except ConfigError:
        return None  # the fit will say what is wrong
    return (model.batch_key(1), cell.config.features) if hasattr(model, "batch_key") else None


def challenger(spec: Experiment) -> Forecaster:
    """The forecaster that the agent's settings are about."""
    name = spec.challengers[0] if spec.challengers else DECIDER
    found = next((model for model in spec.forecasters if model.name == name), None)
    if found is None or len(spec.challengers) > 1:
        raise ConfigError(
            f"{spec.agent} has no settings of its own to tune, only those of the agents it is made of; name one of "
            "these, or leave agent.name out and the study chooses among all of them"
        )
    return found


def _panel_settings(config: RunConfig) -> RunConfig:
    """The configuration with everything at its default that changes neither labels nor features."""
    shared = config.model_dump(include={"seed", "labels", "costs", "features", "regimes"})
    return RunConfig(**{**shared, "labels": {**shared["labels"], "weights": "uniqueness", "time_decay": 1.0}})
