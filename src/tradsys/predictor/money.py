"""Expected returns held against what such decisions earned out of fold: shrunk, with a standard error."""

from dataclasses import dataclass, replace
from math import sqrt
from typing import NamedTuple, Self

import numpy as np

from tradsys.core.arrays import BoolArray, FloatArray, IntArray
from tradsys.core.errors import ConfigError, FitError
from tradsys.core.plain_values import PlainValues
from tradsys.core.time import DAY_MS
from tradsys.predictor.valuation import ValuedForecasts
from tradsys.profiles.rules import surely_above

TOLERATED = 0.5
"""Standard errors below zero down to which decisions on record still pass for ones that earned their costs."""

PRIOR_MEAN = np.array([0.0, 0.0, 1.0])
PRIOR_SD = np.array([0.02, 0.02, 0.5])
"""Of level and trend, in average true ranges a trade, and of slope: until the record says otherwise forecasts are
right, and what the market did while they were fitted does not go on."""

_BLOCK_MS = 7 * DAY_MS
_FEWEST_ROWS = 30
_LEAST_VARIANCE = 0.25
"""Share of the variance of independent labels; blocks that happen to agree do not bring it below."""


class Money(NamedTuple):
    """Expected return after costs of entering each side, and its standard error, both (n, 2), of the entry price."""

    expected_net: FloatArray
    standard_error: FloatArray


@dataclass(frozen=True, slots=True)
class Earned(PlainValues):
    """What the decisions on record that were expected to pay brought after costs: a mean over `n` independent ones."""

    mean: float
    standard_error: float
    n: float

    @property
    def is_enough(self) -> bool:
        """Whether they earned their costs; nothing on record speaks against it."""
        return self.n == 0 or self.mean > -TOLERATED * self.standard_error


@dataclass(frozen=True, slots=True)
class MoneyCalibration(PlainValues):
    """What a forecast of money is worth: in average true ranges, `level + s * trend + slope * (g - s * drift)`.

    g is the gross return that is forecast for a side, and s is 1 for the long side and -1 for the short. `drift` is the
    part of g that was the same in all forecasts on record, the trend of the time in which they were fitted. How much of
    it lasts is `trend`: a year of hours knows a market's direction from a handful of moves, however many labels it has.
    `coefficient` (3,) is level, trend and slope, with its `covariance` (3, 3).
    """

    drift: float
    coefficient: FloatArray
    covariance: FloatArray
    earned: Earned

    def __post_init__(self) -> None:
        shapes = (self.coefficient.shape, self.covariance.shape)
        if shapes != ((3,), (3, 3)) or not np.isfinite([self.drift, *self.coefficient, *self.covariance.ravel()]).all():
            raise ConfigError(
                f"a calibration of money has 3 finite coefficients and their covariance, found shapes {shapes}"
            )

    @classmethod
    def fit(
        cls,
        judged: ValuedForecasts,
        net: FloatArray,
        weight: FloatArray,
        start: IntArray,
        atr_over_price: FloatArray,
        *,
        longest_ms: int,
    ) -> Self:
        """From forecasts out of fold and what entering each side would have earned; a FitError below 30 labels.

        `net` and `weight` (uniqueness) are (n, 2), `start` (ms) and `atr_over_price` (n,); no label lives longer than
        `longest_ms`. The posterior mean under a normal prior (empirical Bayes). The covariance of the data is that of
        whole weeks, or of longer labels' time, since labels that overlap and symbols that move together are one
        observation: Liang & Zeger, "Longitudinal data analysis using generalized linear models", *Biometrika* 73
        (1986).
        """
        record = _Record.of(judged, net, weight, start, atr_over_price, max(_BLOCK_MS, longest_ms))
        if len(record.net) < _FEWEST_ROWS:
            raise FitError(
                f"what forecasts of money are worth is known from {_FEWEST_ROWS} labels on, found {len(record.net)}; "
                "load more history"
            )
        drift = record.drift
        X, precision = record.design(drift), np.diag(PRIOR_SD**-2.0)
        found, covariance = _least_squares(X, (record.net + record.cost) / record.atr, record.weight, record.block)
        of_data = np.linalg.inv(covariance)
        posterior = np.linalg.inv(of_data + precision)
        coefficient = posterior @ (of_data @ found + precision @ PRIOR_MEAN)
        coefficient[2] = max(coefficient[2], 0.0)  # a forecast that was wrong so far says nothing, not its opposite
        fitted = cls(drift, coefficient, posterior, Earned(0.0, 0.0, 0.0))
        return replace(fitted, earned=record.earned(surely_above(*fitted._of(X, record.cost, record.atr))))

    def apply(self, valued: ValuedForecasts, atr_over_price: FloatArray) -> Money:
        """What the forecasts are worth, a side each; NaN in rows with NaN, and where prices do not move at all."""
        pace = _moving(atr_over_price)[:, None]
        sign = np.broadcast_to(np.array([1.0, -1.0]), valued.expected_net.shape)
        return self._of(_design((valued.expected_net + valued.cost) / pace, sign, self.drift), valued.cost, pace)

    def _of(self, X: FloatArray, cost: FloatArray, atr: FloatArray) -> Money:
        variance = np.einsum("...i,ij,...j->...", X, self.covariance, X)
        return Money(atr * (X @ self.coefficient) - cost, atr * np.sqrt(np.maximum(variance, 0.0)))


