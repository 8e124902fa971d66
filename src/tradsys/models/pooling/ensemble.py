"""Stacking by regime: ensemble weights learnt from out-of-fold forecasts, each regime's shrunk to what all share."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from tradsys.core.arrays import FloatArray
from tradsys.core.errors import ConfigError, FitError
from tradsys.core.linear import linear
from tradsys.core.logistic import log_odds, sigmoid
from tradsys.models.calibration import Calibration, fit_calibration

_MAX_SIMPLEX_STEPS = 2000


def minimise(curvature: FloatArray, gradient: FloatArray, at: FloatArray, n_groups: int) -> FloatArray:
    """The minimum of gradient . (w - at) + (w - at) . curvature . (w - at) / 2 where each group of w is allowed.

    Shapes (n, n), (n,), (n,); `w` consists of `n_groups` groups of equal length, each not negative with a sum of at
    most one, as `at` is.

    Beck & Teboulle, "A fast iterative shrinkage-thresholding algorithm", *SIAM J. Imaging Sciences* 2 (2009), with the
    restart of O'Donoghue & Candès (2015).
    """
    rate = 1.0 / float(np.linalg.eigvalsh(curvature)[-1])
    w, ahead, momentum = at, at, 1.0
    for _ in range(_MAX_SIMPLEX_STEPS):
        slope = gradient + curvature @ (ahead - at)
        moved = allowed((ahead - rate * slope).reshape(n_groups, -1)).ravel()
        step = moved - w
        if slope @ step > 0:
            momentum = 1.0
        grown = 0.5 * (1.0 + np.sqrt(1.0 + 4.0 * momentum * momentum))
        ahead = moved + (momentum - 1.0) / grown * step
        w, momentum = moved, grown
        if np.abs(step).max() < 1e-12:
            break
    return w


def allowed(w: FloatArray) -> FloatArray:
    """The nearest rows (n_groups, k) that are not negative and sum to at most one.

    Duchi, Shalev-Shwartz, Singer & Chandra, "Efficient projections onto the l1-ball", ICML 2008, figure 1.
    """
    positive = np.maximum(w, 0.0)
    descending = -np.sort(-w, axis=1)
    excess = (np.cumsum(descending, axis=1) - 1.0) / np.arange(1, w.shape[1] + 1)
    n_kept = (descending > excess).sum(axis=1)
    onto = np.maximum(w - excess[np.arange(len(w)), n_kept - 1][:, None], 0.0)
    return np.where(positive.sum(axis=1, keepdims=True) > 1.0, onto, positive)


_MAX_STEPS = 50

type MemberLogits = Mapping[str, FloatArray]
"""Uncalibrated log-odds of each member by its name, (n_rows, 2)."""


@dataclass(frozen=True, slots=True)
class FittedEnsemble:
    """Log-odds of the members weighted by the regime of each row.

    `weights` (n_states, n_members) are not negative and sum to at most 1 in a regime; what is missing to 1 is the
    weight of the base rate `pivot` (2,), so that the ensemble is never bolder than its members.
    """

    calibrations: Mapping[str, Calibration]
    weights: FloatArray
    pivot: FloatArray

    @property
    def members(self) -> tuple[str, ...]:
        """In the order of the weights' columns."""
        return tuple(self.calibrations)

    def logits(self, members: MemberLogits, regime: FloatArray) -> FloatArray:
        """Calibrated log-odds (n_rows, 2), given filtered regime probabilities (n_rows, n_states); NaN stays NaN."""
        if missing := [name for name in self.members if name not in members]:
            raise ConfigError(
                f"this ensemble combines {', '.join(self.members)}; {', '.join(missing)} did not forecast"
            )
        if regime.ndim != 2 or regime.shape[1] != len(self.weights):
            raise ConfigError(
                f"this ensemble has weights for {len(self.weights)} regimes, found probabilities of shape "
                f"{regime.shape}; filter with the regimes it was fitted with"
            )
        share = linear(regime, self.weights)
        deviation = [one.logits(members[name]) - self.pivot for name, one in self.calibrations.items()]
        return np.asarray(self.pivot + sum(share[:, [m]] * d for m, d in enumerate(deviation)))

    def to_dict(self) -> dict[str, Any]:
        own = zip(self.calibrations.items(), self.weights.T, strict=True)
        members = [{"name": name, "weights": w.tolist(), "calibration": one.to_dict()} for (name, one), w in own]
        return {"members": members, "pivot": self.pivot.tolist()}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        calibrations = {one["name"]: Calibration.from_dict(one["calibration"]) for one in content["members"]}
        weights = np.array([one["weights"] for one in content["members"]], float).T
        return cls(calibrations, weights, np.asarray(content["pivot"], float))


