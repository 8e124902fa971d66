"""What a trade is expected to earn: from calibrated probabilities to a return, less what holding it costs."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import polars as pl

from tradsys.core.arrays import BoolArray, FloatArray
from tradsys.core.carry import COLUMNS, Funding, funding_of
from tradsys.core.costs import Costs
from tradsys.core.limit_entry import LimitEntry, entry_cost
from tradsys.core.outside import outside_values
from tradsys.core.plain_values import PlainValues
from tradsys.core.time import HOUR_MS, YEAR_MS

_RIDGE = 25.0
"""Rows of prior evidence that a time exit earns nothing, whatever the forecast: few labels end by time."""


@dataclass(frozen=True, slots=True)
class TimeExit(PlainValues):
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
    slippage: FloatArray | float,
    holding_cost: FloatArray | float = 0.0,
    entry: LimitEntry | None = None,
) -> FloatArray:
    """Expected return of entering each side, after costs, as a fraction of the entry price, shape (n, 2).

    `p_target a - p_stop b + p_time E[ret | time] - cost`, where the entry, stops and time exits pay the
    taker fee and the `slippage`, a fraction, one for all or (n,), and targets the maker fee. An `entry` that rests in
    the book pays the maker fee too, and all is expected of one that is filled. `probability` and
    `timeout` are calibrated, (n, 2); `atr_over_price` is (n,).
    `holding_cost` (n, 2) is what holding each side is expected to cost.
    """
    in_time = np.minimum(timeout, 1.0 - probability)
    stopped = 1.0 - probability - in_time
    gross_atr = probability * upper - stopped * lower + in_time * time_exit.mean(probability)
    return gross_atr * atr_over_price[:, None] - expected_fees(probability, costs, slippage, entry) - holding_cost


def expected_fees(
    probability: FloatArray, costs: Costs, slippage: FloatArray | float, entry: LimitEntry | None = None
) -> FloatArray:
    """Fees and slippage of entering each side, as a fraction of the entry price: targets pay the maker fee, (n, 2)."""
    slipped: FloatArray = np.asarray(slippage[:, None] if isinstance(slippage, np.ndarray) else slippage)
    taker = costs.taker + slipped
    return np.asarray(entry_cost(entry, costs, slipped) + probability * costs.maker + (1.0 - probability) * taker)


@dataclass(frozen=True, slots=True)
class Holding:
    """`alive` (horizon, 2): the share of trades, long and short, that are still held j whole bars after their entry.

    The last settled rate and its interval are carried forward: no later one is known. Before the first, none is
    expected. `has_rates` says that the bars carry what was settled, and refuses bars that do not.
    """

    alive: FloatArray
    bar_ms: int
    costs: Costs
    has_rates: bool

    @classmethod
    def fit(
        cls, n_held: FloatArray, weight: FloatArray, *, horizon: int, bar_ms: int, costs: Costs, has_rates: bool
    ) -> Self:
        """From labels out of fold: bars held, and weights, both (n, 2)."""
        still = np.arange(horizon)[:, None, None] < n_held
        alive = (still * weight).sum(axis=1) / np.maximum(weight.sum(axis=0), 1e-300)
        return cls(alive, bar_ms, costs, has_rates)

    def expected(self, bars: pl.DataFrame) -> FloatArray:
        """Cost of entering each side at the next open, a fraction of the entry price, (n_bars, 2).

        Reads what the bars knew at their closes, never what they pay.
        """
        if self.has_rates:
            outside_values(bars, COLUMNS[0])  # a DataError where there is none
        return self.ahead(funding_of(bars, self.costs, self.bar_ms))

    def ahead(self, known: Funding) -> FloatArray:
        """The same, from what each bar knew."""
        funding = self._settlements_ahead(known)
        borrow = self.costs.borrow_bps_per_year / 1e4 / YEAR_MS * self.bar_ms * self.alive[:, 1].sum()
        return np.asarray(funding * np.array([1.0, -1.0]) + np.array([0.0, borrow]))

    def _settlements_ahead(self, known: Funding) -> FloatArray:
        """The last rate times the settlements that a trade is expected to be held through, (n_bars, 2)."""
        is_known = np.isfinite(known.rate) & np.isfinite(known.hours)
        every = np.where(is_known, np.round(known.hours * HOUR_MS), np.inf)
        age = np.where(is_known, np.round(known.age_h * HOUR_MS), 0.0)
        ahead = every - np.where(is_known, age % np.where(is_known, every, 1.0), 0.0)
        n_expected, end = np.zeros((len(ahead), 2)), len(self.alive) * self.bar_ms
        while (inside := ahead < end).any():
            n_expected[inside] += self.alive[(ahead[inside] // self.bar_ms).astype(np.int64)]
            ahead = ahead + every
        return np.where(is_known, known.rate, 0.0)[:, None] * n_expected

    def to_dict(self) -> dict[str, Any]:
        """JSON-able; the costs are saved with the valuation."""
        return {"alive": self.alive.tolist(), "bar_ms": self.bar_ms, "has_rates": self.has_rates}

    @classmethod
    def from_dict(cls, values: dict[str, Any], costs: Costs) -> Self:
        return cls(np.asarray(values["alive"], np.float64), values["bar_ms"], costs, values["has_rates"])
