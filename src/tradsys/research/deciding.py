"""Decide on one fold's test block with nothing but its training part."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tradsys.core.arrays import BoolArray, FloatArray, IntArray
from tradsys.core.seeds import derive
from tradsys.core.time import interval_ms
from tradsys.models.calibration import Calibration, fit_calibration
from tradsys.models.forecaster import FittedForecaster
from tradsys.models.panel import Panel, Rows
from tradsys.models.penalty import Problem
from tradsys.predictor.economics import TimeExit
from tradsys.predictor.judgement import Judge, Judgement, audit_inputs
from tradsys.predictor.predictor import Predictor, Reading
from tradsys.predictor.ranks import ConfidenceRanks
from tradsys.profiles.catalogue import profile_named
from tradsys.profiles.forecast import Forecasts
from tradsys.research.choice import is_convincing
from tradsys.research.dataset import Dataset
from tradsys.research.fitting import FoldModels
from tradsys.research.folds import Fold
from tradsys.research.record import Record, rows_since, stack
from tradsys.research.spec import DECIDER, Experiment
from tradsys.research.timeouts import TimeoutModel, timeout_panel
from tradsys.verdict.scores import log_loss
from tradsys.verdict.skill import Estimate, Overlap, gain


@dataclass(frozen=True, slots=True)
class FoldResult:
    """The fold's predictor, its forecasts of the test block, and every forecaster's calibrated probabilities.

    `forecasts` hold a symbol's rows of `fold.test` alone; `probabilities` (n_bars, 2) have all rows: `calibrations` of
    what the `fitted` forecasters said. `training` says how the challenger's training ended, where it is a network.
    """

    fold: Fold
    n_train: int
    decider: str
    lead: Estimate | None
    predictor: Predictor
    fitted: Mapping[str, FittedForecaster]
    calibrations: Mapping[str, Calibration]
    forecasts: Mapping[str, Forecasts]
    probabilities: Mapping[str, tuple[FloatArray, ...]]
    training: str


def decide_fold(data: Dataset, spec: Experiment, models: FoldModels, record: Record, first_test: int) -> FoldResult:
    """Calibrate, choose who decides, price, rank and audit on the record so far; then forecast the test block.

    `first_test` is when the first outer block opens: only forecasts of outer blocks compare the forecasters.
    """
    panel, rows = models.panel, models.rows
    calibrations = {name: _calibrate(record, name, panel, rows) for name in models.fitted if name != TimeoutModel.name}
    decider, margin = _choose(data, spec, panel, rows_since(first_test, panel.start, rows), record, calibrations)
    known = record.known(decider, record.known(TimeoutModel.name, rows))
    logits, timeout_logits = stack(record.logits(decider), known), stack(record.logits(TimeoutModel.name), known)
    labels = stacked_labels(data, known)
    judge = Judge(
        calibration=calibrations[decider],
        timeout_calibration=_calibrate(record, TimeoutModel.name, timeout_panel(panel, data), rows),
        time_exit=TimeExit.fit(calibrations[decider].apply(logits), labels.ret_atr, labels.timed_out, labels.weight),
        upper=spec.barriers.upper,
        lower=spec.barriers.lower,
        costs=spec.costs,
        sides=spec.sides,
    )
    judged = judge.judge(logits, timeout_logits, labels.atr_over_price)
    regime = stack(models.regime, known)
    predictor = Predictor(
        interval=data.interval,
        features=models.features,
        forecaster=models.fitted[decider],
        timeout=models.fitted[TimeoutModel.name],
        judge=judge,
        ranks=ConfidenceRanks.fit(judged.confidence),
        regimes=models.regimes,
        auditor=spec.auditor.fit(
            *meta_labels(audit_inputs(panel.stack_X(known), logits, judged, regime), judged, labels),
            seed=derive(spec.seed, "auditor", models.fold.index),
        ),
        barriers=spec.barriers,
        profile=profile_named(spec.deployed, spec.profiles),
    )
    for name, values in models.logits.items():
        record.add(name, models.fold.test, values)
    return FoldResult(
        fold=models.fold,
        n_train=int(sum(mask.sum() for mask in rows)),
        decider=decider,
        lead=margin,
        predictor=predictor,
        fitted=models.fitted,
        calibrations=calibrations,
        forecasts=_test_forecasts(data, models, predictor, models.logits[decider]),
        probabilities={
            name: tuple(fitted.apply(v) for v in models.logits[name]) for name, fitted in calibrations.items()
        },
        training=getattr(models.fitted[spec.challenger], "training", ""),
    )


def _test_forecasts(
    data: Dataset, models: FoldModels, predictor: Predictor, logits: tuple[FloatArray, ...]
) -> dict[str, Forecasts]:
    """What the predictor says of the test block, from what the fold's models have computed already."""
    timeouts = models.logits[TimeoutModel.name]
    parts = zip(data.frames.items(), models.fold.test, models.panel.X, logits, timeouts, models.regime, strict=True)
    return {
        symbol: predictor.read(bars, Reading(X, said, timeout, regime), rows)
        for (symbol, bars), rows, X, said, timeout, regime in parts
    }


