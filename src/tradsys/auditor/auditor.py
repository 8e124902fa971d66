"""Meta-labels: the primary model has chosen the side; how likely is that trade to make money after costs?"""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.errors import BundleError, ConfigError, DataError, FitError
from tradsys.core.json_text import read_json
from tradsys.core.linear import linear
from tradsys.core.logistic import log_odds, sigmoid
from tradsys.core.plain_values import PlainValues
from tradsys.core.seeds import derive
from tradsys.labels.weights import krichevsky_trofimov
from tradsys.models.calibration import shrunk_slope
from tradsys.models.linear.logistic import fit_logistic, weighted_rate
from tradsys.models.linear.penalty import Problem, check_penalty, choose_penalties
from tradsys.models.trees.boosted import tree_parameters
from tradsys.models.trees.trees import BoostedTrees
from tradsys.splits.kfold import PurgedKFold


@dataclass(frozen=True, slots=True)
class TreeScore:
    """Boosted trees."""

    kind: ClassVar[str] = "trees"
    trees: BoostedTrees

    def margin(self, X: FloatArray) -> FloatArray:
        """Log-odds of finite rows, (n, n_inputs) -> (n,)."""
        return self.trees.margin(X)

    def to_files(self) -> dict[str, bytes]:
        return {"trees.ubj": self.trees.content}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        return cls(BoostedTrees.from_ubj(_file(files, "trees.ubj")))


