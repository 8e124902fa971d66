"""From calibrated probabilities to the return that a trade is expected to earn after costs."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from tradsys.core.arrays import BoolArray, FloatArray
from tradsys.core.costs import Costs

_RIDGE = 25.0
"""Rows of prior evidence that a time exit earns nothing, whatever the forecast: few labels end by time."""


@dataclass(frozen=True, slots=True)
class TimeExit:
    """Mean gross return, in ATR, of time exits: a level a side and a slope on the side's lead in probability."""

    level: tuple[float, float] = (0.0, 0.0)
    slope: float = 0.0

    @classmethod
    def fit(cls, probability: FloatArray, ret_atr: FloatArray, timed_out: BoolArray, weight: FloatArray) -> Self:
        """Ridge regression on out-of-fold forecasts, all arguments of shape (n, 2), long and short."""
        lead = _lead(probability)
        side = np.broadcast_to(np.array([0, 1]), probability.shape)
        design = np.stack([side == 0, side == 1, lead], axis=-1)[timed_out].astype(np.float64)
        w = weight[timed_out]
        gram = design.T @ (design * w[:, None]) + np.diag([_RIDGE, _RIDGE, _RIDGE * 0.01])
        long, short, slope = np.linalg.solve(gram, design.T @ (w * ret_atr[timed_out])).tolist()
        return cls((long, short), slope)

    def mean(self, probability: FloatArray) -> FloatArray:
        """Expected gross return in ATR given a time exit, (n, 2) -> (n, 2)."""
        return np.asarray(self.level) + self.slope * _lead(probability)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {"level": list(self.level), "slope": self.slope}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """What `to_dict` wrote."""
        long, short = values["level"]
        return cls((long, short), values["slope"])


def _lead(probability: FloatArray) -> FloatArray:
    return probability - probability[:, ::-1]


def expected_net_return(
    probability: FloatArray,
    timeout: FloatArray,
    time_exit: TimeExit,
    *,
    upper: float,
    lower: float,
    atr_over_price: FloatArray,
    costs: Costs,
    holding_cost: FloatArray | float = 0.0,
) -> FloatArray:
    """Expected return of entering each side, after costs, as a fraction of the entry price, shape (n, 2).

    `p_target a - p_stop b + p_time E[ret | time] - cost`, where the entry, stops and time exits pay the
    taker fee and targets the maker fee. `probability` and `timeout` are calibrated, (n, 2); `atr_over_price` is (n,).
    `holding_cost` (n, 2) is what holding each side is expected to cost.
    """
    in_time = np.minimum(timeout, 1.0 - probability)
    stopped = 1.0 - probability - in_time
    gross_atr = probability * upper - stopped * lower + in_time * time_exit.mean(probability)
    fees = costs.taker + probability * costs.maker + (1.0 - probability) * costs.taker
    return gross_atr * atr_over_price[:, None] - fees - holding_cost
