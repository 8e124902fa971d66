"""Base rate: the share of targets in the training part as a constant forecast, the first reference of every score."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tradsys.core.logistic import log_odds
from tradsys.models.linear.logistic import FittedLinear, weighted_rate
from tradsys.models.panel import Panel, Rows


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