@dataclass(frozen=True, slots=True)
class LineScore(PlainValues):
    """Linear log-odds of standardised inputs; `centre`, `scale` and `coef` have shape (n_inputs,)."""

    kind: ClassVar[str] = "line"
    centre: FloatArray
    scale: FloatArray
    coef: FloatArray
    intercept: float

    def margin(self, X: FloatArray) -> FloatArray:
        return linear((X - self.centre) / self.scale, self.coef, self.intercept)

    def to_files(self) -> dict[str, bytes]:
        return {"line.json": json.dumps(self.to_dict()).encode()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        return cls.from_dict(read_json(_file(files, "line.json")))


def _file(files: Mapping[str, bytes], name: str) -> bytes:
    if name not in files:
        raise BundleError(f"this auditor needs {name}, found {sorted(files)}; export it again")
    return files[name]


_ABOUT = "auditor.json"
type TradeScore = TreeScore | LineScore
"""Uncalibrated log-odds that a trade makes money."""
_SCORES: dict[str, type[TreeScore] | type[LineScore]] = {"trees": TreeScore, "line": LineScore}


@dataclass(frozen=True, slots=True)
class FittedAuditor:
    """Calibrated probability that a trade makes money: `pivot + slope * (score - pivot)`, in log-odds.

    `pivot` is the log-odds of the training trades' base rate. Without a score every trade gets the base rate, and
    `reason` says why; `is_informative` is then False.
    """

    n_inputs: int
    pivot: float
    slope: float
    score: TradeScore | None
    reason: str = ""

    @property
    def is_informative(self) -> bool:
        """Whether two trades can get different probabilities."""
        return self.score is not None

    def probability(self, X: FloatArray) -> FloatArray:
        """Probability that each trade makes money, (n_trades, n_inputs) -> (n_trades,); NaN where an input is NaN."""
        if X.ndim != 2 or X.shape[1] != self.n_inputs:
            raise ConfigError(f"this auditor was fitted on {self.n_inputs} inputs, found an array of shape {X.shape}")
        known = np.isfinite(X).all(axis=1)
        margin = np.full(len(X), np.nan)
        margin[known] = self.pivot
        if self.score is not None and known.any():
            margin[known] += self.slope * (self.score.margin(X[known]) - self.pivot)
        return sigmoid(margin)

    def to_files(self) -> dict[str, bytes]:
        about = {
            "n_inputs": self.n_inputs,
            "pivot": self.pivot,
            "slope": self.slope,
            "score": None if self.score is None else self.score.kind,
            "reason": self.reason,
        }
        files = {} if self.score is None else self.score.to_files()
        return {_ABOUT: json.dumps(about, indent=1).encode()} | files

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        if _ABOUT not in files:
            raise BundleError(f"an auditor needs {_ABOUT}, found {sorted(files)}; export it again")
        about = read_json(files[_ABOUT])
        kind = about["score"]
        if kind is not None and kind not in _SCORES:
            raise BundleError(
                f"an auditor's score is one of {', '.join(_SCORES)}, found {kind!r}; use the version that wrote it"
            )
        score = None if kind is None else _SCORES[kind].from_files(files)
        return cls(about["n_inputs"], about["pivot"], about["slope"], score, about["reason"])


@dataclass(frozen=True, slots=True)
class AuditorSpec(ABC):
    """What every auditor shares: purged folds for the calibration, then one score of all trades.

    Fewer than `min_effective` independent trades, counted by uniqueness, or fewer than a tenth of that of one outcome,
    teach nothing: the fitted auditor then says so instead of guessing.
    """

    n_folds: int = 5
    min_effective: float = 100.0

    def __post_init__(self) -> None:
        if self.n_folds < 2 or self.min_effective <= 0:
            raise ConfigError(
                f"n_folds must be at least 2 and min_effective positive, were {self.n_folds} and {self.min_effective}"
            )

    @abstractmethod
    def _score(self, trades: Problem, seed: int) -> TradeScore:
        """Fit a score on these trades."""

    def fit(
        self, X: FloatArray, y_meta: FloatArray, weight: FloatArray, start: IntArray, end: IntArray, *, seed: int
    ) -> FittedAuditor:
        """Fit on the primary's out-of-fold trades, X of shape (n, n_inputs), all else (n,).

        `y_meta` is 1 where a trade made money after costs, `weight` the uniqueness of its label, `start` and `end`
        its life in ms.
        """
        shapes = {len(X), len(y_meta), len(weight), len(start), len(end)}
        if X.ndim != 2 or len(shapes) != 1:
            raise ConfigError(f"an auditor takes one row a trade in all arrays, found lengths {sorted(shapes)}")
        rows = np.flatnonzero((np.abs(X) > np.finfo(np.float32).max).any(axis=1))
        if len(rows):
            raise DataError(
                f"an auditor learns from inputs of single precision, found {len(rows)} trades with infinite or larger "
                f"ones, the first in row {rows[0]}; leave them out"
            )
        if not (np.isin(y_meta, (0.0, 1.0)).all() and np.isfinite(weight).all() and (weight >= 0).all()):
            raise DataError("an auditor takes outcomes of 0 and 1 and finite weights of at least 0, found others")
        trades = Problem(X, y_meta, weight, start, end)
        rate = krichevsky_trofimov(float(weight @ y_meta), float(weight.sum()))
        pivot = float(log_odds(rate))
        try:
            self._check_enough(trades)
            margins = self._margins_out_of_fold(trades, seed)
        except (DataError, FitError) as error:
            return FittedAuditor(X.shape[1], pivot, 0.0, None, str(error))
        slope = shrunk_slope(margins, y_meta, weight)
        if slope == 0:
            return FittedAuditor(X.shape[1], pivot, 0.0, None, "out of fold its scores said nothing about the outcome")
        return FittedAuditor(X.shape[1], pivot, slope, self._score(trades, derive(seed, "auditor")))

    def _check_enough(self, trades: Problem) -> None:
        total, won = float(trades.weight.sum()), float(trades.weight @ trades.y)
        if total < self.min_effective or min(won, total - won) < self.min_effective / 10:
            raise FitError(
                f"an auditor needs {self.min_effective:.0f} independent trades and a tenth of that of either outcome, "
                f"found {total:.0f}, of which {won:.0f} made money"
            )

    def _margins_out_of_fold(self, trades: Problem, seed: int) -> FloatArray:
        margins = np.empty(len(trades.y))
        folds = PurgedKFold(self.n_folds).split(trades.X, intervals=(trades.start, trades.end))
        for k, (train, test) in enumerate(folds):
            score = self._score(trades.take(train), derive(seed, "auditor fold", k))
            margins[test] = score.margin(trades.X[test])
        return margins


@dataclass(frozen=True, slots=True)
class Auditor(AuditorSpec):
    """Auditor of a few shallow boosted trees, on one thread so that the same trades give the same bytes."""

    max_depth: int = 2
    n_trees: int = 100
    learning_rate: float = 0.05
    subsample: float = 0.5
    min_rows_weight: float = 10.0
    ridge: float = 20.0

    def __post_init__(self) -> None:
        # a class with slots is made twice, and super() would look for the first
        AuditorSpec.__post_init__(self)
        if self.max_depth < 1 or self.n_trees < 1:
            raise ConfigError(
                f"max_depth and n_trees count and must be at least 1, were {self.max_depth} and {self.n_trees}"
            )

    def _score(self, trades: Problem, seed: int) -> TradeScore:
        import xgboost

        parameters = tree_parameters(seed, weighted_rate(trades.y, trades.weight)) | {
            "max_depth": self.max_depth,
            "learning_rate": self.learning_rate,
            "subsample": self.subsample,
            "min_child_weight": self.min_rows_weight,
            "reg_lambda": self.ridge,
        }
        rows = xgboost.DMatrix(trades.X, trades.y, weight=trades.weight, nthread=1)
        return TreeScore(BoostedTrees.of(xgboost.train(parameters, rows, self.n_trees)))


@dataclass(frozen=True, slots=True)
class LogisticAuditor(AuditorSpec):
    """Auditor of a ridge logistic regression: a hundred times quicker, and as good where the trades say little."""

    penalty: float | None = None

    def __post_init__(self) -> None:
        AuditorSpec.__post_init__(self)
        check_penalty(self.penalty)

    def _score(self, trades: Problem, seed: int) -> TradeScore:
        del seed
        centre, scale = trades.X.mean(axis=0), trades.X.std(axis=0)
        scale[scale <= 1e-12 * (1 + np.abs(centre))] = 1.0
        standard = trades._replace(X=(trades.X - centre) / scale)
        all_columns = np.ones(len(centre), bool)
        penalty = choose_penalties([standard], [all_columns]) if self.penalty is None else self.penalty
        intercept, coef = fit_logistic(standard.X, standard.y, standard.weight, penalty)
        return LineScore(centre, scale, coef, intercept)
