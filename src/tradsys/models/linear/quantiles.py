"""Quantiles that cannot cross: a linear location, a log-linear scale, and the quantiles of what they leave."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tradsys.core.arrays import FloatArray
from tradsys.core.errors import FitError
from tradsys.core.plain_values import PlainValues


@dataclass(frozen=True, slots=True)
class Ridge(PlainValues):
    """`intercept + X @ coef`, fitted by penalised least squares."""

    intercept: float
    coef: FloatArray

    def __call__(self, X: FloatArray) -> FloatArray:
        """(n_rows, n_columns) -> (n_rows,); NaN where X has NaN."""
        return np.asarray(X @ self.coef + self.intercept)


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


def pinball(quantiles: FloatArray, target: FloatArray, levels: Sequence[float]) -> FloatArray:
    """Loss of each quantile, (n_rows, n_levels): level * excess above it, 1 - level * shortfall below.

    Koenker & Bassett, "Regression quantiles", *Econometrica* 46 (1978).
    """
    error, level = target[:, None] - quantiles, np.asarray(levels)
    return np.maximum(level * error, (level - 1.0) * error)
