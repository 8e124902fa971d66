"""Probability that a trade ends by time: the third outcome, which the expected return needs."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from tradsys.core.logistic import log_odds
from tradsys.labels.weights import base_rate
from tradsys.models.forecaster import FittedForecaster, Panel, Rows
from tradsys.models.linear.baselines import VolatilityOnly
from tradsys.models.linear.logistic import FittedLinear
from tradsys.research.walk.dataset import Dataset

_ENOUGH = 50
"""Time exits a side below which their rate is a constant: a regression on fewer would fit noise."""


@dataclass(frozen=True, slots=True)
class TimeoutModel:
    """Ridge logistic regression of the time exit on the volatility columns, a side each."""

    penalty: float | None = None
    name: ClassVar[str] = "timeout"
    memory: ClassVar[int] = 0

    def fit(self, panel: Panel, rows: Rows, *, seed: int) -> FittedForecaster:
        """Fit on a panel whose `y` says which trades ended by time."""
        y, weight = panel.stack_y(rows), panel.stack_weight(rows)
        if min(y.sum(axis=0).min(), (1 - y).sum(axis=0).min()) < _ENOUGH:
            rate = base_rate(y, weight)
            return FittedLinear(log_odds(rate), np.zeros((2, len(panel.columns))))
        return VolatilityOnly(self.penalty).fit(panel, rows, seed=seed)


def timeout_panel(panel: Panel, data: Dataset) -> Panel:
    """The panel with time exits in the place of targets."""
    y = tuple(
        np.where(np.isfinite(one.target), one.timed_out.astype(np.float64), np.nan) for one in data.labels.values()
    )
    return replace(panel, y=y)
