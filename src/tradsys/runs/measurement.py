"""A measured number with its sample size and interval, the unit that metrics are made of."""

from tradsys.runs.section import Number, Section


class Band(Section):
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
