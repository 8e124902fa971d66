"""Volatility forecast: quantiles of how far the next bars move, and the odds of reaching barriers; numpy and JSON."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from tradsys.core.arrays import FloatArray
from tradsys.core.errors import BundleError
from tradsys.core.logistic import sigmoid
from tradsys.core.plain_values import PlainValues
from tradsys.models.forecaster import check_n_features
from tradsys.models.linear.quantiles import LocationScale

_FILE = "volatility.json"


@dataclass(frozen=True, slots=True)
class ReachMap(PlainValues):
    """Log-odds of reaching something, from the forecast: linear in its location, that squared, and its scale.

    `slope` (3,) acts on those three less `centre` (3,), over `spread` (3,); `level` (n_outcomes,) is the log-odds at an
    ordinary forecast.
    """

    centre: FloatArray
    spread: FloatArray
    level: FloatArray
    slope: FloatArray

    def __call__(self, location: FloatArray, log_scale: FloatArray) -> FloatArray:
        """(n_rows,) each -> (n_rows, n_outcomes)."""
        return np.asarray(self.inputs(location, log_scale) @ self.slope[:, None] + self.level)

    def inputs(self, location: FloatArray, log_scale: FloatArray) -> FloatArray:
        """What the slope acts on, (n_rows, 3)."""
        return (reach_inputs(location, log_scale) - self.centre) / self.spread


def reach_inputs(location: FloatArray, log_scale: FloatArray) -> FloatArray:
    """Location, its square and the logarithm of the scale, (n_rows, 3)."""
    return np.column_stack([location, location * location, log_scale])


@dataclass(frozen=True, slots=True)
class VolatilityForecast(PlainValues):
    """Quantiles of the expansion of volatility over the horizon, and the odds of barriers that follow from it."""

    kind: ClassVar[str] = "volatility"
    memory: ClassVar[int] = 0

    expansion: LocationScale
    sides: ReachMap
    """Log-odds that the long and the short side's target comes first."""
    either: ReachMap
    """Log-odds that a target is reached within the horizon at all, on whichever side."""

    def quantiles(self, X: FloatArray) -> FloatArray:
        """Quantiles of the log of the volatility to come over the average true range, (n_bars, n_levels)."""
        self._check(X)
        return self.expansion.quantiles(X)

    def pace(self, X: FloatArray) -> FloatArray:
        """Median volatility of a bar to come, in average true ranges, (n_bars,)."""
        self._check(X)
        half = np.interp(0.5, self.expansion.levels, self.expansion.standard)
        return np.asarray(np.exp(self.expansion.location(X) + np.exp(self.expansion.log_scale(X)) * half))

    def reach(self, X: FloatArray) -> FloatArray:
        """Probability that a target is reached within the horizon on either side, (n_bars,)."""
        self._check(X)
        z = self.either(self.expansion.location(X), self.expansion.log_scale(X))[:, 0]
        return sigmoid(z)

    def logits(self, X: FloatArray) -> FloatArray:
        """Log-odds of both sides, (n_bars, n_features) -> (n_bars, 2); NaN in rows where any feature is NaN."""
        self._check(X)
        return self.sides(self.expansion.location(X), self.expansion.log_scale(X))

    def to_files(self) -> dict[str, bytes]:
        """One JSON file; floats are written so that they read back to the last bit."""
        return {_FILE: json.dumps(self.to_dict(), indent=1).encode()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """The model that `to_files` wrote."""
        if _FILE not in files:
            raise BundleError(f"a volatility forecast needs {_FILE}, found {sorted(files)}; export the model again")
        return cls.from_dict(json.loads(files[_FILE]))

    def _check(self, X: FloatArray) -> None:
        check_n_features(X, len(self.expansion.location.coef))
