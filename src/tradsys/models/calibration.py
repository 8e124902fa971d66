"""From raw log-odds to probabilities that may be compared with costs: Platt scaling that only ever makes humbler."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tradsys.core.arrays import FloatArray
from tradsys.core.errors import ConfigError, FitError
from tradsys.core.logistic import log_odds, sigmoid
from tradsys.core.plain_values import PlainValues

PRIOR_SLOPE = 0.5
PRIOR_SD = 0.5
_MAX_STEPS = 50
_MAX_HALVINGS = 100


@dataclass(frozen=True, slots=True)
class Calibration(PlainValues):
    """Log-odds are drawn towards the base rate: `pivot + slope * (logit - pivot)`, a side each.

    `pivot` (2,) is the log-odds of the base rate, `slope` (2,) lies in [0, 1]: 1 believes the model, 0 the base rate.
    """

    pivot: FloatArray
    slope: FloatArray

    def logits(self, raw: FloatArray) -> FloatArray:
        """Calibrated log-odds, (n_rows, 2) -> (n_rows, 2); NaN stays NaN."""
        return np.asarray(self.pivot + self.slope * (raw - self.pivot))

    def apply(self, raw: FloatArray) -> FloatArray:
        """Calibrated probabilities of raw log-odds, (n_rows, 2) -> (n_rows, 2); NaN stays NaN."""
        return sigmoid(self.logits(raw))


def fit_calibration(
    logits: FloatArray, y: FloatArray, weight: FloatArray, *, base_rate: FloatArray | None = None
) -> Calibration:
    """Calibrate on forecasts of rows that the model was not trained on; `logits`, `y`, `weight` are (n_rows, 2).

    With uniqueness as weight the rows count as the independent observations that they are; few of them say little
    about the slope, hence its prior N(.5, .5^2), cut to [0, 1]. Slopes above one do occur in cross-validation and do
    not last: on hourly bars 1.3 to 1.5 within the training part became .3 to 1.0 in the next half-year. Only the
    slope is fitted: a free intercept chases the drift of the calibration period and cost .7 millinats in the next.

    `base_rate` (2,) is that of the training part of the model to be calibrated, where the forecasts come from earlier
    folds; by default it is the labels' own. Rows without forecast or label are left out; none at all gives the prior
    slope, if a base rate is given.

    Platt, "Probabilistic outputs for support vector machines" (1999), with the slope alone.
    """
    if logits.shape != y.shape or y.shape != weight.shape or logits.ndim != 2 or logits.shape[1] != 2:
        raise ConfigError(
            f"calibration takes three arrays of shape (n_rows, 2), found {logits.shape}, {y.shape} and {weight.shape}"
        )
    pivot, slope = np.zeros(2), np.zeros(2)
    for side in range(2):
        rows = np.isfinite(logits[:, side]) & np.isfinite(y[:, side]) & (weight[:, side] > 0)
        z, label, w = logits[rows, side], y[rows, side], weight[rows, side]
        own = float(w @ label / w.sum()) if len(w) else np.nan
        rate = own if base_rate is None else float(base_rate[side])
        if not 0 < rate < 1:
            raise FitError(
                f"calibration needs both outcomes on each side, found a base rate of {rate} among {len(w)} labels; "
                "give it more history"
            )
        pivot[side] = log_odds(rate)
        slope[side] = shrunk_slope(z, label, w) if 0 < own < 1 else PRIOR_SLOPE
    return Calibration(pivot, slope)


def shrunk_slope(z: FloatArray, y: FloatArray, w: FloatArray) -> float:
    """The most probable slope in [0, 1] of log-odds z, all of shape (n_rows,), whatever the level of the labels.

    A free level takes part in the fit and is then forgotten: otherwise a drift of the base rate would look like a bad
    slope. Newton's steps find it; where log-odds are so large that they lose their way, its derivative is halved.
    """
    if not (np.isfinite(z).all() and np.isfinite(w).all() and ((y >= 0) & (y <= 1)).all() and (w >= 0).all()):
        raise FitError("a slope needs finite log-odds, labels between 0 and 1 and weights of at least 0, found others")
    rate = float(w @ y / w.sum()) if w.sum() > 0 else 0.0
    if not 0 < rate < 1:
        raise FitError(f"a slope needs both outcomes, found a base rate of {rate} among {len(y)} labels")
    loss = _Profile(z - w @ z / w.sum(), y, w)
    slope = _newton(loss, rate)
    return loss.best() if slope is None or not loss.is_best(slope) else slope


@dataclass(frozen=True, slots=True)
class _Profile:
    """Log-loss of labels y with weights w at log-odds `level + slope * d`, and the prior of the slope; all (n_rows,).

    As a function of the slope alone, at the best level for it, it is convex.
    """

    d: FloatArray
    y: FloatArray
    w: FloatArray

    def derivative(self, slope: float) -> float:
        error = self.w * (sigmoid(self._level(slope) + slope * self.d) - self.y)
        return float(error @ self.d + PRIOR_SD**-2 * (slope - PRIOR_SLOPE))

    def is_best(self, slope: float) -> bool:
        """Whether a slope at an end of [0, 1] is the best of the interval; one inside has converged."""
        if 0 < slope < 1:
            return True
        size = float(self.w @ np.abs(self.d)) + PRIOR_SD**-2
        return self.derivative(slope) * (1 if slope == 0 else -1) >= -1e-9 * size

    def best(self) -> float:
        """The slope in [0, 1] at which the derivative passes through zero, by halving."""
        if self.derivative(0.0) >= 0:
            return 0.0
        if self.derivative(1.0) <= 0:
            return 1.0
        return _halved(self.derivative, 0.0, 1.0)

    def _level(self, slope: float) -> float:
        """Where forecasts are right on average."""
        shown = slope * self.d
        reach = float(np.abs(shown).max()) + 50.0

        def error(level: float) -> tuple[float, float]:
            p = sigmoid(level + shown)
            return float(self.w @ (p - self.y)), float(self.w @ (p * (1 - p)))

        return _met(error, -reach, reach)


def _halved(rising: Callable[[float], float], low: float, high: float) -> float:
    """Where a rising function passes through zero, to a part in 1e13."""
    while high - low > 1e-13 * max(1.0, abs(low), abs(high)):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return (low + high) / 2


def _met(rising: Callable[[float], tuple[float, float]], low: float, high: float) -> float:
    """The same of a function that gives its steepness too: Newton's steps, and halving wherever they lead outside."""
    at = (low + high) / 2
    for _ in range(_MAX_HALVINGS):
        value, steepness = rising(at)
        low, high = (at, high) if value < 0 else (low, at)
        step = value / steepness if steepness > 0 else np.inf
        moved = at - step if low <= at - step <= high else (low + high) / 2
        if abs(moved - at) <= 1e-13 * max(1.0, abs(at)):
            return moved
        at = moved
    return at


def _newton(loss: _Profile, rate: float) -> float | None:
    """Where Newton's steps in level and slope come to rest; None where they do not."""
    d, y, w = loss.d, loss.y, loss.w
    level, slope = log_odds(rate), 0.0  # from zero Newton's steps seldom lose their way
    precision = PRIOR_SD**-2
    for _ in range(_MAX_STEPS):
        with np.errstate(over="ignore", invalid="ignore"):
            p = sigmoid(level + slope * d)
            v = w * p * (1 - p)
            gradient = np.array([(w * (p - y)).sum(), (w * (p - y)) @ d + precision * (slope - PRIOR_SLOPE)])
            cross = v @ d
            try:
                step = np.linalg.solve(np.array([[v.sum(), cross], [cross, v @ d**2 + precision]]), gradient)
            except np.linalg.LinAlgError:
                return None
        if not np.isfinite(step).all():
            return None
        moved = min(max(slope - step[1], 0.0), 1.0)  # the loss is convex, so that the cut is the best slope in between
        if abs(moved - slope) < 1e-12 and (abs(step[0]) < 1e-12 or moved in (0.0, 1.0)):
            return float(slope)
        level, slope = level - step[0], moved
    return None
