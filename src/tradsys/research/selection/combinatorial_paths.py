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
from tradsys.profiles.profile import Profile
from tradsys.research.walk.agents import DECIDER
from tradsys.research.walk.dataset import Dataset
from tradsys.research.walk.deciding import FoldResult, decide_fold
from tradsys.research.walk.experiment import Inputs, Progress, block_entries, priced_grid, simulate_on
from tradsys.research.walk.experiment_spec import Experiment
from tradsys.research.walk.fitting import fill_first_part, fit_models
from tradsys.research.walk.folds import Fold
from tradsys.research.walk.record import Record, rows_at
from tradsys.splits.kfold import CombinatorialPurgedCV
from tradsys.verdict.ruin import unflattered
from tradsys.verdict.sharpe import path_mean

_TRADED = ("start", "symbol", "action", "size", "stop_distance", "target_distance", "horizon")
"""Columns of decisions that a simulation reads."""


@dataclass(frozen=True, slots=True)
class Splits:
    """The splits of the paths, and each profile's entries in each one's test blocks, which may be begun already."""

    cv: CombinatorialPurgedCV
    edges: IntArray
    entries: Sequence[Task[Mapping[str, pl.DataFrame]]]


def begin_splits(inputs: Inputs, executor: Executor) -> Splits | str:
    """Have every split fitted when there is nothing better to do; the reason alone where there are to be no paths."""
    data, spec = inputs.value
    if not spec.folds.path_groups:
        return "turned off: folds.path_groups is 0"
    try:
        cv, edges, folds = combinatorial_folds(data, spec)
    except (DataError, FitError) as error:
        return str(error)
    return Splits(cv, edges, [executor.defer(split_entries, inputs, fold) for fold in folds])


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
        decided: dict[str, list[pl.DataFrame]] = {profile.name: [] for profile in spec.profiles}
        n = len(splits.entries)
        n_steps = n + len(spec.profiles)
        for k, split in enumerate(splits.entries):
            progress(f"path split {k + 1} of {n}", k, n_steps)
            for name, entries in split.result().items():
                decided[name].append(entries)
        priced = priced_grid(data.frames, spec, start=int(edges[0]), end=data.closes)
        along: dict[str, list[PathRecord]] = {}
        for k, profile in enumerate(spec.profiles):
            progress(f"trading {profile.name} along the paths", n + k, n_steps)
            decisions = (path_decisions(decided[profile.name], path, edges) for path in cv.paths())
            done = (simulate_on(priced, one, spec) for one in decisions)
            along[profile.name] = [PathRecord(one.daily, one.n_trades) for one in done]
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


def split_entries(inputs: Inputs, fold: Fold) -> Mapping[str, pl.DataFrame]:
    """What each profile would enter in a split's test blocks: all that the paths need of it."""
    data, spec = inputs.value
    result = decide_split(data, spec, fold)
    return {profile.name: _entries(result, profile, spec) for profile in spec.profiles}


def path_decisions(decided: Sequence[pl.DataFrame], path: IntArray, edges: IntArray) -> pl.DataFrame:
    """A profile's decisions along a path, of those in each split: each group's from the split that is named for it."""
    when = pl.col("start").dt.epoch("ms")
    splits: list[int] = path.tolist()
    return pl.concat(
        decided[split].filter(when >= edges[group], when < edges[group + 1]) for group, split in enumerate(splits)
    )


class PathRecord(NamedTuple):
    """What is kept of a simulation along a path: daily net returns (n_days,) and how many trades."""

    daily: FloatArray
    n_trades: int


def _entries(result: FoldResult, profile: Profile, spec: Experiment) -> pl.DataFrame:
    """What a simulation reads of the profile's entries in a split's test blocks."""
    return block_entries(result, profile, spec).select(_TRADED)


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
