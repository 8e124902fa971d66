"""From raw log-odds to calibrated probabilities and expected returns: one function for training and for trading."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import numpy as np
import polars as pl
from safetensors.numpy import load, save

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.bounds import demand_number
from tradsys.core.costs import ESTIMATED, MOST_SLIPPAGE, Costs
from tradsys.core.errors import ConfigError, FitError
from tradsys.core.limit_entry import LimitEntry
from tradsys.core.sides import SIDES, Side
from tradsys.models.calibration import Calibration
from tradsys.predictor.economics import Holding, TimeExit, expected_fees, expected_net_return


@dataclass(frozen=True, slots=True)
class ValuedForecasts:
    """Calibrated forecasts of some rows: `probability`, `expected_net` (n, 2), `best_side` (n,) the better's column.

    `cost` (n, 2) is what `expected_net` has been charged, a fraction of the entry price.
    """

    probability: FloatArray
    expected_net: FloatArray
    best_side: IntArray
    cost: FloatArray

    @property
    def confidence(self) -> FloatArray:
        """The better side's probability, shape (n,)."""
        return self.probability[np.arange(len(self.best_side)), self.best_side]


@dataclass(frozen=True, slots=True)
class Valuation:
    """What turns log-odds into money: fitted on out-of-fold forecasts, with barriers in ATR, costs and sides.

    `holding` is there where holding a position costs anything. `slippage` is what a market order on each symbol paid
    when the training part ended, a fraction of its notional; empty where the costs set a number for all. `entry` is how
    trades are entered that rest in the book.
    """

    calibration: Calibration
    timeout_calibration: Calibration
    time_exit: TimeExit
    upper: float
    lower: float
    costs: Costs
    sides: tuple[Side, ...] = SIDES
    holding: Holding | None = None
    slippage: Mapping[str, float] = field(default_factory=dict)
    entry: LimitEntry | None = None

    def __post_init__(self) -> None:
        for symbol, value in self.slippage.items():
            demand_number(f"slippage of {symbol or 'the symbol'}", value, "a fraction", least=0.0, most=MOST_SLIPPAGE)

    def slippage_of(self, symbol: str) -> float:
        """What is charged for market orders on the symbol; the largest that is known for one without a name here."""
        if self.costs.slippage_bps != ESTIMATED:
            return self.costs.slippage_bps / 1e4
        if not self.slippage:
            raise ConfigError(
                "decisions need the slippage that was estimated for a symbol, found none; set costs.slippage_bps to a "
                "number or say it in `slippage`"
            )
        return self.slippage.get(symbol, max(self.slippage.values()))

    def holding_cost(self, bars: pl.DataFrame) -> FloatArray | None:
        """What holding each side is expected to cost from each bar on, (n_bars, 2); None where it costs nothing."""
        return None if self.holding is None else self.holding.expected(bars)

    def value(
        self,
        logits: FloatArray,
        timeout_logits: FloatArray,
        atr_over_price: FloatArray,
        holding_cost: FloatArray | None = None,
        *,
        slippage: FloatArray | float | None = None,
    ) -> ValuedForecasts:
        """All rows at once, with their `holding_cost` where holding costs; rows with NaN log-odds keep NaN, and their
        better side means nothing.

        `slippage`, one for all or (n,), is that of a symbol without a name unless given.
        """
        slippage = self.slippage_of("") if slippage is None else slippage
        if (holding_cost is None) != (self.holding is None):
            raise ConfigError("trades that cost something to hold need the holding cost of every row, and only those")
        probability = self.calibration.apply(logits)
        charged = 0.0 if holding_cost is None else holding_cost
        expected = expected_net_return(
            probability,
            self.timeout_calibration.apply(timeout_logits),
            self.time_exit,
            upper=self.upper,
            lower=self.lower,
            atr_over_price=atr_over_price,
            costs=self.costs,
            slippage=slippage,
            holding_cost=charged,
            entry=self.entry,
        )
        allowed = np.array([0.0 if side in self.sides else -np.inf for side in SIDES])
        better_short = expected[:, 1] + allowed[1] > expected[:, 0] + allowed[0]
        cost = expected_fees(probability, self.costs, slippage, self.entry) + charged
        return ValuedForecasts(probability, expected, better_short.astype(np.int64), cost)

    def to_dict(self) -> dict[str, Any]:
        return {
            "calibration": self.calibration.to_dict(),
            "timeout_calibration": self.timeout_calibration.to_dict(),
            "time_exit": self.time_exit.to_dict(),
            "upper": self.upper,
            "lower": self.lower,
            "costs": asdict(self.costs),
            "sides": list(self.sides),
            "slippage": dict(self.slippage),
            "holding": None if self.holding is None else self.holding.to_dict(),
            **({} if self.entry is None else {"entry": asdict(self.entry)}),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        costs = Costs(**values["costs"])
        return cls(
            calibration=Calibration.from_dict(values["calibration"]),
            timeout_calibration=Calibration.from_dict(values["timeout_calibration"]),
            time_exit=TimeExit.from_dict(values["time_exit"]),
            upper=values["upper"],
            lower=values["lower"],
            costs=costs,
            sides=tuple(values["sides"]),
            slippage=dict(values.get("slippage", {})),  # bundles before it was estimated have a number in their costs
            holding=None if values["holding"] is None else Holding.from_dict(values["holding"], costs),
            entry=LimitEntry(**values["entry"]) if "entry" in values else None,
        )


N_AUDIT_INPUTS = 4
"""Inputs of the auditor beside features and regime: both log-odds, the expected return and the side."""


def audit_inputs(X: FloatArray, logits: FloatArray, valued: ValuedForecasts, regime: FloatArray) -> FloatArray:
    """The auditor's inputs of a row: features, both log-odds, the expected return, regime, and last the side."""
    sign = np.where(valued.best_side == 0, 1.0, -1.0)
    rows = np.arange(len(sign))
    best = np.stack(
        [
            logits[rows, valued.best_side],
            logits[rows, 1 - valued.best_side],
            valued.expected_net[rows, valued.best_side],
        ],
        axis=1,
    )
    return np.concatenate([X, best, regime, sign[:, None]], axis=1)


_NAME = "sorted_confidence"


@dataclass(frozen=True, slots=True)
class ConfidenceRanks:
    """Distribution of the chosen side's probability among the training part's purged out-of-fold forecasts."""

    sorted_confidence: FloatArray

    @classmethod
    def fit(cls, confidence: FloatArray) -> "ConfidenceRanks":
        """From confidences of shape (n,), in any order."""
        if len(confidence) == 0:
            raise FitError("ranks need out-of-fold forecasts of the training part, found none; load more history")
        return cls(np.sort(confidence))

    def to_bytes(self) -> bytes:
        """The confidences as safetensors: a pooled run has millions, which as text take seconds to read."""
        return save({_NAME: self.sorted_confidence})

    @classmethod
    def from_bytes(cls, content: bytes) -> "ConfidenceRanks":
        """The ranks that `to_bytes` wrote, equal to the last bit."""
        return cls(load(content)[_NAME])

    def rank(self, probability: FloatArray) -> FloatArray:
        """Share of the training confidences below each value, same shape, in [0, 1]; NaN stays NaN."""
        below = np.searchsorted(self.sorted_confidence, probability.ravel(), side="left") / len(self.sorted_confidence)
        return np.where(np.isnan(probability), np.nan, below.reshape(probability.shape))
