"""Combinatorial purged paths: what the profiles would have earned along other orders of training and testing.

Beside the walk-forward record and never in its place: every split but the last trains on the future too, and the paths
share most of their days' decisions. Nothing here is judged, and nothing is a trial.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.errors import DataError, FitError
from tradsys.core.time import from_ms, interval_ms
from tradsys.machine.executor import INLINE, Executor, Task
from tradsys.models.forecaster import Rows
from tradsys.profiles.forecast import Forecasts
from tradsys.profiles.profile import Profile
from tradsys.research.walk.agents import DECIDER
from tradsys.research.walk.dataset import Dataset
from tradsys.research.walk.deciding import FoldResult, decide_fold
from tradsys.research.walk.experiment import Inputs, Progress, profile_decisions, simulate_decisions
from tradsys.research.walk.experiment_spec import Experiment
from tradsys.research.walk.fitting import fill_first_part, fit_models
from tradsys.research.walk.folds import Fold
from tradsys.research.walk.record import Record, rows_at
from tradsys.splits.kfold import CombinatorialPurgedCV
from tradsys.verdict.ruin import unflattered
from tradsys.verdict.sharpe import path_mean


@dataclass(frozen=True, slots=True)
class Splits:
    """The splits of the paths, and the forecasts of each one's test block, which workers may have begun already."""

    cv: CombinatorialPurgedCV
    edges: IntArray
    forecasts: Sequence[Task[Mapping[str, Forecasts]]]


def begin_splits(inputs: Inputs, executor: Executor) -> Splits | str:
    """Have every split fitted when there is nothing better to do; the reason alone where there are to be no paths."""
    data, spec = inputs.value
    if not spec.folds.path_groups:
        return "turned off: folds.path_groups is 0"
    try:
        cv, edges, folds = combinatorial_folds(data, spec)
    except (DataError, FitError) as error:
        return str(error)
    return Splits(cv, edges, [executor.defer(split_forecasts, inputs, fold) for fold in folds])


def cross_validated_paths(
    data: Dataset,
    spec: Experiment,
    progress: Progress = lambda *_: None,
    executor: Executor = INLINE,
    begun: Splits | str | None = None,
) -> dict[str, Any]:
    """Each profile's record along every path, the `paths` of `metrics.json`.

    Every split is fitted anew on its own training rows, with the ridge logistic deciding. Where the paths are turned
    off or the history does not allow them, the `reason` alone. `begun` are the splits that are being fitted already.
    """
    splits = begin_splits(executor.share((data, spec)), executor) if begun is None else begun
    if isinstance(splits, str):
        return {"reason": splits}
    cv, edges = splits.cv, splits.edges
    try:
        forecasts, n = [], len(splits.forecasts)
        n_steps = n + len(spec.profiles)
        for k, split in enumerate(splits.forecasts):
            progress(f"path split {k + 1} of {n}", k, n_steps)
            forecasts.append(split.result())
        along: dict[str, list[PathRecord]] = {}
        for k, profile in enumerate(spec.profiles):
            progress(f"trading {profile.name} along the paths", n + k, n_steps)
            along[profile.name] = [_simulate(data, spec, profile, forecasts, path, edges) for path in cv.paths()]
        progress("paths traded", n_steps, n_steps)
    except (DataError, FitError) as error:
        return {"reason": str(error)}
    return {
        "n_groups": cv.n_groups,
        "n_test_groups": cv.n_test_groups,
        "n_splits": cv.get_n_splits(),
        "n_paths": cv.n_paths,
        "forecaster": DECIDER,
        "groups_from": [from_ms(int(edge)).isoformat() for edge in edges[:-1]],
        "n_days": len(next(iter(along.values()))[0].daily),
        "profiles": {name: _profile(records) for name, records in along.items()},
    }


