"""Out-of-fold forecasts of a configuration inside the first training part, a purged fold at a time.

One configuration comes out of a study and is then tested on all outer blocks, so that only the first training part
is inside the training part of each of them. The bars after it are cut off before anything else happens.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
import polars as pl

from tradsys.core.arrays import BoolArray, FloatArray, IntArray
from tradsys.core.bars import to_arrays
from tradsys.core.errors import ConfigError, DataError, FitError, NotEnoughBars
from tradsys.core.seeds import derive
from tradsys.core.time import interval_ms, ts_ms
from tradsys.core.traded import TradedBars
from tradsys.data.market import Market
from tradsys.labels.barriers import labelled_rows
from tradsys.labels.weights import base_rate
from tradsys.machine.plan import Plan
from tradsys.models.forecaster import FittedForecaster, Forecaster, Panel, Rows, stack
from tradsys.models.registry import fit_agent
from tradsys.research.walk.agents import DECIDER
from tradsys.research.walk.dataset import Dataset
from tradsys.research.walk.experiment_spec import Experiment, experiment_from, experiment_on
from tradsys.research.walk.fitting import TimeoutModel, known_funding, known_slippage, timeout_panel
from tradsys.research.walk.folds import purged_folds
from tradsys.research.walk.lockbox import lockbox_opens
from tradsys.research.walk.record import both
from tradsys.settings.config import RunConfig

if TYPE_CHECKING:
    from tradsys.models.training.network_agent import NetworkAgent

N_FOLDS = 5
_FEWEST_ROWS = 300


def first_training_part(market: Market, config: RunConfig, longest_horizon: int) -> Market:
    """The market up to the earliest time at which a first test block could open under any horizon up to the longest."""
    opens = _first_test_opens(market, config, longest_horizon)
    step = interval_ms(market.interval)
    return replace(market, bars=market.bars.filter(pl.col("ts").dt.epoch("ms") + step <= opens))


def _first_test_opens(market: Market, config: RunConfig, horizon: int) -> int:
    """When the first block opens, ms: its time depends on the last label's, hence on the horizon (`walk_forward`)."""
    before = market.bars.filter(pl.col("ts") < lockbox_opens(market.bars, config.folds.lockbox))
    barriers = replace(experiment_from(config).barriers, horizon=horizon)
    first, last = [], []
    for frame in replace(market, bars=before).frames().values():
        events, traded = barriers.event_rows(frame), TradedBars.of(to_arrays(frame).volume)
        rows = labelled_rows(events, np.ones(len(frame)), horizon, traded, barriers.no_volume).rows
        if len(rows):
            closes = ts_ms(frame)[rows] + interval_ms(market.interval)
            first.append(int(closes[0]))
            last.append(int(closes[-1]))
    if not first:
        raise NotEnoughBars(
            f"tuning needs bars with {horizon} more after them before the lock-box, found none in {len(before):,} "
            "bars; load more history or bound labels.horizon with --over"
        )
    share = config.folds.initial / (1 - config.folds.lockbox)
    return int(min(first) + share * (max(last) - min(first)))


@dataclass(frozen=True, slots=True)
class FoldFit:
    """One model fit of a study: a configuration with its seed, and the fold that is left out."""

    config: RunConfig
    fold: int


