"""A smaller space around the best region of a finished study."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, exp, log

import numpy as np

from tradsys.core.errors import ConfigError
from tradsys.research.tuning.finished import Finished
from tradsys.research.tuning.space import Choice, Parameter, Range, Settings, Space

FEWEST = 8
"""Complete trials below which a study has no best region yet."""

TOP = 0.25
"""Share of the complete trials whose settings span the region; four at least."""

QUANTILES = (0.1, 0.9)
_MARGIN = 0.1
"""Added on both sides, as a share of the old range: the best may lie just outside of what was tried."""


@dataclass(frozen=True, slots=True)
class Region:
    """The smaller space, and the settings in its middle: the most stable good trial, which is tried again first."""

    space: Space
    centre: Finished


def zoomed(space: Space, trials: Sequence[Finished]) -> Region:
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
    return Region(Space(tuple(one for one in shrunk if one is not None)), centre)


def _shrunk(parameter: Parameter, best: Sequence[Settings], centre: Settings) -> Parameter | None:
    """The parameter within the region; None where none of the best trials had it."""
    values = [settings[parameter.key] for settings in best if parameter.key in settings]
    if not values:
        return None
    if isinstance(parameter, Choice):
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
