"""The journal's volatility agent: forecasts how much further bars will move, and from that how barriers are reached."""

from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple

import numpy as np

from tradsys.core.arrays import BoolArray, FloatArray, IntArray
from tradsys.core.errors import ConfigError, DataError, FitError
from tradsys.models.forecaster import Panel, Rows, stack
from tradsys.models.linear.logistic import fit_logistic, weighted_rate
from tradsys.models.linear.penalty import Problem, check_penalty, choose_penalties
from tradsys.models.linear.volatility_forecast import (
    ReachMap,
    Ridge,
    VolatilityForecast,
    fit_ridge,
    fit_scale,
    reach_inputs,
)
from tradsys.splits.kfold import PurgedKFold

RIDGES = (1.0, 0.3, 0.1, 0.03, 0.01, 0.003)
"""Penalties of the regression, from the strongest; volatility is so much easier to forecast than direction that the
training rows may choose freely among them."""


@dataclass(frozen=True, slots=True)
class VolatilityAgent:
    """Regression of the expansion of volatility on the volatility columns, then a map from that to both sides' odds.

    `VolatilityOnly` asks of every label a yes or no: does the target come first? Here the same columns first learn what
    each label's bars tell in full, by how much they moved (the heterogeneous autoregression of Corsi, with the
    features' several windows as its terms), and three numbers of that forecast are then mapped to log-odds, with
    forecasts out of fold. Volatility knows no direction, so that both sides share the map but for their level.

    `levels` are the quantiles that are forecast; `penalty` is that of the map to log-odds, None lets the rows choose.

    Corsi, "A simple approximate long-memory model of realized volatility", *J. Financial Econometrics* 7 (2009).
    """

    levels: tuple[float, ...] = (0.05, 0.25, 0.5, 0.75, 0.95)
    n_folds: int = 5
    penalty: float | None = None
    name: ClassVar[str] = "volatility"
    memory: ClassVar[int] = 0

    def __post_init__(self) -> None:
        check_penalty(self.penalty)
        rising = list(self.levels) == sorted(set(self.levels))
        if not (self.levels and rising and min(self.levels) > 0 and max(self.levels) < 1):
            raise ConfigError(f"levels must rise between 0 and 1, were {self.levels}; (0.05, 0.5, 0.95) would do")
        if self.n_folds < 2:
            raise ConfigError(f"n_folds must be at least 2, was {self.n_folds}; 5 is usual")

    def fit(self, panel: Panel, rows: Rows, *, seed: int) -> VolatilityForecast:
        del seed
        columns = panel.is_volatility if panel.is_volatility.any() else np.ones(len(panel.columns), bool)
        lives = _lives(panel, rows)
        X = lives.X[:, columns]
        folds = _folds(lives, self.n_folds)
        ridge, residual = _choose_ridge(X, lives, folds)
        weight = lives.weight.mean(axis=1)
        location = fit_ridge(X, lives.expansion, weight, ridge)
        narrow = fit_scale(location, X, residual, weight, levels=self.levels, penalty=max(RIDGES))
        inputs = reach_inputs(lives.expansion - residual, narrow.log_scale(X))
        expansion = replace(
            narrow, location=_spread(narrow.location, columns), log_scale=_spread(narrow.log_scale, columns)
        )
        either = lives.y.max(axis=1, keepdims=True)
        return VolatilityForecast(expansion, self._map(inputs, lives, lives.y), self._map(inputs, lives, either))

    def _map(self, inputs: FloatArray, lives: "_Lives", y: FloatArray) -> ReachMap:
        """Logistic regression of y (n_rows, n_outcomes) on the out-of-fold forecasts, (n_rows, 3)."""
        n = y.shape[1]
        weight = lives.weight if n == 2 else lives.weight.mean(axis=1, keepdims=True)
        centre, spread = inputs.mean(axis=0), inputs.std(axis=0) + 1e-12
        z = (inputs - centre) / spread
        problems = [Problem(z, y[:, k], weight[:, k], lives.start, lives.end) for k in range(n)]
        if self.penalty is None:
            penalty = choose_penalties(problems, [np.ones(z.shape[1], bool)])
        else:
            penalty = np.full(z.shape[1], self.penalty)
        # one slope for all outcomes; a level of its own for each but the first is a column without penalty
        own = np.repeat(np.eye(n)[:, 1:], len(z), axis=0)
        level, coef = fit_logistic(
            np.column_stack([np.tile(z, (n, 1)), own]),
            y.T.ravel(),
            weight.T.ravel(),
            np.concatenate([penalty, np.zeros(n - 1)]),
        )
        levels = level + np.concatenate([[0.0], coef[z.shape[1] :]])
        return ReachMap(centre, spread, levels, coef[: z.shape[1]])


class _Lives(NamedTuple):
    """The rows of a fit, symbol after symbol: X (n, F), expansion (n,), y and weight (n, 2), start and end (n,)."""

    X: FloatArray
    expansion: FloatArray
    y: FloatArray
    weight: FloatArray
    start: IntArray
    end: IntArray


def _lives(panel: Panel, rows: Rows) -> _Lives:
    """Chosen rows with an expansion; a life ends when both its label and its expansion are known."""
    if not panel.expansion:
        raise FitError(
            "the volatility agent learns from how far bars moved, and this panel has no expansion; "
            "add it with labels.volatility_expansion"
        )
    rows = tuple(mask & np.isfinite(e) for mask, e in zip(rows, panel.expansion, strict=True))
    y, weight = panel.stack_y(rows), panel.stack_weight(rows)
    for side in range(2):
        weighted_rate(y[:, side], weight[:, side])
    ends = zip(panel.last_end(), panel.expansion_end, rows, strict=True)
    return _Lives(
        X=panel.stack_X(rows),
        expansion=stack(panel.expansion, rows),
        y=y,
        weight=weight,
        start=stack(panel.start, rows),
        end=np.concatenate([np.maximum(label, known)[r] for label, known, r in ends]),
    )


def _folds(lives: _Lives, n_folds: int) -> list[tuple[IntArray, IntArray]]:
    try:
        return list(PurgedKFold(n_folds).split(lives.start, intervals=(lives.start, lives.end)))
    except DataError as error:
        raise FitError(f"the volatility agent judges itself on {n_folds} purged folds: {error}") from None


def _choose_ridge(X: FloatArray, lives: _Lives, folds: list[tuple[IntArray, IntArray]]) -> tuple[float, FloatArray]:
    """The penalty with the smallest squared error out of fold, and the errors that it leaves there, (n_rows,)."""
    weight = lives.weight.mean(axis=1)
    residual = np.empty((len(X), len(RIDGES)))
    for train, test in folds:
        for k, ridge in enumerate(RIDGES):
            fitted = fit_ridge(X[train], lives.expansion[train], weight[train], ridge)
            residual[test, k] = lives.expansion[test] - fitted(X[test])
    best = int((weight @ residual**2).argmin())
    return RIDGES[best], residual[:, best]


def _spread(fitted: Ridge, columns: BoolArray) -> Ridge:
    """The regression on some columns as one on all of them."""
    coef = np.zeros(len(columns))
    coef[columns] = fitted.coef
    return Ridge(fitted.intercept, coef)