def combinatorial_folds(data: Dataset, spec: Experiment) -> tuple[CombinatorialPurgedCV, IntArray, list[Fold]]:
    """The splits as folds, in lexicographic order, and the edges of the groups in ms.

    A test block is all bars of its groups. Held out of whatever is fitted on bars are the test groups, until the last
    of their labels has ended and an embargo has passed.
    """
    labelled = data.labelled
    labels = data.stacked(labelled)
    start, end = labels.start, labels.last_end
    embargo = spec.embargo(data.interval)
    cv = CombinatorialPurgedCV(spec.folds.path_groups, spec.folds.path_tests, embargo)
    group = cv.group_of(start, intervals=(start, end))
    edges = np.append([start[group == g].min() for g in range(cv.n_groups)], start.max() + 1)
    ends = np.array([end[group == g].max() for g in range(cv.n_groups)]) + interval_ms(embargo)
    everyone, sizes = np.flatnonzero(np.concatenate(labelled)), [len(mask) for mask in labelled]
    splits = zip(cv.split(start, intervals=(start, end)), cv.test_groups(), strict=True)
    folds = [
        Fold(
            index=k,
            train=rows_at(everyone[train], sizes),
            test=_within(data, [(edges[g], edges[g + 1]) for g in tested]),
            opens=int(edges[tested[0]]),
            closes=int(edges[tested[-1] + 1]),
            held_out=_within(data, [(edges[g], max(edges[g + 1], ends[g])) for g in tested]),
        )
        for k, ((train, _), tested) in enumerate(splits)
    ]
    return cv, edges, folds


def decide_split(data: Dataset, spec: Experiment, fold: Fold) -> FoldResult:
    """As a walk-forward fold, calibrated, ranked and audited on inner purged folds, with one forecaster alone."""
    linear = replace(spec, forecasters=tuple(f for f in spec.forecasters if f.name == DECIDER), challengers=())
    models = fit_models(data, linear, fold)
    record = Record(tuple(len(frame) for frame in data.frames.values()))
    fill_first_part(record, data, linear, models, spec.embargo(data.interval))
    return decide_fold(data, linear, models, record, fold.opens)


def split_forecasts(inputs: Inputs, fold: Fold) -> Mapping[str, Forecasts]:
    """What a split forecasts of its test block, a symbol: all that the paths need of it."""
    data, spec = inputs.value
    return decide_split(data, spec, fold).forecasts


def path_decisions(
    splits: Sequence[Mapping[str, Forecasts]], path: IntArray, edges: IntArray, profile: Profile, spec: Experiment
) -> pl.DataFrame:
    """The profile's decisions along a path: those of each group from the split that the path names for it."""
    when = pl.col("start").dt.epoch("ms")
    return pl.concat(
        profile_decisions(splits[split].items(), profile, spec).filter(when >= edges[group], when < edges[group + 1])
        for group, split in enumerate(path)
    )


class PathRecord(NamedTuple):
    """What is kept of a simulation along a path: daily net returns (n_days,) and how many trades."""

    daily: FloatArray
    n_trades: int


def _simulate(
    data: Dataset,
    spec: Experiment,
    profile: Profile,
    splits: Sequence[Mapping[str, Forecasts]],
    path: IntArray,
    edges: IntArray,
) -> PathRecord:
    decisions = path_decisions(splits, path, edges, profile, spec)
    done = simulate_decisions(data.frames, decisions, spec, start=int(edges[0]), end=data.closes)
    return PathRecord(done.daily, done.n_trades)


def _within(data: Dataset, spans: Sequence[tuple[int, int]]) -> Rows:
    """Rows that start in one of the half-open spans, ms."""
    return tuple(
        np.logical_or.reduce([(one.start >= opens) & (one.start < closes) for opens, closes in spans])
        for one in data.labels.values()
    )


def _profile(along: Sequence[PathRecord]) -> dict[str, Any]:
    """One profile's paths, and their mean."""
    paths = path_mean(np.array([unflattered(one.daily) for one in along]))
    return {
        "sharpes": list(paths.sharpes),
        "n_trades": [one.n_trades for one in along],
        "mean": paths.mean,
        "interval": paths.interval(),
        "naive_interval": paths.naive_interval(),
        "correlation": paths.correlation,
    }
