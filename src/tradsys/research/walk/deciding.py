"""One fold's decisions: calibration, who decides, expected returns, ranks and audit, fitted on its training part."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from tradsys.core.arrays import FloatArray
from tradsys.core.seeds import derive
from tradsys.core.time import interval_ms
from tradsys.labels.weights import base_rate
from tradsys.models.calibration import Calibration, fit_calibration
from tradsys.models.forecaster import FittedForecaster, Panel, Rows, stack
from tradsys.models.linear.penalty import Problem
from tradsys.models.pooling.combination import Combination, SingleForecaster
from tradsys.models.pooling.ensemble import Ensemble, FittedEnsemble
from tradsys.predictor.economics import TimeExit
from tradsys.predictor.money import MoneyCalibration
from tradsys.predictor.predictor import ModelOutputs, Predictor
from tradsys.predictor.valuation import ConfidenceRanks, Valuation, ValuedForecasts, audit_inputs
from tradsys.profiles.catalogue import profile_named
from tradsys.profiles.forecast import Forecasts
from tradsys.research.walk.agents import DECIDER, ENSEMBLE, MEMBERS
from tradsys.research.walk.dataset import Dataset, StackedLabels, filled
from tradsys.research.walk.experiment_spec import Experiment
from tradsys.research.walk.fitting import (
    FittedPart,
    FoldModels,
    TimeoutModel,
    expected_holding_cost,
    fit_holding,
    has_rates,
    known_slippage,
    slippage_when,
    timeout_panel,
)
from tradsys.research.walk.folds import Fold
from tradsys.research.walk.record import Record, rows_since
from tradsys.verdict.scores import log_loss
from tradsys.verdict.skill import Estimate, Overlap, gain

STANDARD_ERRORS = 1.0
"""Lead, in standard errors over blocks of time, that a challenger needs: stability weighs more than a tiny gain."""


def standard_errors(n_challengers: int) -> float:
    """The lead that one of several needs, so that the luckiest of them convinces as seldom as a single one (Sidak).

    >>> round(standard_errors(1), 2), round(standard_errors(5), 2)
    (1.0, 1.83)
    """
    return float(ndtri(ndtr(STANDARD_ERRORS) ** (1 / n_challengers)))


def convincing_challenger(leads: Mapping[str, Estimate]) -> str | None:
    """The challenger that should decide, the one with the surest lead; None keeps the incumbent.

    A history too short to say, which has no standard error, convinces nobody.
    """
    needed = standard_errors(max(len(leads), 1))
    sure = {name: _t(lead) for name, lead in leads.items() if _t(lead) > needed}
    return max(sure, key=lambda name: sure[name], default=None)


def lead_needed(lead: Estimate, n_challengers: int) -> float | None:
    """What one of several had to be ahead by, in units of the lead; None where there is no standard error."""
    return lead.standard_error and standard_errors(max(n_challengers, 1)) * lead.standard_error


def _t(lead: Estimate) -> float:
    return lead.value / lead.standard_error if lead.standard_error else 0.0


@dataclass(frozen=True, slots=True)
class FoldResult:
    """The fold's predictor, its forecasts of the test block, and every forecaster's calibrated probabilities.

    `forecasts` and `probabilities` (n_test, 2) hold a symbol's rows of `fold.test` alone; the latter are `calibrations`
    of the raw log-odds. `leads` are the challengers' over the logistic, `training` says how a network's ended.
    """

    fold: Fold
    n_train: int
    decider: str
    challengers: tuple[str, ...]
    leads: Mapping[str, Estimate]
    predictor: Predictor
    fitted: Mapping[str, FittedForecaster]
    calibrations: Mapping[str, Calibration]
    forecasts: Mapping[str, Forecasts]
    probabilities: Mapping[str, tuple[FloatArray, ...]]
    training: Mapping[str, str]


def decide_fold(data: Dataset, spec: Experiment, models: FoldModels, record: Record, first_test: int) -> FoldResult:
    """Calibrate, choose who decides, price, rank and audit on the record so far; then forecast the test block.

    `first_test` is when the first outer block opens: only forecasts of outer blocks compare the forecasters.
    """
    panel, rows = models.panel, models.rows
    ensembles = _ensembles(data, spec, models, models.fold, record)
    raw = _with_ensembles(models, ensembles)
    names = [name for name in models.fitted if name != TimeoutModel.name]
    calibrations = {name: calibrate(record, name, panel, rows) for name in names}
    calibrations |= {name: Calibration(one.pivot, np.ones(2)) for name, one in ensembles.items()}
    leads = _leads(data, spec, panel, rows_since(first_test, panel.start, rows), record, calibrations)
    decider = spec.fixed_decider or convincing_challenger(leads) or DECIDER
    combination: Combination = ensembles.get(decider) or SingleForecaster(decider)
    known = record.known(decider, record.known(TimeoutModel.name, rows))
    logits, timeout_logits = stack(record.logits(decider), known), stack(record.logits(TimeoutModel.name), known)
    labels = data.stacked(known)
    bar_ms, has_settled = interval_ms(data.interval), has_rates(data.frames)
    holding = fit_holding(spec, bar_ms, labels.start, labels.end, labels.weight, has_settled_rates=has_settled)
    valuation = Valuation(
        calibration=calibrations[decider],
        timeout_calibration=calibrate(record, TimeoutModel.name, timeout_panel(panel, data), rows),
        time_exit=TimeExit.fit(calibrations[decider].apply(logits), labels.ret_atr, labels.timed_out, labels.weight),
        upper=spec.barriers.upper,
        lower=spec.barriers.lower,
        costs=spec.costs,
        sides=spec.sides,
        holding=holding,
        slippage=slippage_when(data, spec, models.fold.opens),
        entry=spec.barriers.entry,
    )
    judged = valuation.value(
        logits,
        timeout_logits,
        labels.atr_over_price,
        expected_holding_cost(holding, data, known),
        slippage=known_slippage(data, spec, known),
    )
    regime = stack(models.regime, known)
    predictor = Predictor(
        interval=data.interval,
        features=models.features,
        forecasters={name: models.fitted[name] for name in combination.members},
        combination=combination,
        timeout=models.fitted[TimeoutModel.name],
        valuation=valuation,
        money=MoneyCalibration.fit(
            judged,
            labels.net,
            labels.weight,
            labels.start,
            labels.atr_over_price,
            longest_ms=spec.barriers.horizon * bar_ms,
        ),
        ranks=ConfidenceRanks.fit(judged.confidence),
        regimes=models.regimes,
        auditor=spec.auditor.fit(
            *meta_labels(audit_inputs(panel.stack_X(known), logits, judged, regime), judged, labels),
            seed=derive(spec.seed, "auditor", models.fold.index),
        ),
        barriers=spec.barriers,
        profile=profile_named(spec.deployed, spec.profiles),
        supervisor=models.supervisor,
        symbols=tuple(symbol for symbol in data.frames if symbol) or None,
        profiles=spec.profiles,
    )
    for name, values in raw.items():
        record.add(name, models.fold.test, values)
    return FoldResult(
        fold=models.fold,
        n_train=int(sum(mask.sum() for mask in rows)),
        decider=decider,
        challengers=spec.challengers,
        leads=leads,
        predictor=predictor,
        fitted=models.fitted,
        calibrations=calibrations,
        forecasts=_test_forecasts(data, models, predictor, raw[decider]),
        probabilities={
            name: tuple(fitted.apply(v[rows]) for v, rows in zip(raw[name], models.fold.test, strict=True))
            for name, fitted in calibrations.items()
        },
        training={name: reason for name in spec.challengers if (reason := _ended(models.fitted.get(name)))},
    )


def grow(record: Record, data: Dataset, spec: Experiment, part: FittedPart, fold: Fold) -> None:
    """Add to the record what `decide_fold` adds to it, where that is done on a copy elsewhere."""
    for name, values in _with_ensembles(part, _ensembles(data, spec, part, fold, record)).items():
        record.add(name, fold.test, values)


def _with_ensembles(
    part: FittedPart | FoldModels, ensembles: Mapping[str, FittedEnsemble]
) -> dict[str, tuple[FloatArray, ...]]:
    """Everybody's raw log-odds of all rows, a symbol."""
    return {**part.logits, **{name: _combined(one, part.logits, part.regime) for name, one in ensembles.items()}}


