"""Forecast combination: one forecaster alone, or an ensemble whose log-odds are weighted by the regime."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from tradsys.core.arrays import FloatArray
from tradsys.models.forecaster import FittedForecaster
from tradsys.models.pooling.ensemble import FittedEnsemble, MemberLogits


class Combination(Protocol):
    """Turns the log-odds of its members into one pair of log-odds a row."""

    @property
    def members(self) -> tuple[str, ...]:
        """Names of the forecasters that are combined."""

    def logits(self, members: MemberLogits, regime: FloatArray) -> FloatArray:
        """Uncalibrated log-odds (n_rows, 2) from the members' and filtered regime probabilities (n_rows, n_states)."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values that `combination_from_dict` reads back."""


@dataclass(frozen=True, slots=True)
class SingleForecaster:
    """The log-odds of one forecaster as they are."""

    name: str

    @property
    def members(self) -> tuple[str, ...]:
        return (self.name,)

    def logits(self, members: MemberLogits, regime: FloatArray) -> FloatArray:
        del regime
        return members[self.name]

    def to_dict(self) -> dict[str, Any]:
        """Its name under `single`, by which `combination_from_dict` tells it from an ensemble."""
        return {"single": self.name}


def combination_from_dict(content: Mapping[str, Any]) -> Combination:
    """What a combination's `to_dict` wrote."""
    return SingleForecaster(content["single"]) if "single" in content else FittedEnsemble.from_dict(content)


@dataclass(frozen=True, slots=True)
class CombinedForecaster:
    """A combination as one forecaster in a regime that does not change: `shares` (n_states,) of the regimes."""

    combination: Combination
    forecasters: Mapping[str, FittedForecaster]
    shares: FloatArray

    @property
    def memory(self) -> int:
        return max(self.forecasters[name].memory for name in self.combination.members)

    def logits(self, X: FloatArray) -> FloatArray:
        logits = {name: self.forecasters[name].logits(X) for name in self.combination.members}
        return self.combination.logits(logits, np.broadcast_to(self.shares, (len(X), len(self.shares))))