def _moving(atr: FloatArray) -> FloatArray:
    """Average true ranges to divide by: NaN where a market stood still."""
    return np.where(atr > 0, atr, np.nan)


def _design(gross: FloatArray, sign: FloatArray, drift: float) -> FloatArray:
    """Columns of level, trend and slope, in a new last dimension."""
    return np.stack([np.ones_like(gross), sign, gross - sign * drift], axis=-1)


class _Record(NamedTuple):
    """The better side of each forecast on record, (n,); `gross` (n, 2) and the prices' `atr` as shares of the price."""

    gross: FloatArray
    side: IntArray
    cost: FloatArray
    net: FloatArray
    weight: FloatArray
    atr: FloatArray
    block: IntArray

    @classmethod
    def of(
        cls,
        judged: ValuedForecasts,
        net: FloatArray,
        weight: FloatArray,
        start: IntArray,
        atr: FloatArray,
        block_ms: int,
    ) -> Self:
        """What has a forecast, an outcome and a weight."""
        better = (np.arange(len(start)), judged.best_side)
        gross = (judged.expected_net + judged.cost) / _moving(atr)[:, None]
        known = np.isfinite(gross).all(axis=1) & np.isfinite(net[better]) & (weight[better] > 0)
        first = start[known].min(initial=np.iinfo(np.int64).max)
        return cls(
            gross=gross[known],
            side=judged.best_side[known],
            cost=judged.cost[better][known],
            net=net[better][known],
            weight=weight[better][known],
            atr=atr[known],
            block=(start[known] - first) // block_ms,
        )

    @property
    def drift(self) -> float:
        """Half of what the long side was ahead of the short on average, in average true ranges."""
        return float(self.weight @ (self.gross[:, 0] - self.gross[:, 1]) / (2 * self.weight.sum()))

    def design(self, drift: float) -> FloatArray:
        """Level, trend and slope of each row, (n, 3)."""
        better = self.gross[np.arange(len(self.side)), self.side]
        return _design(better, np.where(self.side == 0, 1.0, -1.0), drift)

    def earned(self, rows: BoolArray) -> Earned:
        """What the chosen rows brought."""
        w, net = self.weight[rows], self.net[rows]
        if not len(w):
            return Earned(0.0, 0.0, 0.0)
        return Earned(float(w @ net / w.sum()), sqrt(float(w @ net**2)) / float(w.sum()), float(w.sum()))


def _least_squares(X: FloatArray, y: FloatArray, w: FloatArray, block: IntArray) -> tuple[FloatArray, FloatArray]:
    """Weighted least squares and its sandwich covariance over blocks, never far below that of independent rows."""
    bread = np.linalg.inv(X.T @ (X * w[:, None]) + 1e-6 * np.eye(X.shape[1]))
    found = bread @ (X.T @ (w * y))
    residual = w * (y - X @ found)
    n_blocks = int(block.max()) + 1
    score = np.stack([np.bincount(block, residual * column, n_blocks) for column in X.T], axis=1)
    robust = bread @ (score.T @ score) @ bread * (n_blocks / max(n_blocks - 1, 1))
    independent = bread * float(w @ (y - X @ found) ** 2 / w.sum())
    return found, np.asarray(robust + _LEAST_VARIANCE * independent)
