"""A smaller space around the best region of a finished study."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, exp, log
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tradsys.core.errors import ConfigError
from tradsys.research.tuning.space import Categorical, Parameter, Range, SearchSpace, Settings
from tradsys.research.tuning.storage import has_study, locked_study, open_storage
from tradsys.research.tuning.trial import FinishedTrial, is_finished, read_trial

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

FEWEST = 8
"""Complete trials below which a study has no best region yet."""

TOP = 0.25
"""Share of the complete trials whose settings span the region; four at least."""

QUANTILES = (0.1, 0.9)
_MARGIN = 0.1
"""Added on both sides, as a share of the old range: the best may lie just outside of what was tried."""


@dataclass(frozen=True, slots=True)
class BestRegion:
    """The smaller space, and the settings in its middle: the most stable good trial, which is tried again first."""

    space: SearchSpace
    centre: FinishedTrial


def zoomed(space: SearchSpace, trials: Sequence[FinishedTrial]) -> BestRegion:
    """Bounds shrunk to the best quarter's quantiles around its first, by objective: mean less instability.

    A trial that shone on average and was unstable is thus neither the centre nor, mostly, in the quarter.
    """
    stable = [one for one in trials if one.is_complete and not one.score.troubles]
    if len(stable) < FEWEST:
        raise ConfigError(
            f"zooming in needs {FEWEST} complete and stable trials, found {len(stable)} among {len(trials)}; let the "
            "study finish first, with more --trials"
        )
    ranked = sorted(stable, key=lambda one: (-one.score.objective, one.number))
    best = ranked[: max(4, ceil(TOP * len(ranked)))]
    centre = best[0]
    shrunk = (_shrunk(one, [trial.settings for trial in best], centre.settings) for one in space.parameters)
    return BestRegion(SearchSpace(tuple(one for one in shrunk if one is not None)), centre)


def best_region(root: Path, parent: str, storage: str | None) -> BestRegion:
    """The region in which the study `parent` below `root` found its best trials."""
    if storage is None and not has_study(root / parent):
        known = sorted(path.name for path in root.iterdir() if has_study(path)) or ["none yet"]
        raise ConfigError(f"there is no study {parent!r} below {root} to zoom in on; there are {', '.join(known)}")
    with locked_study(root / parent):
        space, trials = _stored_space(parent, open_storage(root / parent, storage))
    return zoomed(space, trials)


def within(wanted: SearchSpace, region: SearchSpace) -> SearchSpace:
    """The region's parameters that were asked for."""
    space = replace(region, parameters=tuple(one for one in region.parameters if one.key in wanted.keys))
    if not space.parameters:
        raise ConfigError(
            f"the best region of the study to zoom in on knows {', '.join(region.keys)}, found none of them in --over"
        )
    return space


def _stored_space(name: str, storage: "BaseStorage") -> tuple[SearchSpace, list[FinishedTrial]]:
    """The space and the finished trials of a study that exists already."""
    import optuna

    try:
        study = optuna.load_study(study_name=name, storage=storage)
    except KeyError:
        raise ConfigError(f"the storage holds no study {name!r}") from None
    trials = [read_trial(trial) for trial in study.get_trials(deepcopy=False) if is_finished(trial)]
    return SearchSpace.from_dict(json.loads(study.user_attrs["plan"])["space"]), trials


def _shrunk(parameter: Parameter, best: Sequence[Settings], centre: Settings) -> Parameter | None:
    """The parameter within the region; None where none of the best trials had it."""
    values = [settings[parameter.key] for settings in best if parameter.key in settings]
    if not values:
        return None
    if isinstance(parameter, Categorical):
        return replace(parameter, options=tuple(option for option in parameter.options if option in values))
    numbers = np.array([float(v) for v in values if isinstance(v, (int, float))])
    middle = centre.get(parameter.key)
    return _bounded(parameter, numbers, float(middle) if isinstance(middle, (int, float)) else None)


def _bounded(parameter: Range, values: np.ndarray[tuple[int], np.dtype[np.float64]], centre: float | None) -> Range:
    to, back = (log, exp) if parameter.is_log else (float, float)
    low, high = to(parameter.low), to(parameter.high)
    inner = [float(q) for q in np.quantile([to(v) for v in values], QUANTILES)]
    if centre is not None:
        inner = [min(inner[0], to(centre)), max(inner[1], to(centre))]
    margin = _MARGIN * (high - low)
    bounds = back(max(low, inner[0] - margin)), back(min(high, inner[1] + margin))
    if parameter.step is None:
        return replace(parameter, low=max(bounds[0], parameter.low), high=min(bounds[1], parameter.high))
    steps = [(bound - parameter.low) / parameter.step for bound in bounds]
    first, last = int(np.floor(steps[0] + 1e-9)), int(np.ceil(steps[1] - 1e-9))
    top = int((parameter.high - parameter.low) // parameter.step)
    return replace(
        parameter,
        low=parameter.low + max(first, 0) * parameter.step,
        high=parameter.low + min(last, top) * parameter.step,
    )
