"""What barrier rules compute, held to what they promise: a number a bar, and a mask of events."""

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.errors import ConfigError
from tradsys.core.plugins import told_of_own
from tradsys.labels.pace import BarrierRule, ChoosesEvents


def measured_pace(rule: BarrierRule, bars: pl.DataFrame) -> FloatArray:
    """The pace of one symbol's bars in price units, (n_bars,), NaN where the rule measures none or a negative one.

    A ConfigError names a rule that returns something else, or an infinite pace, whose barriers would lie nowhere.
    """
    with told_of_own(rule, f"the barrier rule {rule.name!r}"):
        values: object = rule.pace(bars)
    if not (isinstance(values, np.ndarray) and values.shape == (len(bars),) and values.dtype.kind == "f"):
        raise ConfigError(
            f"the barrier rule {rule.name!r} measures a pace for each bar, an array of floats of shape ({len(bars)},), "
            f"found {_described(values)}"
        )
    if np.isinf(values).any():
        row = int(np.flatnonzero(np.isinf(values))[0])
        raise ConfigError(
            f"the barrier rule {rule.name!r} measures a pace in price units, found {values[row]} in row {row}; return "
            "NaN where there is none"
        )
    pace = values.astype(np.float64, copy=False)
    return np.where(pace < 0, np.nan, pace) if (pace < 0).any() else pace


def chosen_events(rule: BarrierRule, bars: pl.DataFrame) -> IntArray | None:
    """Rows (n_events,) that the rule chooses as events; None where it leaves that to the settings."""
    if not isinstance(rule, ChoosesEvents):
        return None
    with told_of_own(rule, f"the barrier rule {rule.name!r}"):
        mask: object = rule.event_rows(bars)
    if not (isinstance(mask, np.ndarray) and mask.shape == (len(bars),) and mask.dtype == np.bool_):
        raise ConfigError(
            f"the barrier rule {rule.name!r} says of each bar whether it is an event, an array of booleans of shape "
            f"({len(bars)},), found {_described(mask)}"
        )
    return np.flatnonzero(mask)


def _described(values: object) -> str:
    if isinstance(values, np.ndarray):
        return f"{values.dtype} of shape {values.shape}"
    return f"a {type(values).__module__.partition('.')[0]} {type(values).__name__}"