def _calibrate(record: Record, name: str, panel: Panel, rows: Rows) -> Calibration:
    """Slope from the out-of-fold record, base rate from the whole training part."""
    known = record.known(name, rows)
    y, weight = panel.stack_y(rows), panel.stack_weight(rows)
    base_rate = ((weight * y).sum(axis=0) + 0.5) / (weight.sum(axis=0) + 1.0)  # Krichevsky-Trofimov: never 0 or 1
    return fit_calibration(
        stack(record.logits(name), known), panel.stack_y(known), panel.stack_weight(known), base_rate=base_rate
    )


def _choose(
    data: Dataset, spec: Experiment, panel: Panel, rows: Rows, record: Record, calibrations: Mapping[str, Calibration]
) -> tuple[str, Estimate | None]:
    """The challenger, where its earlier outer forecasts beat the logistic's by more than noise; else the logistic.

    The first fold has no earlier forecasts to compare.
    """
    if spec.challenger == DECIDER:
        return DECIDER, None
    known = record.known(spec.challenger, record.known(DECIDER, rows))
    y = panel.stack_y(known)
    if not len(y):
        return DECIDER, None
    incumbent, challenger = (
        log_loss(calibrations[name].apply(stack(record.logits(name), known)), y) for name in (DECIDER, spec.challenger)
    )
    overlap = Overlap(stack(panel.start, known), interval_ms(data.interval), spec.barriers.horizon)
    lead = gain(incumbent, challenger, overlap, seed=spec.seed)
    return (spec.challenger if is_convincing(lead) else DECIDER), lead


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Outcomes of the record's rows, symbol after symbol: (n, 2) but for `start` and `atr_over_price` (n,)."""

    start: IntArray
    end: IntArray
    ret_atr: FloatArray
    net: FloatArray
    weight: FloatArray
    timed_out: BoolArray
    atr_over_price: FloatArray


def stacked_labels(data: Dataset, rows: Rows) -> Outcomes:
    """What became of the chosen rows."""
    labels = tuple(data.labels.values())
    atr_over_price = stack([one.atr_over_price for one in labels], rows)
    return Outcomes(
        start=stack([one.start for one in labels], rows),
        end=stack([one.end for one in labels], rows),
        ret_atr=stack([one.ret for one in labels], rows) / atr_over_price[:, None],
        net=stack([one.net for one in labels], rows),
        weight=stack([one.weight for one in labels], rows),
        timed_out=stack([one.timed_out for one in labels], rows),
        atr_over_price=atr_over_price,
    )


def meta_labels(inputs: FloatArray, judged: Judgement, labels: Outcomes) -> Problem:
    """What the auditor learns from: the side is the primary's, and 1 means that this trade made money after costs."""
    chosen = (np.arange(len(judged.choice)), judged.choice)
    made_money = (labels.net[chosen] > 0).astype(np.float64)
    return Problem(inputs, made_money, labels.weight[chosen], labels.start, labels.end[chosen])
