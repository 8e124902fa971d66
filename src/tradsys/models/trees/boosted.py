"""Gradient-boosted trees: the baseline that may bend, kept shallow and few because the bars hold little."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from tradsys.core.arrays import FloatArray
from tradsys.core.errors import BundleError, ConfigError
from tradsys.core.json_text import read_json
from tradsys.models.forecaster import Panel, Rows, check_n_features
from tradsys.models.linear.logistic import side_problems
from tradsys.models.linear.penalty import Problem
from tradsys.models.trees.trees import BoostedTrees
from tradsys.splits.walk_forward import WalkForward

if TYPE_CHECKING:
    import xgboost

_ABOUT, _SIDES = "boosted.json", ("long.ubj", "short.ubj")


@dataclass(frozen=True, slots=True)
class FittedBoosted:
    """Two boosters' trees, long and short; forecasts need no xgboost."""

    kind: ClassVar[str] = "boosted"
    memory: ClassVar[int] = 0

    n_features: int
    trees: tuple[BoostedTrees, BoostedTrees]

    def logits(self, X: FloatArray) -> FloatArray:
        check_n_features(X, self.n_features)
        known = np.isfinite(X).all(axis=1)
        z = np.full((len(X), 2), np.nan)
        if known.any():
            rows = X[known]
            z[known] = np.column_stack([one.margin(rows) for one in self.trees])
        return z

    def gain(self) -> FloatArray:
        """What all splits on a column saved of the training loss, (2, n_features), long and short; 0 where unused."""
        total = np.zeros((2, self.n_features))
        for side, trees in enumerate(self.trees):
            for name, saved in trees.booster().get_score(importance_type="total_gain").items():
                total[side, int(name.removeprefix("f"))] = saved
        return total

    def to_files(self) -> dict[str, bytes]:
        """The boosters as UBJ, and how many features they read."""
        about = {_ABOUT: json.dumps({"n_features": self.n_features}).encode()}
        return about | {name: one.content for name, one in zip(_SIDES, self.trees, strict=True)}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        if not {_ABOUT, *_SIDES} <= set(files):
            raise BundleError(f"a boosted model needs {_ABOUT} and {_SIDES}, found {sorted(files)}; export it again")
        long, short = (BoostedTrees.from_ubj(files[name]) for name in _SIDES)
        return cls(read_json(files[_ABOUT])["n_features"], (long, short))


@dataclass(frozen=True, slots=True)
class Boosted:
    """XGBoost on histograms; the number of trees is chosen on the last fifth of the training time, purged.

    Then all training rows are fitted with that number. One thread: the sums of a histogram depend on how rows are
    shared among threads, and the same bytes matter more here than the second it would save.
    """

    max_depth: int = 2
    learning_rate: float = 0.03
    max_trees: int = 300
    subsample: float = 0.5
    columns: float = 0.5
    min_rows_weight: float = 20.0
    ridge: float = 20.0
    validation: float = 0.2
    patience: int = 30
    name: ClassVar[str] = "boosted"
    memory: ClassVar[int] = 0

    def __post_init__(self) -> None:
        if self.max_depth < 1 or self.max_trees < 1 or self.patience < 1:
            raise ConfigError(
                "max_depth, max_trees and patience count and must be at least 1, "
                f"were {self.max_depth}, {self.max_trees} and {self.patience}"
            )
        if not (0 < self.validation < 1 and 0 < self.subsample <= 1 and 0 < self.columns <= 1):
            raise ConfigError(
                "validation, subsample and columns are shares between 0 and 1, "
                f"were {self.validation}, {self.subsample} and {self.columns}"
            )

    def fit(self, panel: Panel, rows: Rows, *, seed: int) -> FittedBoosted:
        sides = side_problems(panel, rows, np.ones(len(panel.columns), bool))
        long, short = (BoostedTrees.of(self._fit_side(problem, seed)) for problem in sides)
        return FittedBoosted(len(panel.columns), (long, short))

    def _fit_side(self, problem: Problem, seed: int) -> "xgboost.Booster":
        import xgboost

        X, y, weight, start, end = problem
        parameters = self._parameters(seed, float(weight @ y / weight.sum()))
        ((train, last),) = WalkForward(n_splits=1, initial=1 - self.validation).split(X, intervals=(start, end))
        # its quantiles come 30% sooner than those of a QuantileDMatrix, and are the same
        fit = xgboost.DMatrix(X[train], y[train], weight=weight[train], nthread=1)
        judge = xgboost.DMatrix(X[last], y[last], weight=weight[last], nthread=1)
        scores: dict[str, dict[str, list[float]]] = {}
        xgboost.train(
            parameters,
            fit,
            self.max_trees,
            evals=[(judge, "last")],
            early_stopping_rounds=self.patience,
            evals_result=scores,
            verbose_eval=False,
        )
        n_trees = 1 + int(np.argmin(scores["last"]["logloss"]))
        del fit, judge
        return xgboost.train(parameters, xgboost.DMatrix(X, y, weight=weight, nthread=1), n_trees)

    def _parameters(self, seed: int, base_rate: float) -> dict[str, Any]:
        return tree_parameters(seed, base_rate) | {
            "max_depth": self.max_depth,
            "learning_rate": self.learning_rate,
            "subsample": self.subsample,
            "colsample_bytree": self.columns,
            "min_child_weight": self.min_rows_weight,
            "reg_lambda": self.ridge,
        }


def tree_parameters(seed: int, base_rate: float) -> dict[str, Any]:
    """What every booster here shares."""
    return {
        "objective": "binary:logistic",
        "eval_metric": "logloss",
        "tree_method": "hist",
        "base_score": base_rate,
        "seed": seed,
        "verbosity": 0,
        "max_bin": 64,
        "nthread": 1,
    }