@dataclass(frozen=True, slots=True)
class FoldForecasts:
    """Out-of-fold forecasts of one fold and the outcomes of its labels.

    Rows of all symbols, (n,) or (n, 2) for long and short.

    Log-odds are the forecaster's (`logits`) and those of a time exit (`timeout`), uncalibrated.
    `base_rate` and `timeout_rate` (2,) are those of the rows that trained. `slippage` (n,) is what
    market orders were known to pay, `funding` (n, 3) what the bars knew: rate, hours, age; empty where there is none.
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
    slippage: FloatArray
    funding: FloatArray = field(default_factory=lambda: np.empty((0, 3)))


@dataclass(frozen=True, slots=True)
class FailedFit:
    """A fit without usable forecasts, and why: it diverged, could not be fitted or cannot be built."""

    reason: str


class _LabelledPanel(NamedTuple):
    """What fits share whatever the forecaster: labels, panel, and the labelled rows with features."""

    data: Dataset
    panel: Panel
    rows: Rows


class _Job(NamedTuple):
    """One model to fit, and on what."""

    model: Forecaster
    prepared: _LabelledPanel
    weighed: Panel
    train: Rows
    test: Rows
    seed: int
    spec: Experiment


class FoldFitter:
    """Fits forecasters on purged folds of the first training part; keeps the panels of the last few configurations.

    Features are scaled, and the regimes behind one of them fitted, on the whole tuning part without its labels, as a
    run's first training part is. Test folds are consecutive blocks of time; labels that touch them, and the embargo of
    the horizon and the forecaster's memory, train nothing. Networks train within the plan.
    """

    def __init__(self, part: Market, plan: Plan | None = None) -> None:
        self._part, self._plan = part, plan
        self._prepared = lru_cache(maxsize=8)(self._prepare)

    def fit_each(self, fits: Sequence[FoldFit]) -> list[FoldForecasts | FailedFit]:
        """Each fit's forecasts, in their order; what one of them runs into never stops the others."""
        results: list[FoldForecasts | FailedFit] = []
        for fit in fits:
            try:
                results.append(self._forecasts(self._job(fit)))
            except (ConfigError, DataError, FitError) as error:
                results.append(FailedFit(str(error)))
        return results

    def fit_batch(self, fits: Sequence[FoldFit]) -> list[FoldForecasts | FailedFit]:
        """The forecasts of one of the `fit_batches`, whose networks train side by side."""
        if len(fits) == 1:
            return self.fit_each(fits)
        from tradsys.models.training.joint_fit import FitJob, fit_jointly

        try:
            jobs = [self._job(fit) for fit in fits]
            fitted = fit_jointly([FitJob(cast("NetworkAgent", j.model), j.weighed, j.train, j.seed) for j in jobs])
            return [self._forecasts(job, one) for job, one in zip(jobs, fitted, strict=True)]
        except (ConfigError, DataError, FitError):
            return self.fit_each(fits)  # one by one, to know whose fault it was

    def _job(self, fit: FoldFit) -> "_Job":
        spec = experiment_on(self._part, fit.config, self._plan)
        prepared = self._prepared(_panel_settings(fit.config))
        train, test = self._fold(prepared, spec, fit.fold)
        weighed = spec.weights.on_training(prepared.panel, train, prepared.data)
        return _Job(challenger(spec), prepared, weighed, train, test, derive(spec.seed, "tuning", fit.fold), spec)

    def _forecasts(self, job: "_Job", fitted: FittedForecaster | None = None) -> FoldForecasts | FailedFit:
        data, panel, train, test = job.prepared.data, job.prepared.panel, job.train, job.test
        fitted = fitted or fit_agent(job.model, job.weighed, train, seed=job.seed)
        training = getattr(fitted, "training", "")
        if training.startswith("diverged"):
            return FailedFit(training)
        logits = stack([fitted.logits(X) for X in panel.X], test)
        if not np.isfinite(logits).all():
            return FailedFit("its forecasts are not finite")
        timeout = TimeoutModel().fit(timeout_panel(job.weighed, data), train, seed=job.seed)
        labels = data.stacked(test)
        return FoldForecasts(
            start=labels.start,
            end=labels.end,
            symbol=np.concatenate([np.full(int(mask.sum()), s) for s, mask in enumerate(test)]),
            logits=logits,
            timeout=stack([timeout.logits(X) for X in panel.X], test),
            y=labels.target,
            timed_out=labels.timed_out,
            ret_atr=labels.ret_atr,
            net=labels.net,
            weight=labels.weight,
            atr_over_price=labels.atr_over_price,
            slippage=known_slippage(data, job.spec, test),
            base_rate=base_rate(panel.stack_y(train), panel.stack_weight(train)),
            timeout_rate=base_rate(timeout_panel(panel, data).stack_y(train), panel.stack_weight(train)),
            funding=known_funding(data, job.spec, test),
        )

    def _prepare(self, config: RunConfig) -> _LabelledPanel:
        spec = experiment_on(self._part, config, self._plan)
        data = Dataset.build(self._part.bars, self._part.interval, spec.barriers, spec.costs)
        labelled = data.labelled
        if (n := sum(int(mask.sum()) for mask in labelled)) < _FEWEST_ROWS:
            raise NotEnoughBars(
                f"tuning needs {_FEWEST_ROWS} labels in the first training part, found {n} in its "
                f"{len(self._part.bars):,} bars; load more history"
            )
        seed = derive(spec.seed, "tuning")
        regimes = spec.regimes.fit(data.before(labelled), seed=seed)
        _, panel = data.panel(spec.feature_set(regimes), labelled, seed=seed)
        return _LabelledPanel(data, panel, both(labelled, panel.usable()))

    def _fold(self, prepared: _LabelledPanel, spec: Experiment, fold: int) -> tuple[Rows, Rows]:
        embargo = spec.embargo(prepared.data.interval)
        train, test = list(purged_folds(prepared.panel, prepared.rows, N_FOLDS, embargo))[fold]
        n_train = sum(int(mask.sum()) for mask in train)
        if n_train < _FEWEST_ROWS:
            raise NotEnoughBars(
                f"tuning needs {_FEWEST_ROWS} labelled rows to train on, found {n_train} beside fold {fold + 1} of "
                f"{N_FOLDS}; load more history"
            )
        return train, test


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
    shared = config.model_dump(include={"plugins", "seed", "labels", "costs", "features", "regimes"})
    labels = {**shared["labels"], "weights": "uniqueness", "time_decay": 1.0}
    return RunConfig(**{**shared, "agent": {"name": DECIDER}, "labels": labels})
