"""The inputs of a profile: one symbol's calibrated forecasts, regimes and audits, known at the close of each bar."""

from dataclasses import dataclass

import numpy as np

from tradsys.core.arrays import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Forecasts:
    """Everything known at the close of each bar of one symbol; column 0 is the long side, column 1 the short.

    `start` (n,) decision time in ms; `probability` (n, 2) that the side's target comes first; `expected_net` (n, 2) the
    return after costs as a fraction of the entry price, as such forecasts earned out of fold, and `net_error` (n, 2)
    its standard error; `best_side` (n,) 0 or 1, the allowed side with the larger return by the forecast alone; `rank`
    (n, 2) share of the training part's out-of-fold confidences below the side's probability; `regime` (n, 3) filtered;
    `audit` (n,) probability that the best side makes money after costs; `atr` (n,) what a distance of 1 to target or
    stop is in price units, the ATR or what another barrier rule measures; `has_earned` (n,) whether what was expected
    to pay did so out of fold; `volatility` (n,) the forecast volatility of a bar as a fraction of the price, where a
    volatility agent forecasts it; `macro` (n, 3) the filtered states of other markets, risk-on to risk-off, where there
    is a supervisor, NaN if they are not known. Rows that are not `is_ready` hold NaN. A predictor of an earlier
    version, which kept no record of what its forecasts earned, has neither `net_error` nor `has_earned`.
    """

    start: IntArray
    probability: FloatArray
    expected_net: FloatArray
    best_side: IntArray
    rank: FloatArray
    regime: FloatArray
    audit: FloatArray
    atr: FloatArray
    is_ready: BoolArray
    net_error: FloatArray | None = None
    has_earned: BoolArray | None = None
    volatility: FloatArray | None = None
    macro: FloatArray | None = None

    def chosen(self, values: FloatArray) -> FloatArray:
        """The chosen side's column of a two-sided array, shape (n,)."""
        return values[np.arange(len(values)), self.best_side]
