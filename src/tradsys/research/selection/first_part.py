"""Out-of-fold forecasts of the first training part, from models fitted on other purged folds inside it."""

from dataclasses import replace

import numpy as np

from tradsys.core.arrays import FloatArray
from tradsys.models.linear.penalty import Problem
from tradsys.predictor.predictor import ModelOutputs
from tradsys.predictor.valuation import audit_inputs
from tradsys.profiles.forecast import Forecasts
from tradsys.research.walk.dataset import Dataset
from tradsys.research.walk.deciding import FoldResult, meta_labels, stacked_labels
from tradsys.research.walk.experiment_spec import Experiment
from tradsys.research.walk.holding_cost import expected_holding_cost
from tradsys.research.walk.record import Record, stack
from tradsys.research.walk.timeouts import TimeoutModel
from tradsys.splits.kfold import PurgedKFold

_AUDIT_FOLDS = 4


def first_part_forecasts(data: Dataset, spec: Experiment, result: FoldResult, record: Record) -> dict[str, Forecasts]:
    """A symbol's forecasts of the first fold's training rows, from the out-of-fold log-odds in the record.

    Each trade is audited by an auditor of other purged folds. Calibration (two numbers a side), the distribution that
    ranks are read from, scales and regimes are the fold's own, fitted on this very part.
    """
    predictor = result.predictor
    rows = record.known(result.decider, record.known(TimeoutModel.name, result.fold.train))
    logits, timeout = record.logits(result.decider), record.logits(TimeoutModel.name)
    X = [predictor.features.standardise(values) for values in data.raw.of(predictor.features)]
    regime = [predictor.regimes.filter(bars) for bars in data.frames.values()]
    labels = stacked_labels(data, rows)
    log_odds = stack(logits, rows)
    carry = expected_holding_cost(predictor.valuation.holding, data, rows)
    judged = predictor.valuation.value(log_odds, stack(timeout, rows), labels.atr_over_price, carry)
    inputs = audit_inputs(stack(X, rows), log_odds, judged, stack(regime, rows))
    audits = _out_of_fold(spec, data, meta_labels(inputs, judged, labels))
    ends = np.cumsum([mask.sum() for mask in rows])[:-1]
    parts = zip(data.frames.items(), X, logits, timeout, regime, rows, np.split(audits, ends), strict=True)
    return {
        symbol: replace(predictor.forecasts(bars, ModelOutputs(*readings), mask), audit=audit)
        for (symbol, bars), *readings, mask, audit in parts
    }


def _out_of_fold(spec: Experiment, data: Dataset, trades: Problem) -> FloatArray:
    audits = np.empty(len(trades.y))
    folds = PurgedKFold(_AUDIT_FOLDS, spec.embargo(data.interval))
    for train, test in folds.split(trades.X, intervals=(trades.start, trades.end)):
        fitted = spec.auditor.fit(*trades.take(train), seed=spec.seed)
        audits[test] = fitted.probability(trades.X[test])
    return audits
