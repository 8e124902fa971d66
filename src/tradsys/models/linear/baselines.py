"""The baselines: the base rate, what volatility alone says, and a logistic model that cannot tell up from down."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tradsys.core.logistic import log_odds
from tradsys.models.forecaster import LONG, SHORT, Panel, Rows
from tradsys.models.linear.logistic import FittedLinear, fit_logistic, fit_two_sides, side_problems, weighted_rate
from tradsys.models.linear.penalty import Problem, check_penalty, choose_penalties


@dataclass(frozen=True, slots=True)
class BaseRate:
    """A constant a side: the weighted share of labels that reached their target."""

    name: ClassVar[str] = "base_rate"
    memory: ClassVar[int] = 0

    def fit(self, panel: Panel, rows: Rows, *, seed: int) -> FittedLinear:
        """Count; deterministic, the seed is not used."""
        del seed
        y, weight = panel.stack_y(rows), panel.stack_weight(rows)
        rate = np.array([weighted_rate(y[:, side], weight[:, side]) for side in range(2)])
        return FittedLinear(log_odds(rate), np.zeros((2, len(panel.columns))))


@dataclass(frozen=True, slots=True)
class VolatilityOnly:
    """Ridge logistic regression on the volatility columns.

    Ridged like the model it is compared with: unpenalised it falls below the base rate on real bars and flatters its
    rival. The penalty means what it does in `RidgeLogistic`; without volatility columns this is the base
    rate.
    """

    penalty: float | None = None
    name: ClassVar[str] = "volatility_only"
    memory: ClassVar[int] = 0

    def __post_init__(self) -> None:
        check_penalty(self.penalty)

    def fit(self, panel: Panel, rows: Rows, *, seed: int) -> FittedLinear:
        del seed
        return fit_two_sides(panel, rows, panel.is_volatility, self.penalty)


@dataclass(frozen=True, slots=True)
class SymmetricLogistic:
    """One logistic model of the odd columns for both sides: logit_long(x) = c + b.x, logit_short(x) = c - b.x.

    So p_short(x) = p_long(-x), and a drift of the training years cannot enter. The level `c` is shared, hence knows
    no direction; it is needed because a trade that ends by time reaches no side's target, so that both sides' base
    rates lie below one half. Where no trade ends by time the labels are each other's complement, `c` is zero and
    p(-x) = 1 - p(x). Without odd columns the level is all there is.
    """

    penalty: float | None = None
    name: ClassVar[str] = "symmetric"
    memory: ClassVar[int] = 0

    def __post_init__(self) -> None:
        check_penalty(self.penalty)

    def fit(self, panel: Panel, rows: Rows, *, seed: int) -> FittedLinear:
        """Fit on the long labels of the market and the short labels of its mirror image; the seed is not used."""
        del seed
        long, short = side_problems(panel, rows, panel.is_odd)
        mirrored = Problem(
            X=np.concatenate([long.X, -short.X]),
            y=np.concatenate([long.y, short.y]),
            weight=np.concatenate([long.weight, short.weight]),
            start=np.concatenate([long.start, short.start]),
            end=np.concatenate([long.end, short.end]),
        )
        all_columns = np.ones(mirrored.X.shape[1], bool)
        penalty = choose_penalties([mirrored], [all_columns]) if self.penalty is None else self.penalty
        level, slope = fit_logistic(mirrored.X, mirrored.y, mirrored.weight, penalty)
        coef = np.zeros((2, len(panel.columns)))
        coef[LONG, panel.is_odd], coef[SHORT, panel.is_odd] = slope, -slope
        return FittedLinear(np.full(2, level), coef)
