"""Feature importance: what forecasts lose out of sample with a cluster of columns permuted, and what trees split on."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.seeds import generator
from tradsys.core.time import interval_ms
from tradsys.models.forecaster import stack
from tradsys.models.pooling.combination import CombinedForecaster
from tradsys.models.trees.boosted import FittedBoosted
from tradsys.research.diagnostics.permutation import (
    CUT,
    CalibratedForecaster,
    Cluster,
    ScoredBlock,
    cluster_columns,
    loss_increases,
    shift_shares,
)
from tradsys.research.walk.dataset import Dataset
from tradsys.research.walk.deciding import FoldResult
from tradsys.research.walk.experiment import Outcome
from tradsys.research.walk.experiment_spec import Experiment
from tradsys.research.walk.scoring import BOOSTED, fold_columns, usable
from tradsys.runs.diagnostics import ClusterMetrics, ImportanceMetrics, LossIncreaseMetrics, TreeGainMetrics
from tradsys.verdict.skill import Overlap, estimate

DECIDING = "deciding"

N_SHIFTS = 4
N_SHIFTS_WITH_MEMORY = 1
"""Shifts of a cluster. A network takes far longer than models that read a row alone."""


def feature_importance(outcome: Outcome, spec: Experiment) -> ImportanceMetrics:
    """Importance of every cluster of columns to the forecasts of all test blocks, by models purged of each block.

    Clusters come from the first fold's training part: it lies before every test row and in every training part, so that
    they see no test row and are the same in all folds. Probabilities are calibrated as they were in the run.
    """
    data, results = outcome.data, outcome.results
    clusters: tuple[Cluster, ...] = ()
    found: dict[str, list[FloatArray]] = {}
    starts = []
    for result in results:
        columns = fold_columns(data, result)
        clusters = clusters or _clusters(data, result, columns)
        for block, start in _blocks(data, result, columns):
            starts.append(start)
            for name, model in _models(result).items():
                shifts = _shifts(model, spec.seed, result.fold.index)
                found.setdefault(name, []).append(loss_increases(block, model, clusters, shifts))
    overlap = Overlap(np.concatenate(starts), interval_ms(data.interval), spec.barriers.horizon)
    costs = {name: _estimates(np.concatenate(parts, axis=1), overlap, spec.seed) for name, parts in found.items()}
    gains = _gains(results, clusters)
    ranked = [
        ClusterMetrics(
            name=one.name,
            columns=one.columns,
            deciding=costs[DECIDING][k],
            boosted=costs[BOOSTED][k] if BOOSTED in costs else None,
            gain=gains[k] if gains else None,
        )
        for k, one in enumerate(clusters)
    ]
    return ImportanceMetrics(
        clusters=tuple(sorted(ranked, key=lambda one: -(one.deciding.millinats or 0.0))),
        deciders=dict(Counter(result.decider for result in results)),
        n=len(overlap.start),
        cut=CUT,
    )


def _clusters(data: Dataset, first: FoldResult, columns: tuple[FloatArray, ...]) -> tuple[Cluster, ...]:
    rows = usable(first.fold.train, columns, data)
    return cluster_columns(stack(columns, rows), first.predictor.features.columns)


def _blocks(data: Dataset, result: FoldResult, columns: tuple[FloatArray, ...]) -> list[tuple[ScoredBlock, IntArray]]:
    """Each symbol's test block with the start (ms) of its scored rows; symbols without any are left out.

    Rows whose forecast reads a row without all columns are not scored, as in the run.
    """
    found = []
    memory = max(model.forecaster.memory for model in _models(result).values())
    labelled = usable(result.fold.test, columns, data)
    for X, test, scored, labels in zip(columns, result.fold.test, labelled, data.labels.values(), strict=True):
        known = np.isfinite(X).all(axis=1)
        rows = np.flatnonzero(test & known)
        scored = scored & (np.convolve(~known, np.ones(memory + 1))[: len(known)] < 0.5)
        if scored.any():
            found.append((ScoredBlock(X, rows, scored[rows], labels.target[scored]), labels.start[scored]))
    return found


def _models(result: FoldResult) -> dict[str, CalibratedForecaster]:
    """The deciding forecaster, and the boosted trees where there are any."""
    one, regimes = result.predictor, np.concatenate([own.regime for own in result.forecasts.values()])
    # a pool is read in the block's mean regime: what the regimes do is not what a column does
    deciding = CombinedForecaster(one.combination, one.forecasters, np.nanmean(regimes, axis=0))
    models = {DECIDING: CalibratedForecaster(deciding, result.calibrations[result.decider])}
    if BOOSTED in result.fitted:
        models[BOOSTED] = CalibratedForecaster(result.fitted[BOOSTED], result.calibrations[BOOSTED])
    return models


def _shifts(model: CalibratedForecaster, seed: int, fold: int) -> FloatArray:
    n = N_SHIFTS if model.forecaster.memory == 0 else N_SHIFTS_WITH_MEMORY
    return shift_shares(n, generator(seed, "importance", fold))


def _estimates(increase: FloatArray, overlap: Overlap, seed: int) -> list[LossIncreaseMetrics]:
    """Means of the rows (n_clusters, n_scored), nats in, millinats out."""
    means = [estimate(1e3 * row, overlap, seed=seed) for row in increase]
    return [
        LossIncreaseMetrics(millinats=one.value, low=one.low, high=one.high, n_blocks=one.n_blocks) for one in means
    ]


def _gains(results: Sequence[FoldResult], clusters: Sequence[Cluster]) -> list[TreeGainMetrics] | None:
    """Each cluster's share in the trees' gain, both sides together; None where no tree ever split."""
    boosted = [one for result in results if isinstance(one := result.fitted.get(BOOSTED), FittedBoosted)]
    totals = [total for one in boosted if (total := one.gain().sum(axis=0)).any()]
    if not totals:
        return None
    part = np.array([total / total.sum() for total in totals])
    own = [part[:, list(one.positions)].sum(axis=1) for one in clusters]
    return [TreeGainMetrics(share=float(one.mean()), least=float(one.min()), most=float(one.max())) for one in own]
