"""What is known from outside adds: forecasts without each family of columns, and profiles without their supervisor."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tradsys.backtest.metrics import measure
from tradsys.backtest.simulate import Simulation
from tradsys.core.arrays import BoolArray, FloatArray
from tradsys.core.outside import FAMILIES
from tradsys.core.seeds import derive
from tradsys.core.time import DAYS_A_YEAR
from tradsys.features.feature import OutsideFeature
from tradsys.features.feature_set import FittedFeatures
from tradsys.models.forecaster import Panel, stack
from tradsys.profiles.profile import Profile
from tradsys.profiles.rules import RiskOffSize
from tradsys.regimes.macro import STATES
from tradsys.research.walk.agents import DECIDER
from tradsys.research.walk.dataset import Dataset
from tradsys.research.walk.deciding import FoldResult, calibrate
from tradsys.research.walk.experiment import Outcome
from tradsys.research.walk.experiment_spec import Experiment
from tradsys.research.walk.fitting import FoldModels, fill_first_part
from tradsys.research.walk.record import Record
from tradsys.research.walk.scoring import BASE_RATE, fold_columns, millinats, scored_rows, usable
from tradsys.runs.diagnostics import (
    DailyDifference,
    FamiliesMetrics,
    FamilyMetrics,
    StateShare,
    SupervisedMetrics,
    SupervisedPair,
    SupervisorMetrics,
)
from tradsys.verdict.scores import log_loss
from tradsys.verdict.skill import Overlap, estimate, gain


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


def supervision(outcome: Outcome, spec: Experiment) -> SupervisorMetrics:
    """Shares of the test blocks in each state, and a pair a supervised profile; empty where nobody supervises.

    Both profiles of a pair are trials of the ledger. The difference of their daily net returns, a year, has a 95%
    interval from paired blocks of the verdict's length at least.
    """
    if spec.supervisor is None:
        return SupervisorMetrics()
    pairs = [
        _pair(plain, profile, outcome, spec)
        for profile in spec.profiles
        for plain in spec.profiles
        if isinstance(profile.exposure, RiskOffSize) and profile.name == f"{plain.name}_MACRO"
    ]
    return SupervisorMetrics(states=_states(outcome, spec.supervisor.n_states), pairs=tuple(pairs))


def _states(outcome: Outcome, n_states: int) -> tuple[StateShare, ...]:
    """Share of the test blocks' bars in which each state is the likeliest, and in which none is known."""
    states = [one.macro for result in outcome.results for one in result.forecasts.values() if one.macro is not None]
    probability = np.concatenate(states)
    known = np.isfinite(probability).all(axis=1)
    counts = np.bincount(probability[known].argmax(axis=1), minlength=n_states)
    names = STATES if n_states == len(STATES) else tuple(f"state {k}" for k in range(n_states))
    return (
        *(StateShare(name=name, share=float(n / len(known))) for name, n in zip(names, counts, strict=True)),
        StateShare(name="not known", share=float(1.0 - known.mean())),
    )


def _pair(plain: Profile, watched: Profile, outcome: Outcome, spec: Experiment) -> SupervisedPair:
    without, with_ = outcome.simulations[plain.name], outcome.simulations[watched.name]
    difference = estimate(
        DAYS_A_YEAR * (with_.daily - without.daily),
        Overlap(np.asarray(with_.days), 1, spec.verdict.block_days),
        seed=spec.seed,
    )
    assert isinstance(watched.exposure, RiskOffSize)
    return SupervisedPair(
        profile=plain.name,
        supervised=watched.name,
        risk_off_size=watched.exposure.size,
        without=_measured(without, spec.seed),
        with_supervisor=_measured(with_, spec.seed),
        difference=DailyDifference(
            value=difference.value,
            low=difference.low,
            high=difference.high,
            n_days=difference.n,
            n_blocks=difference.n_blocks,
        ),
    )


def _measured(simulation: Simulation, seed: int) -> SupervisedMetrics:
    measured = measure(simulation, seed=seed)
    return SupervisedMetrics(**{name: measured[name].value for name in SupervisedMetrics.model_fields})
