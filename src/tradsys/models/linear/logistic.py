"""Ridge logistic regression, pooled over symbols: the decision maker that everything else has to beat."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from tradsys.core.arrays import BoolArray, FloatArray
from tradsys.core.errors import BundleError, FitError
from tradsys.core.json_text import read_json
from tradsys.core.linear import linear
from tradsys.core.logistic import log_odds
from tradsys.core.plain_values import PlainValues
from tradsys.models.forecaster import Panel, Rows, check_n_features, stack
from tradsys.models.linear.penalty import Problem, check_penalty, choose_penalties

_MAX_STEPS = 60
_SMALLEST_GRADIENT = 1e-10
_FILE = "linear.json"


@dataclass(frozen=True, slots=True)
class FittedLinear(PlainValues):
    """Log-odds that are linear in the features, one row of coefficients a side; every linear model fits into it."""

    kind: ClassVar[str] = "linear"
    memory: ClassVar[int] = 0

    intercept: FloatArray
    """Shape (2,), long and short."""
    coef: FloatArray
    """Shape (2, n_features); zero where the model does not use a column."""

    def logits(self, X: FloatArray) -> FloatArray:
        check_n_features(X, self.coef.shape[1])
        return linear(X, self.coef.T, self.intercept)

    def to_files(self) -> dict[str, bytes]:
        return {_FILE: json.dumps(self.to_dict(), indent=1).encode()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        if _FILE not in files:
            raise BundleError(f"a linear model needs {_FILE}, found {sorted(files)}; export the model again")
        return cls.from_dict(read_json(files[_FILE]))


@dataclass(frozen=True, slots=True)
class RidgeLogistic:
    """Logistic regression on standardised columns, one model a side, all symbols pooled, no symbol dummies.

    Minimises, with the labels' uniqueness w as weights,

        sum_i w_i logloss_i / sum_i w_i  +  penalty / 2 * |coef|^2 ,

    the intercept being free. The penalty thus counts *per row*: it does not fade as history grows, because on bars the
    signal is weak and drifts. A standardised column alone has a curvature of p(1-p), about .25, so that a penalty of 1
    leaves it a fifth of its unpenalised coefficient; what many columns say together (momentum) survives. On
    hourly bars .5 to 2 did best; with `penalty=None` the training rows choose, and leave 2 only where they
    show that less is better, for volatility columns and for all others apart (`choose_penalties`).
    """

    penalty: float | None = None
    name: ClassVar[str] = "logistic"
    memory: ClassVar[int] = 0

    def __post_init__(self) -> None:
        check_penalty(self.penalty)

    def fit(self, panel: Panel, rows: Rows, *, seed: int) -> FittedLinear:
        del seed
        return fit_two_sides(panel, rows, np.ones(len(panel.columns), bool), self.penalty)


def fit_two_sides(panel: Panel, rows: Rows, columns: BoolArray, penalty: float | None) -> FittedLinear:
    """A logistic model a side on the chosen columns; both sides share the penalties."""
    problems = side_problems(panel, rows, columns)
    kinds = (panel.is_volatility[columns], ~panel.is_volatility[columns])
    strength = choose_penalties(problems, [kind for kind in kinds if kind.any()]) if penalty is None else penalty
    intercept, coef = np.zeros(2), np.zeros((2, len(panel.columns)))
    for side, problem in enumerate(problems):
        intercept[side], coef[side, columns] = fit_logistic(problem.X, problem.y, problem.weight, strength)
    return FittedLinear(intercept, coef)


def side_problems(panel: Panel, rows: Rows, columns: BoolArray) -> tuple[Problem, Problem]:
    """The long and the short side's rows, all symbols pooled; a FitError where there is nothing to learn from."""
    X, y, weight = _stacked(panel.X, rows, columns), panel.stack_y(rows), panel.stack_weight(rows)
    start = stack(panel.start, rows)
    end = stack(panel.end, rows)
    for side in range(2):
        weighted_rate(y[:, side], weight[:, side])
    long, short = (Problem(X, y[:, side], weight[:, side], start, end[:, side]) for side in range(2))
    return long, short


