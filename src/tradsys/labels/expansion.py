"""Volatility expansion: how far the next bars move against the last ones; the label of volatility forecasts."""

from typing import NamedTuple

import numpy as np

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.counts import check_counts, check_whole
from tradsys.core.errors import ConfigError
from tradsys.core.frames import HeldBars, as_bars
from tradsys.core.single_symbol import single_symbol
from tradsys.core.time import infer_interval, interval_ms
from tradsys.labels.measured import measured_pace
from tradsys.labels.pace import BarrierRule, WilderAtr


class Expansion(NamedTuple):
    """A row a bar: `value` (n_bars,), NaN where it is not known, and `end` (n_bars,), when it is known, in ms."""

    value: FloatArray
    end: IntArray


def volatility_expansion(
    bars: HeldBars, *, horizon: int = 24, atr_period: int = 14, rule: BarrierRule | None = None
) -> Expansion:
    """Log of the volatility of a bar realised over the next `horizon` bars, over the average true range now.

    Barriers are set in multiples of that average, or of what another barrier `rule` measures instead, so that this one
    number measures how easily they are reached. Volatility is estimated from highs and lows, which take a fifth of the
    bars that closes would need; both are fractions of the price.
    The last `horizon` rows, rows without an average and bars that do not move have none.

    Parkinson, "The extreme value method for estimating the variance of the rate of return", *J. Business* 53 (1980).
    """
    check_whole(horizon=horizon, atr_period=atr_period)
    if horizon < 1:
        raise ConfigError(f"horizon counts bars and must be at least 1, was {horizon}; 24 is a day of hours")
    check_counts(atr_period=atr_period)
    bars = as_bars(bars, "volatility_expansion")
    arrays = single_symbol(bars, "volatility_expansion")
    n_bars = len(arrays.ts)
    value, end = np.full(n_bars, np.nan), np.zeros(n_bars, np.int64)
    if n_bars <= horizon:
        return Expansion(value, end)
    squared = np.log(arrays.high / arrays.low) ** 2 / (4.0 * np.log(2.0))
    ahead = np.lib.stride_tricks.sliding_window_view(squared[1:], horizon).mean(axis=1)
    pace = measured_pace(rule or WilderAtr(atr_period), bars)[:-horizon] / arrays.close[:-horizon]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = 0.5 * np.log(ahead) - np.log(pace)
    value[:-horizon] = np.where(np.isfinite(ratio), ratio, np.nan)
    end[:-horizon] = arrays.ts[horizon:] + interval_ms(infer_interval(bars))
    return Expansion(value, end)
