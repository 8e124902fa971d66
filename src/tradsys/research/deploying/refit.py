"""The predictor of a run fitted once more, on the whole history that its verdict can spare."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tradsys.core.arrays import FloatArray
from tradsys.core.time import interval_ms, ts_ms
from tradsys.data.market import Market
from tradsys.machine.executor import INLINE, Executor
from tradsys.models.forecaster import Rows
from tradsys.predictor.predictor import Predictor
from tradsys.research.walk.dataset import Dataset
from tradsys.research.walk.experiment import Progress, fit_on_everything, walk, walk_into_lockbox
from tradsys.research.walk.experiment_spec import Experiment

_EDGES = (1.0, 99.0)
"""Percentiles between which a feature stays on 98 of 100 training rows."""


@dataclass(frozen=True, slots=True)
class Refit:
    """What decides from now on, fitted on `n_train` labels of bars in [trained_from_ms, trained_to_ms).

    `last_fold` is the predictor of the last test block before the lock-box, which the run has stored as its bundle;
    `block_ms` is how long the longest test block was, after which the run fitted anew.
    """

    predictor: Predictor
    last_fold: Predictor
    n_train: int
    trained_from_ms: int
    trained_to_ms: int
    block_ms: int
    bands: Mapping[str, tuple[float, float]]


def refit(
    market: Market, spec: Experiment, *, has_lockbox_opened: bool, progress: Progress, executor: Executor = INLINE
) -> Refit:
    """Walk forward for a record out of fold, then fit on every label of the history before the lock-box.

    A lock-box that the run has opened keeps nothing from being seen any more: then it is one more test block, and its
    bars train too.
    """
    walked = walk(market, spec, progress, executor)
    n_steps, last_fold = len(walked.results) + 2, walked.results[-1]
    blocks = [result.fold.closes - result.fold.opens for result in walked.results]
    if has_lockbox_opened:
        progress("forecasting the lock-box, which the run has opened", n_steps - 2, n_steps)
        walked = walk_into_lockbox(market, spec, walked)
    progress("fitting on all of it", n_steps - 1, n_steps)
    everything = fit_on_everything(spec, walked)
    data = walked.data
    return Refit(
        predictor=everything.predictor,
        last_fold=last_fold.predictor,
        n_train=everything.n_train,
        trained_from_ms=min(int(ts_ms(bars)[0]) for bars in data.frames.values()),
        trained_to_ms=max(int(ts_ms(bars)[-1]) for bars in data.frames.values()) + interval_ms(data.interval),
        block_ms=max(blocks),
        bands=_bands(data, everything.predictor, everything.fold.train),
    )


def _bands(data: Dataset, predictor: Predictor, rows: Rows) -> dict[str, tuple[float, float]]:
    """Between which values each feature lies in all but the outermost hundredths of its training rows."""
    features = predictor.features
    X = np.concatenate(
        [features.standardise(values)[chosen] for values, chosen in zip(data.raw.of(features), rows, strict=True)]
    )
    return {name: _edges(X[:, k]) for k, name in enumerate(features.columns)}


def _edges(values: FloatArray) -> tuple[float, float]:
    low, high = np.percentile(values[np.isfinite(values)], _EDGES)
    return float(low), float(high)
