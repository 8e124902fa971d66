"""Ablation of each family of outside columns: the linear model with and without it, on the same folds and rows."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tradsys.core.arrays import BoolArray, FloatArray
from tradsys.core.outside import FAMILIES
from tradsys.core.seeds import derive
from tradsys.features.feature import OutsideFeature
from tradsys.features.feature_set import FittedFeatures
from tradsys.models.forecaster import Panel, stack
from tradsys.research.walk.agents import DECIDER
from tradsys.research.walk.dataset import Dataset
from tradsys.research.walk.deciding import FoldResult, calibrate
from tradsys.research.walk.experiment import Outcome
from tradsys.research.walk.experiment_spec import Experiment
from tradsys.research.walk.fitting import FoldModels, fill_first_part
from tradsys.research.walk.record import Record
from tradsys.research.walk.scoring import BASE_RATE, millinats, scored_rows, fold_columns, usable
from tradsys.runs.diagnostics import FamiliesMetrics, FamilyMetrics
from tradsys.verdict.scores import log_loss
from tradsys.verdict.skill import gain


def family_gains(outcome: Outcome, spec: Experiment) -> FamiliesMetrics:
    """For each family that the features read: its columns, and its gain in millinats with a 95% interval.

    The gain is the mean log-loss that the ridge logistic, calibrated as in the run, saves with the family's columns
    against without them, row by row over all test blocks (paired block bootstrap). Nothing is traded on it: no trial.
    """
    scored = outcome.scored
    loss = {name: log_loss(scored.probability[name], scored.outcomes.y) for name in (DECIDER, BASE_RATE)}
    found = []
    for family, columns in families_of(outcome.results[0].predictor.features).items():
        without = log_loss(probabilities(outcome, spec, ~columns), scored.outcomes.y)
        found.append(
            FamilyMetrics(
                family=family,
                columns=tuple(name for name, is_in in zip(_columns(outcome), columns, strict=True) if is_in),
                gain=millinats(gain(without, loss[DECIDER], scored.outcomes.overlap, seed=spec.seed)),
                over_base_with=float((loss[BASE_RATE] - loss[DECIDER]).mean() * 1e3),
                over_base_without=float((loss[BASE_RATE] - without).mean() * 1e3),
            )
        )
    return FamiliesMetrics(forecaster=DECIDER, n=scored.outcomes.n, families=tuple(found))


def families_of(features: FittedFeatures) -> dict[str, BoolArray]:
    """Which columns (n_features,) come from each family; families that nothing reads are left out."""
    origin = [
        feature.needs[0].partition("_")[0] if isinstance(feature, OutsideFeature) else ""
        for feature in features.features
        for _ in feature.columns
    ]
    masks = {family: np.array([one == family for one in origin]) for family in FAMILIES}
    return {family: mask for family, mask in masks.items() if mask.any()}


def probabilities(outcome: Outcome, spec: Experiment, columns: BoolArray) -> FloatArray:
    """Calibrated probabilities (n_scored, 2) of the ridge logistic on some of the columns, in the order of the scores.

    Each fold is fitted on the very rows that the run's own was, and calibrated on the same columns' earlier
    out-of-fold forecasts.
    """
    data = outcome.data
    linear = replace(spec, forecasters=tuple(one for one in spec.forecasters if one.name == DECIDER))
    record = Record(tuple(len(frame) for frame in data.frames.values()))
    return np.concatenate([_fold(data, linear, result, record, columns) for result in outcome.results])


def _fold(data: Dataset, spec: Experiment, result: FoldResult, record: Record, columns: BoolArray) -> FloatArray:
    """One fold's scored rows; the record grows by the forecasts of its test block."""
    (model,) = spec.forecasters
    fold, predictor = result.fold, result.predictor
    X = fold_columns(data, result)
    rows = usable(fold.train, X, data)
    panel = _restricted(data.panel_of(predictor.features, X), columns)
    fitted = model.fit(spec.weights.on_training(panel, rows, data), rows, seed=derive(spec.seed, "fold", fold.index))
    logits = [fitted.logits(values) for values in panel.X]
    if fold.index == 0:
        models = FoldModels(fold, rows, predictor.regimes, predictor.features, panel, (), None, {}, {})
        fill_first_part(record, data, spec, models, spec.embargo(data.interval))
    calibration = calibrate(record, DECIDER, panel, rows)
    record.add(DECIDER, fold.test, logits)
    return calibration.apply(stack(logits, scored_rows(data, result)))


def _restricted(panel: Panel, columns: BoolArray) -> Panel:
    return replace(
        panel,
        columns=tuple(name for name, is_kept in zip(panel.columns, columns, strict=True) if is_kept),
        is_odd=panel.is_odd[columns],
        is_volatility=panel.is_volatility[columns],
        X=tuple(values[:, columns] for values in panel.X),
    )


def _columns(outcome: Outcome) -> Sequence[str]:
    return outcome.results[0].predictor.features.columns