def _test_forecasts(
    data: Dataset, models: FoldModels, predictor: Predictor, logits: tuple[FloatArray, ...]
) -> dict[str, Forecasts]:
    """The predictor's forecasts of the test block, from log-odds that the fold's models have computed already."""
    timeouts = models.logits[TimeoutModel.name]
    parts = zip(data.frames.items(), models.fold.test, models.panel.X, logits, timeouts, models.regime, strict=True)
    return {
        symbol: predictor.forecasts(bars, ModelOutputs(X, own, timeout, regime), rows, symbol)
        for (symbol, bars), rows, X, own, timeout, regime in parts
    }


def calibrate(record: Record, name: str, panel: Panel, rows: Rows) -> Calibration:
    """Slope from the out-of-fold record, base rate from the whole training part."""
    known = record.known(name, rows)
    rate = base_rate(panel.stack_y(rows), panel.stack_weight(rows))
    return fit_calibration(
        stack(record.logits(name), known), panel.stack_y(known), panel.stack_weight(known), base_rate=rate
    )


def _ended(fitted: FittedForecaster | None) -> str:
    """How a network's training ended; nothing of models that are not trained in steps."""
    return str(getattr(fitted, "training", ""))


def _ensembles(
    data: Dataset, spec: Experiment, part: FittedPart | FoldModels, fold: Fold, record: Record
) -> dict[str, FittedEnsemble]:
    """The ensemble of everyone who forecasts direction, where it is asked for, fitted on the record out of fold."""
    if ENSEMBLE not in spec.challengers:
        return {}
    labels, rows = data.labels.values(), part.rows
    for name in MEMBERS:
        rows = record.known(name, rows)
    y, weight = [one.target for one in labels], [one.weight for one in labels]
    ensemble = Ensemble(DECIDER).fit(
        {name: stack(record.logits(name), rows) for name in MEMBERS},
        stack(part.regime, rows),
        stack(y, rows),
        stack(weight, rows),
        base_rate=base_rate(stack(y, part.rows), stack(weight, part.rows)),
    )
    if fold.index == 0:
        # weights that were learnt on these rows; no comparison reads them, only what follows from a decider's record
        first = {name: record.logits(name) for name in MEMBERS}
        record.add(ENSEMBLE, rows, _combined(ensemble, first, part.regime))
    return {ENSEMBLE: ensemble}


