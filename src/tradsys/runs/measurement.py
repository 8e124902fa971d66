"""A measured number with its sample size and interval, the unit that metrics are made of."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator

from tradsys.runs.section import Number, RunSection

ALWAYS_MEASURED = ("profit_total", "sharpe", "winrate", "max_drawdown_account", "total_trades")
"""Metrics that every profile has: those that tables and cards name."""


class Band(RunSection):
    """A value with its 95% interval; the ends are None where there is too little history for one."""

    value: Number = None
    low: Number = None
    high: Number = None


class Measurement(Band):
    """A value with its interval and the observations behind it."""

    n: int


class MeasuredGain(Band):
    """Mean of a paired difference in millinats, with its interval from blocks that no label spans."""

    n: int
    n_blocks: int
    block_bars: int
    smallest_visible: Number


def _has_all(metrics: Mapping[str, Measurement]) -> Mapping[str, Measurement]:
    if missing := [name for name in ALWAYS_MEASURED if name not in metrics]:
        raise ValueError(f"{', '.join(missing)} missing")
    return metrics


type Measurements = Annotated[Mapping[str, Measurement], AfterValidator(_has_all)]
"""A profile's metrics by freqtrade's names."""