@dataclass(frozen=True, slots=True)
class Ensemble:
    """Stacking with a set of weights for each regime, which are mixed by the regimes' filtered probabilities.

    Weights begin at `incumbent` alone, or at equal shares without one, and move from there on evidence: all regimes
    together with a prior standard deviation of `shared_sd`, each on its own with `regime_sd`. Rows count by their
    uniqueness as the independent observations that they are. A regime that was hardly seen thus weighs as the others
    do, and a record of a few hundred labels hardly moves anything.

    Wolpert, "Stacked generalization", *Neural Networks* 5 (1992); with weights that are not negative, as Breiman,
    "Stacked regressions", *Machine Learning* 24 (1996), found to be what makes it work.
    """

    incumbent: str | None = None
    shared_sd: float = 0.5
    regime_sd: float = 0.25

    def __post_init__(self) -> None:
        if not (self.shared_sd > 0 and self.regime_sd > 0):
            raise ConfigError(
                f"shared_sd and regime_sd are standard deviations of weights, were {self.shared_sd} and "
                f"{self.regime_sd}; 0.5 and 0.25 are usual"
            )

    def fit(
        self,
        members: MemberLogits,
        regime: FloatArray,
        y: FloatArray,
        weight: FloatArray,
        *,
        base_rate: FloatArray | None = None,
    ) -> FittedEnsemble:
        """Fit on forecasts of rows that no member was trained on; `y`, `weight` (n_rows, 2), `regime` (n_rows, n).

        `base_rate` (2,) is that of the training part of the members to be pooled, as for `fit_calibration`. Rows that
        lack a forecast, a regime or a label are left out; none at all leaves the weights where they begin.
        """
        start = self._start(tuple(members))
        calibrations = {
            name: fit_calibration(logits, y, weight, base_rate=base_rate) for name, logits in members.items()
        }
        pivot = next(iter(calibrations.values())).pivot
        deviation = np.stack([one.logits(members[name]) - pivot for name, one in calibrations.items()], axis=2)
        known = (
            np.isfinite(deviation).all(axis=(1, 2))
            & np.isfinite(regime).all(axis=1)
            & np.isfinite(y).all(axis=1)
            & (weight > 0).all(axis=1)
        )
        weights = np.tile(start, (regime.shape[1], 1))
        if known.any():
            weights = self._weights(deviation[known], regime[known], y[known], weight[known], weights)
        return FittedEnsemble(calibrations, weights, pivot)

    def _start(self, names: tuple[str, ...]) -> FloatArray:
        if not names:
            raise ConfigError("an ensemble needs members; give it the log-odds of at least one forecaster")
        if self.incumbent is None:
            return np.full(len(names), 1 / len(names))
        if self.incumbent not in names:
            raise ConfigError(f"the incumbent {self.incumbent!r} is none of the members {', '.join(names)}")
        return np.array([float(name == self.incumbent) for name in names])

    def _weights(
        self, deviation: FloatArray, regime: FloatArray, y: FloatArray, weight: FloatArray, start: FloatArray
    ) -> FloatArray:
        """The most probable weights (n_states, n_members), a side's level being free and then forgotten.

        `deviation` (n_rows, 2, n_members) are the members' log-odds less the base rate's.
        """
        n_states, n_members = start.shape
        shared = np.full((n_states, n_states), self.shared_sd**2) + self.regime_sd**2 * np.eye(n_states)
        precision = np.asarray(np.kron(np.linalg.inv(shared), np.eye(n_members)), np.float64)
        sides = [(regime[:, :, None] * deviation[:, side, None, :]).reshape(len(y), -1) for side in range(2)]
        sides = [x - weight[:, side] @ x / weight[:, side].sum() for side, x in enumerate(sides)]
        rate = (weight * y).sum(axis=0) / weight.sum(axis=0)
        if not ((rate > 0) & (rate < 1)).all():
            raise FitError(f"an ensemble needs both outcomes on each side, found rates of {rate}; give it more history")
        level, w = log_odds(rate), start.ravel()
        for _ in range(_MAX_STEPS):
            gradient: FloatArray = precision @ (w - start.ravel())
            curvature = precision.copy()
            for side, x in enumerate(sides):
                z = x @ w
                level[side] = _level(z, y[:, side], weight[:, side], level[side])
                p = sigmoid(level[side] + z)
                gradient += x.T @ (weight[:, side] * (p - y[:, side]))
                # columns are centred, so that the level has next to no part in the curvature
                curvature += (x * (weight[:, side] * p * (1 - p))[:, None]).T @ x
            moved = minimise(curvature, gradient, w, n_states)
            is_done = np.abs(moved - w).max() < 1e-9
            w = moved
            if is_done:
                return w.reshape(start.shape)
        raise FitError(
            f"the weights of {n_members} members in {n_states} regimes did not settle in {_MAX_STEPS} steps on "
            f"{len(y)} rows; leave out members whose log-odds are extreme"
        )


def _level(z: FloatArray, y: FloatArray, weight: FloatArray, level: float) -> float:
    """The constant that makes the forecasts right on average."""
    for _ in range(_MAX_STEPS):
        p = sigmoid(level + z)
        step = (weight @ (p - y)) / (weight @ (p * (1 - p)))
        level -= float(np.clip(step, -1.0, 1.0))
        if abs(step) < 1e-13:
            break
    return level