def _combined(
    combination: Combination, logits: Mapping[str, tuple[FloatArray, ...]], regimes: tuple[FloatArray, ...]
) -> tuple[FloatArray, ...]:
    """Combined log-odds of all rows, a symbol."""
    members = [{name: logits[name][s] for name in combination.members} for s in range(len(regimes))]
    return tuple(combination.logits(one, regime) for one, regime in zip(members, regimes, strict=True))


def _leads(
    data: Dataset, spec: Experiment, panel: Panel, rows: Rows, record: Record, calibrations: Mapping[str, Calibration]
) -> dict[str, Estimate]:
    """What each challenger's earlier outer forecasts save of the logistic's loss.

    The first fold has no earlier forecasts to compare.
    """
    leads = {}
    for name in spec.challengers:
        known = filled(data, record.known(name, record.known(DECIDER, rows)))
        y = panel.stack_y(known)
        if not len(y):
            continue
        incumbent, challenger = (
            log_loss(calibrations[one].apply(stack(record.logits(one), known)), y) for one in (DECIDER, name)
        )
        overlap = Overlap(stack(panel.start, known), interval_ms(data.interval), spec.barriers.horizon)
        leads[name] = gain(incumbent, challenger, overlap, seed=spec.seed)
    return leads


def meta_labels(inputs: FloatArray, judged: ValuedForecasts, labels: StackedLabels) -> Problem:
    """What the auditor learns from: the side is the primary's, and 1 means that this trade made money after costs."""
    chosen = (np.arange(len(judged.best_side)), judged.best_side)
    made_money = (labels.net[chosen] > 0).astype(np.float64)
    return Problem(inputs, made_money, labels.weight[chosen], labels.start, labels.end[chosen])
