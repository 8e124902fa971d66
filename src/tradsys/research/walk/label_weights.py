"""Sample weights of labels in training: average uniqueness or attributed return, with time decay."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from tradsys.core.errors import ConfigError
from tradsys.labels.weights import return_attribution, time_decay
from tradsys.models.forecaster import Panel, Rows
from tradsys.research.walk.dataset import Dataset

type Weights = Literal["uniqueness", "return"]


@dataclass(frozen=True, slots=True)
class WeightSpec:
    """Average uniqueness or attributed return, each decaying from 1 for a symbol's latest label to `time_decay`."""

    weights: Weights = "uniqueness"
    time_decay: float = 1.0

    def __post_init__(self) -> None:
        if self.weights not in ("uniqueness", "return"):
            raise ConfigError(f"weights must be 'uniqueness' or 'return', was {self.weights!r}")
        if not -1 < self.time_decay <= 1:
            raise ConfigError(f"time_decay must lie above -1 and be at most 1, was {self.time_decay}; 1 decays nothing")

    def on_training(self, panel: Panel, rows: Rows, data: Dataset) -> Panel:
        """The panel with these weights in the training rows, scaled and decayed over those rows alone.

        A symbol's attributed returns are scaled to the sum of its uniqueness, so that penalties keep their meaning.
        """
        if self == WeightSpec():
            return panel
        weight = []
        for (symbol, labels), mask in zip(data.labels.items(), rows, strict=True):
            own = labels.weight.copy()
            close = data.frames[symbol]["close"].to_numpy()
            for column, uniqueness in enumerate(labels.weight.T):
                labelled = np.isfinite(labels.target[:, column])
                train = mask & labelled
                if not train.any():
                    continue
                if self.weights == "return":
                    ends = labels.end[labelled, column]
                    own[labelled, column] = return_attribution(labels.start[labelled], ends, labels.start, close)
                    own[train, column] *= uniqueness[train].sum() / own[train, column].sum()
                own[train, column] *= time_decay(labels.start[train], uniqueness[train], self.time_decay)
            weight.append(own)
        return replace(panel, weight=tuple(weight))