def _stacked(values: Sequence[FloatArray], rows: Rows, columns: BoolArray) -> FloatArray:
    """Some columns of the chosen rows, symbol after symbol, column by column in memory; nothing is copied twice."""
    ends = np.cumsum([np.count_nonzero(mask) for mask in rows]).tolist()
    X = np.empty((ends[-1], np.count_nonzero(columns)), order="F")
    for own, mask, first, end in zip(values, rows, [0, *ends], ends, strict=False):
        X[first:end] = own[mask][:, columns]
    return X


def weighted_rate(y: FloatArray, weight: FloatArray) -> float:
    """Weighted share of ones; a FitError where there is nothing to learn from."""
    total = float(weight.sum())
    if len(y) == 0 or total <= 0:
        raise FitError(f"a model needs labelled rows with positive weight, found {len(y)} rows of weight {total}")
    rate = float(weight @ y) / total
    if not 0 < rate < 1:
        raise FitError(f"a model needs both outcomes, found only {rate:.0f} among {len(y)} labels; load more history")
    return rate


def fit_logistic(
    X: FloatArray,
    y: FloatArray,
    weight: FloatArray,
    penalty: float | FloatArray,
    offset: FloatArray | None = None,
) -> tuple[float, FloatArray]:
    """Intercept and coefficients that minimise mean log-loss + penalty / 2 coef^2, shapes (n, F), (n,), (n,).

    `penalty` is one for all columns, or one for each. With an `offset` (n,) the model adds to those log-odds.

    Newton's method. The curvature hardly moves where p stays near its mean, so it is kept until a step
    gains less than a digit; steps that do not lower the loss are halved.
    """
    rate = weighted_rate(y, weight)
    w = weight / weight.sum()
    design = np.column_stack([np.ones(len(X)), X])
    ridge = np.zeros(design.shape[1])
    ridge[1:] = penalty
    beta = np.zeros(design.shape[1])
    beta[0] = log_odds(rate) if offset is None else 0.0
    p, loss = _forecast(design, y, w, beta, ridge, offset)
    curvature, previous = None, np.inf
    for _ in range(_MAX_STEPS):
        gradient = (w * (p - y)) @ design + ridge * beta
        size = float(np.abs(gradient).max())
        if size <= _SMALLEST_GRADIENT:
            return float(beta[0]), beta[1:]
        if curvature is None or size > previous / 10:
            curvature = (design * (w * p * (1 - p))[:, None]).T @ design + np.diag(ridge)
        previous = size
        step = np.linalg.solve(curvature, gradient)
        for _ in range(30):
            p, new_loss = _forecast(design, y, w, beta - step, ridge, offset)
            if new_loss <= loss + 1e-14:
                break
            step /= 2
        beta, loss = beta - step, new_loss
    raise FitError(
        f"the logistic fit on {len(X)} rows x {X.shape[1]} columns did not converge in {_MAX_STEPS} steps "
        f"(gradient {size:.1e}); raise the penalty or check the columns' scale"
    )


def _forecast(
    design: FloatArray, y: FloatArray, w: FloatArray, beta: FloatArray, ridge: FloatArray, offset: FloatArray | None
) -> tuple[FloatArray, float]:
    """Probabilities and penalised loss at `beta`; steps are done in place, since the rows are many."""
    z = design @ beta
    if offset is not None:
        z += offset
    tail = np.abs(z)
    np.exp(np.negative(tail, out=tail), out=tail)
    p = np.where(z >= 0, 1.0, tail)
    p /= 1.0 + tail
    losses = np.maximum(z, 0)
    losses -= np.multiply(z, y, out=z)
    losses += np.log1p(tail, out=tail)
    loss = w @ losses + 0.5 * (ridge @ beta**2)
    return p, float(loss)
