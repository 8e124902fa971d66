"""What is fitted on one fold's training part: features, regimes, forecasters, time exits, holding costs, supervisor."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import ClassVar

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.carry import COLUMNS, funding_of
from tradsys.core.costs import ESTIMATED
from tradsys.core.errors import NotEnoughBars
from tradsys.core.logistic import log_odds
from tradsys.core.seeds import derive
from tradsys.core.slippage import slippage_of
from tradsys.core.time import interval_ms
from tradsys.features.feature_set import FittedFeatures
from tradsys.labels.weights import base_rate
from tradsys.machine.executor import Shared
from tradsys.models.forecaster import FittedForecaster, Forecaster, Panel, Rows, stack
from tradsys.models.linear.baselines import VolatilityOnly
from tradsys.models.linear.logistic import FittedLinear
from tradsys.models.registry import fit_agent
from tradsys.predictor.economics import Holding
from tradsys.regimes.family import RegimeFilter
from tradsys.regimes.macro import FittedMacroFilter
from tradsys.research.walk.agents import DECIDER
from tradsys.research.walk.dataset import Dataset
from tradsys.research.walk.experiment_spec import Experiment
from tradsys.research.walk.folds import Fold, purged_folds
from tradsys.research.walk.record import Record, both
from tradsys.research.walk.steps import Say, silent

INNER_FOLDS = 4
"""Purged folds inside the first training part, which forecast it out of fold."""

FEWEST_ROWS = 300
"""Labelled rows with all features below which nothing is fitted."""

_ENOUGH = 50
"""Time exits a side below which their rate is a constant: a regression on fewer would fit noise."""


@dataclass(frozen=True, slots=True)
class TimeoutModel:
    """Ridge logistic regression of the time exit on the volatility columns, a side each."""

    penalty: float | None = None
    name: ClassVar[str] = "timeout"
    memory: ClassVar[int] = 0

    def fit(self, panel: Panel, rows: Rows, *, seed: int) -> FittedForecaster:
        """Fit on a panel whose `y` says which trades ended by time."""
        y, weight = panel.stack_y(rows), panel.stack_weight(rows)
        if min(y.sum(axis=0).min(), (1 - y).sum(axis=0).min()) < _ENOUGH:
            rate = base_rate(y, weight)
            return FittedLinear(log_odds(rate), np.zeros((2, len(panel.columns))))
        return VolatilityOnly(self.penalty).fit(panel, rows, seed=seed)


def timeout_panel(panel: Panel, data: Dataset) -> Panel:
    """The panel with time exits in the place of targets."""
    y = tuple(
        np.where(np.isfinite(one.target), one.timed_out.astype(np.float64), np.nan) for one in data.labels.values()
    )
    return replace(panel, y=y)


@dataclass(frozen=True, slots=True)
class FoldModels:
    """Everything fitted on a fold's training part, regimes of all rows, and each forecaster's log-odds of the test's.

    `logits` (n_bars, 2) have other rows only of forecasters with memory.
    """

    fold: Fold
    rows: Rows
    regimes: RegimeFilter
    features: FittedFeatures
    panel: Panel
    regime: tuple[FloatArray, ...]
    supervisor: FittedMacroFilter | None
    fitted: Mapping[str, FittedForecaster]
    logits: Mapping[str, tuple[FloatArray, ...]]


@dataclass(frozen=True, slots=True)
class FittedPart:
    """What a fold's fit sends back, maybe from another process: all but its columns, which the data tell anew.

    `first` is the record of the first training part, of the fold that fills it.
    """

    rows: Rows
    regimes: RegimeFilter
    features: FittedFeatures
    regime: tuple[FloatArray, ...]
    supervisor: FittedMacroFilter | None
    fitted: Mapping[str, FittedForecaster]
    logits: Mapping[str, tuple[FloatArray, ...]]
    first: Record | None

    def models(self, data: Dataset, fold: Fold) -> FoldModels:
        """The same as the fit gave it."""
        columns = tuple(self.features.standardise(values) for values in data.raw.of(self.features))
        return FoldModels(
            fold,
            self.rows,
            self.regimes,
            features=self.features,
            panel=data.panel_of(self.features, columns),
            regime=self.regime,
            supervisor=self.supervisor,
            fitted=self.fitted,
            logits=self.logits,
        )


def fit_part(shared: Shared[tuple[Dataset, Experiment]], fold: Fold, say: Say = silent) -> FittedPart:
    """A fold's models, and of the first fold its training part's forecasts out of fold, as a part of the work."""
    data, spec = shared.value
    models, first = fit_models(data, spec, fold, say), None
    if fold.index == 0:
        first = Record(tuple(len(frame) for frame in data.frames.values()))
        fill_first_part(first, data, spec, models, spec.embargo(data.interval), say)
    return FittedPart(
        models.rows,
        models.regimes,
        models.features,
        models.regime,
        models.supervisor,
        models.fitted,
        models.logits,
        first,
    )


def fit_models(data: Dataset, spec: Experiment, fold: Fold, say: Say = silent) -> FoldModels:
    """Fit features, regimes and every forecaster on the training part; folds do not depend on each other here.

    `say` is told what begins.
    """
    seed = derive(spec.seed, "fold", fold.index)
    say("regimes")
    regimes = spec.regimes.fit(data.before(fold.train, fold.held_out), seed=seed)
    say("features")
    features, panel = data.panel(spec.feature_set(regimes), fold.train, seed=seed, held_out=fold.held_out)
    rows = both(fold.train, panel.usable())
    if (n := int(sum(mask.sum() for mask in rows))) < FEWEST_ROWS:
        raise NotEnoughBars(f"it needs {FEWEST_ROWS} labelled rows to train on, found {n}; load more history")
    weighed = spec.weights.on_training(panel, rows, data)
    timeouts = timeout_panel(weighed, data)
    fitted: dict[str, FittedForecaster] = {}
    for model in spec.forecasters:
        say(model.name)
        fitted[model.name] = fit_agent(model, weighed, rows, seed=seed)
    say("time exits")
    fitted[TimeoutModel.name] = TimeoutModel().fit(timeouts, rows, seed=seed)
    logits = {name: logits_of(one, panel, fold.test) for name, one in fitted.items()}
    regime = tuple(regimes.filter(bars) for bars in data.frames.values())
    supervisor = None
    if spec.supervisor is not None:
        supervisor = spec.supervisor.fit(data.before(fold.train, fold.held_out), seed=seed)
    return FoldModels(fold, rows, regimes, features, panel, regime, supervisor, fitted, logits)


def logits_of(fitted: FittedForecaster, panel: Panel, rows: Rows) -> tuple[FloatArray, ...]:
    """Log-odds of the chosen rows, (n_bars, 2) a symbol, NaN in all others where a forecast reads its own row alone."""
    if fitted.memory > 0:
        return tuple(fitted.logits(X) for X in panel.X)
    found = tuple(np.full((len(X), 2), np.nan) for X in panel.X)
    for logits, X, mask in zip(found, panel.X, rows, strict=True):
        if mask.any():
            logits[mask] = fitted.logits(X[mask])
    return found


def fill_first_part(
    record: Record, data: Dataset, spec: Experiment, models: FoldModels, embargo: timedelta, say: Say = silent
) -> None:
    """Out-of-fold forecasts of the first training part, from purged folds inside it, of the models without memory.

    A network begins as the logistic model and adds to it, so that its first calibration is that model's.
    """
    panel, rows = models.panel, models.rows
    weighed = spec.weights.on_training(panel, rows, data)
    timeouts = timeout_panel(weighed, data)
    quick: list[tuple[Forecaster, Panel]] = [(model, weighed) for model in spec.forecasters if model.memory == 0]
    for k, (train, test) in enumerate(purged_folds(panel, rows, INNER_FOLDS, embargo)):
        say(f"out of fold inside the first part, {k + 1} of {INNER_FOLDS}")
        for model, target in [*quick, (TimeoutModel(), timeouts)]:
            fitted = fit_agent(model, target, train, seed=derive(spec.seed, "inner", k))
            record.add(model.name, test, logits_of(fitted, panel, test))
    for model in spec.forecasters:
        if model.memory > 0:
            record.add(model.name, rows, record.logits(DECIDER))


def has_rates(frames: Mapping[str, pl.DataFrame]) -> bool:
    """Whether the bars carry the funding that was settled."""
    return any(name in frame.columns for frame in frames.values() for name in COLUMNS)


def fit_holding(
    spec: Experiment, bar_ms: int, start: IntArray, end: IntArray, weight: FloatArray, *, has_settled_rates: bool
) -> Holding | None:
    """What holding a trade costs, from labels of `start` (n,), `end` and `weight` (n, 2).

    None where holding a trade costs nothing.
    """
    if not (has_settled_rates or spec.costs.funding_bps_per_8h or spec.costs.borrow_bps_per_year):
        return None
    horizon = spec.barriers.horizon
    n_held = np.minimum((end - start[:, None]) / bar_ms, horizon)
    return Holding.fit(n_held, weight, horizon=horizon, bar_ms=bar_ms, costs=spec.costs, has_rates=has_settled_rates)


def expected_holding_cost(holding: Holding | None, data: Dataset, rows: Rows) -> FloatArray | None:
    """What holding was expected to cost at the chosen rows, symbol after symbol, (n, 2)."""
    if holding is None:
        return None
    return stack([holding.expected(bars) for bars in data.frames.values()], rows)


def known_slippage(data: Dataset, spec: Experiment, rows: Rows) -> FloatArray:
    """What market orders were known to pay beside the fee at the chosen rows, symbol after symbol, (n,)."""
    return stack([slippage_of(bars, spec.costs) for bars in data.frames.values()], rows)


def slippage_when(data: Dataset, spec: Experiment, opens: int) -> dict[str, float]:
    """What they paid in each symbol's last bar that had closed by `opens`, ms; nothing where the costs set a number."""
    if spec.costs.slippage_bps != ESTIMATED:
        return {}
    found = {}
    for (symbol, bars), labels in zip(data.frames.items(), data.labels.values(), strict=True):
        last = int(np.searchsorted(labels.start, opens, side="right")) - 1
        found[symbol] = float(slippage_of(bars, spec.costs)[max(last, 0)])
    return found


def known_funding(data: Dataset, spec: Experiment, rows: Rows) -> FloatArray:
    """Rate, hours and age at the chosen rows, symbol after symbol, (n, 3); no rows where there is no funding at all."""
    if not (has_rates(data.frames) or spec.costs.funding_bps_per_8h):
        return np.empty((0, 3))
    each = [funding_of(bars, spec.costs, interval_ms(data.interval)) for bars in data.frames.values()]
    return stack([np.stack([one.rate, one.hours, one.age_h], axis=1) for one in each], rows)
