"""Out-of-sample forecasts of every variant on the rows of all test blocks, raw and calibrated."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.errors import FitError
from tradsys.core.time import interval_ms
from tradsys.labels.weights import base_rate
from tradsys.models.calibration import fit_calibration
from tradsys.models.focal import focal_logit
from tradsys.models.forecaster import stack
from tradsys.research.claims.cache import ResultCache
from tradsys.research.claims.fits import REFERENCE, REFERENCES, DevelopmentFolds, complete_seeds
from tradsys.research.claims.variants import CONTROL, FOCAL, FOCAL_ALPHA, FOCAL_GAMMA, FOCAL_RAW, SUPCON, Agents
from tradsys.verdict.scores import ForecastOutcomes
from tradsys.verdict.skill import Overlap

type SeedForecasts = Mapping[str, FloatArray]
"""Name of a variant: a number for each of its seeds, row and side, (n_seeds, n, 2)."""


@dataclass(frozen=True, slots=True)
class VariantForecasts:
    """Test rows of all folds with their outcomes; `seeds` are those with which a variant was fitted on every fold.

    `raw` are probabilities as the models give them, `calibrated` as the system uses them: drawn towards the base rate
    by what earlier test blocks say. `fits` are the stored facts of every fit, by variant.
    """

    outcomes: ForecastOutcomes
    seeds: Mapping[str, Sequence[int]]
    raw: SeedForecasts
    calibrated: SeedForecasts
    fits: Mapping[str, Sequence[Mapping[str, object]]]


def collect_forecasts(
    development: DevelopmentFolds, agents: Agents, cache: ResultCache, seeds: Sequence[int]
) -> VariantForecasts:
    """The forecasts of all complete variants; variants without one complete seed are left out."""
    found = {m.name: [0] for m in REFERENCES} | {
        name: complete_seeds(development, cache, name, seeds) for name in agents
    }
    if found.get(SUPCON):
        found[CONTROL] = found[SUPCON]
    found = {name: own for name, own in found.items() if own}
    if len(found) == len(REFERENCES):
        raise FitError("no variant has been fitted on every fold yet; give it more time (--minutes), it goes on then")
    logits = {name: np.stack([_logits(development, cache, name, seed) for seed in own]) for name, own in found.items()}
    calibrated = {name: expit(_calibrated(development, values)) for name, values in logits.items()}
    if FOCAL in logits:
        logits[FOCAL_RAW] = focal_logit(logits[FOCAL], FOCAL_GAMMA, FOCAL_ALPHA)
        found[FOCAL_RAW] = found[FOCAL]
    fits = {
        name: [cache.get(name, fold.index, seed)[1] for fold in development.folds for seed in found[name]]
        for name in agents
        if name in found
    }
    return VariantForecasts(_outcomes(development), found, {n: expit(z) for n, z in logits.items()}, calibrated, fits)


def _logits(development: DevelopmentFolds, cache: ResultCache, name: str, seed: int) -> FloatArray:
    """Of one variant and seed, fold after fold, (n, 2)."""
    is_reference = name in {m.name for m in REFERENCES}
    variant = SUPCON if name == CONTROL else name
    where = [(REFERENCE, f.index) if is_reference else (variant, f.index, seed) for f in development.folds]
    return np.concatenate([cache.get(*one)[0][name] for one in where]).astype(np.float64)


def _outcomes(development: DevelopmentFolds) -> ForecastOutcomes:
    tested = [development.data.stacked(development.test_rows(fold)) for fold in development.folds]
    y, weight = (np.concatenate([getattr(one, name) for one in tested]) for name in ("target", "weight"))
    start = np.concatenate([one.start for one in tested])
    return ForecastOutcomes(
        y, weight, Overlap(start, interval_ms(development.data.interval), development.spec.barriers.horizon)
    )


def _calibrated(development: DevelopmentFolds, logits: FloatArray) -> FloatArray:
    """Each fold's log-odds (n_seeds, n, 2), calibrated on the earlier test blocks that lie in its training part.

    The first fold has none: the prior slope stands.
    """
    tested = [development.test_rows(fold) for fold in development.folds]
    fold_of: IntArray = np.concatenate([np.full(int(sum(m.sum() for m in r)), k) for k, r in enumerate(tested)])
    outcomes, calibrated = _outcomes(development), logits.copy()
    for fold in development.folds:
        trains = np.concatenate([stack(fold.train, rows) for rows in tested]) & (fold_of < fold.index)
        trained = development.data.stacked(fold.train)
        rate = base_rate(trained.target, trained.weight)
        mine = fold_of == fold.index
        for seed in range(len(logits)):
            fitted = fit_calibration(
                logits[seed, trains], outcomes.y[trains], outcomes.uniqueness[trains], base_rate=rate
            )
            calibrated[seed, mine] = fitted.logits(logits[seed, mine])
    return calibrated
