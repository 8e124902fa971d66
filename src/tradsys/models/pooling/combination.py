"""Who is heard: one forecaster alone, or several whose log-odds an ensemble pools by the regime."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from tradsys.core.arrays import FloatArray
from tradsys.models.forecaster import FittedForecaster
from tradsys.models.pooling.ensemble import FittedEnsemble, Members


class Pool(Protocol):
    """Turns what its members say into one pair of log-odds a row."""

    @property
    def members(self) -> tuple[str, ...]:
        """Names of the forecasters that are heard."""

    def logits(self, members: Members, regime: FloatArray) -> FloatArray:
        """Uncalibrated log-odds (n_rows, 2) from the members' and filtered regime probabilities (n_rows, n_states)."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values that `pool_from_dict` reads back."""


@dataclass(frozen=True, slots=True)
class Alone:
    """One forecaster, and what it says is what is said."""

    name: str

    @property
    def members(self) -> tuple[str, ...]:
        """The one."""
        return (self.name,)

    def logits(self, members: Members, regime: FloatArray) -> FloatArray:
        """The member's own, whatever the regime."""
        del regime
        return members[self.name]

    def to_dict(self) -> dict[str, Any]:
        """Its name."""
        return {"alone": self.name}


def pool_from_dict(content: Mapping[str, Any]) -> Pool:
    """What a pool's `to_dict` wrote."""
    return Alone(content["alone"]) if "alone" in content else FittedEnsemble.from_dict(content)


@dataclass(frozen=True, slots=True)
class Pooled:
    """A pool as one forecaster in a regime that does not change: `shares` (n_states,) of the regimes."""

    pool: Pool
    forecasters: Mapping[str, FittedForecaster]
    shares: FloatArray

    @property
    def memory(self) -> int:
        """Earlier rows that one forecast depends on."""
        return max(self.forecasters[name].memory for name in self.pool.members)

    def logits(self, X: FloatArray) -> FloatArray:
        """Log-odds of one symbol's rows, (n_bars, n_features) -> (n_bars, 2)."""
        said = {name: self.forecasters[name].logits(X) for name in self.pool.members}
        return self.pool.logits(said, np.broadcast_to(self.shares, (len(X), len(self.shares))))
