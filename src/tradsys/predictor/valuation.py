"""From raw log-odds to calibrated probabilities and prices: one function for training and for trading."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.costs import Costs
from tradsys.core.errors import ConfigError
from tradsys.core.sides import SIDES, Side
from tradsys.models.calibration import Calibration
from tradsys.predictor.economics import TimeExit, expected_net_return
from tradsys.predictor.holding import Holding


@dataclass(frozen=True, slots=True)
class Judgement:
    """Calibrated view of some rows: `probability` and `expected_net` (n, 2), `choice` (n,) the better side's column."""

    probability: FloatArray
    expected_net: FloatArray
    choice: IntArray

    @property
    def confidence(self) -> FloatArray:
        """The chosen side's probability, shape (n,)."""
        return self.probability[np.arange(len(self.choice)), self.choice]


@dataclass(frozen=True, slots=True)
class Judge:
    """What turns log-odds into money: fitted on out-of-fold forecasts, with barriers in ATR, costs and sides.

    `holding` is there where holding a position costs anything.
    """

    calibration: Calibration
    timeout_calibration: Calibration
    time_exit: TimeExit
    upper: float
    lower: float
    costs: Costs
    sides: tuple[Side, ...] = SIDES
    holding: Holding | None = None

    def carry(self, bars: pl.DataFrame) -> FloatArray | None:
        """What holding each side is expected to cost from each bar on, (n_bars, 2); None where it costs nothing."""
        return None if self.holding is None else self.holding.expected(bars)

    def judge(
        self,
        logits: FloatArray,
        timeout_logits: FloatArray,
        atr_over_price: FloatArray,
        carry: FloatArray | None = None,
    ) -> Judgement:
        """All rows at once, with their `carry` where holding costs; rows with NaN log-odds keep NaN and choose some
        side.
        """
        if (carry is None) != (self.holding is None):
            raise ConfigError("a judge whose trades cost something to hold needs the carry of every row, and only then")
        probability = self.calibration.apply(logits)
        expected = expected_net_return(
            probability,
            self.timeout_calibration.apply(timeout_logits),
            self.time_exit,
            upper=self.upper,
            lower=self.lower,
            atr_over_price=atr_over_price,
            costs=self.costs,
            carry=0.0 if carry is None else carry,
        )
        allowed = np.array([0.0 if side in self.sides else -np.inf for side in SIDES])
        better_short = expected[:, 1] + allowed[1] > expected[:, 0] + allowed[0]
        return Judgement(probability, expected, better_short.astype(np.int64))


def audit_inputs(X: FloatArray, logits: FloatArray, judgement: Judgement, regime: FloatArray) -> FloatArray:
    """What the auditor sees of a row: features, both log-odds, the chosen trade's price, regime, and last the side."""
    sign = np.where(judgement.choice == 0, 1.0, -1.0)
    rows = np.arange(len(sign))
    chosen = np.stack(
        [
            logits[rows, judgement.choice],
            logits[rows, 1 - judgement.choice],
            judgement.expected_net[rows, judgement.choice],
        ],
        axis=1,
    )
    return np.concatenate([X, chosen, regime, sign[:, None]], axis=1)
