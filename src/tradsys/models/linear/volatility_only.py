"""Baseline on volatility alone: how likely a target is reached in time, a score above the base rate without an edge."""

from dataclasses import dataclass
from typing import ClassVar

from tradsys.models.linear.logistic import FittedLinear, fit_two_sides
from tradsys.models.linear.penalty import check_penalty
from tradsys.models.panel import Panel, Rows


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
        """Fit both sides on the chosen rows; deterministic, the seed is not used."""
        del seed
        return fit_two_sides(panel, rows, panel.is_volatility, self.penalty)
