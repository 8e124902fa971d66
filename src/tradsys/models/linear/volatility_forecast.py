"""Volatility forecast: quantiles of how far the next bars move, and the odds of reaching barriers; numpy and JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from tradsys.core.arrays import FloatArray
from tradsys.core.errors import BundleError, FitError
from tradsys.core.json_text import read_json
from tradsys.core.linear import linear
from tradsys.core.logistic import sigmoid
from tradsys.core.plain_values import PlainValues
from tradsys.models.forecaster import check_n_features


@dataclass(frozen=True, slots=True)
class Ridge(PlainValues):
    """`intercept + X @ coef`, fitted by penalised least squares."""

    intercept: float
    coef: FloatArray

    def __call__(self, X: FloatArray) -> FloatArray:
        """(n_rows, n_columns) -> (n_rows,); NaN where X has NaN."""
        return linear(X, self.coef, self.intercept)


def fit_ridge(X: FloatArray, target: FloatArray, weight: FloatArray, penalty: float) -> Ridge:
    """Minimise the weighted mean of half the squared error, plus `penalty` / 2 * |coef|^2; the intercept is free."""
    if not len(X) or not weight.sum() > 0:
        raise FitError(f"a regression needs rows with positive weight, found {len(X)} rows; load more history")
    w = weight / weight.sum()
    centre, level = w @ X, float(w @ target)
    d = X - centre
    weighted = d * w[:, None]
    coef = np.linalg.solve(weighted.T @ d + penalty * np.eye(X.shape[1]), weighted.T @ (target - level))
    return Ridge(level - float(centre @ coef), coef)


@dataclass(frozen=True, slots=True)
class LocationScale(PlainValues):
    """The quantile at level q is `location(X) + exp(log_scale(X)) * standard[q]`.

    `standard` (n_levels,) rises, and the scale is positive: quantiles keep their order whatever the row.

    He, "Quantile curves without crossing", *The American Statistician* 51 (1997).
    """

    location: Ridge
    log_scale: Ridge
    levels: tuple[float, ...]
    standard: FloatArray

    def quantiles(self, X: FloatArray) -> FloatArray:
        """(n_rows, n_columns) -> (n_rows, n_levels); NaN where X has NaN."""
        return np.asarray(self.location(X)[:, None] + np.exp(self.log_scale(X))[:, None] * self.standard)


def fit_scale(
    location: Ridge,
    X: FloatArray,
    residual: FloatArray,
    weight: FloatArray,
    *,
    levels: Sequence[float],
    penalty: float,
) -> LocationScale:
    """Scale and standard quantiles around a location, from its residuals out of fold, (n_rows,).

    For given location and scale the weighted empirical quantiles minimise the pinball loss.
    """
    size = np.abs(residual)
    typical = float(np.sqrt(weight @ residual**2 / weight.sum()))
    # the floor keeps one residual of zero from meaning a scale of zero
    log_scale = fit_ridge(X, np.log(size + 0.05 * typical + 1e-12), weight, penalty)
    standard = weighted_quantiles(residual / np.exp(log_scale(X)), weight, levels)
    return LocationScale(location, log_scale, tuple(levels), standard)


def weighted_quantiles(values: FloatArray, weight: FloatArray, levels: Sequence[float]) -> FloatArray:
    """Smallest values with at least that share of the weight at or below them, (n_levels,)."""
    order = np.argsort(values, kind="stable")
    share = np.cumsum(weight[order]) / weight.sum()
    at = np.searchsorted(share, np.asarray(levels) - 1e-12)
    return np.asarray(values[order][np.minimum(at, len(values) - 1)])


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
        return linear(self.inputs(location, log_scale), self.slope)[:, None] + self.level

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
        self._check(X)
        return self.sides(self.expansion.location(X), self.expansion.log_scale(X))

    def to_files(self) -> dict[str, bytes]:
        return {_FILE: json.dumps(self.to_dict(), indent=1).encode()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        if _FILE not in files:
            raise BundleError(f"a volatility forecast needs {_FILE}, found {sorted(files)}; export the model again")
        return cls.from_dict(read_json(files[_FILE]))

    def _check(self, X: FloatArray) -> None:
        check_n_features(X, len(self.expansion.location.coef))
