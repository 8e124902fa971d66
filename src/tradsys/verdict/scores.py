"""Scores of probabilities: log-loss, Brier and AUC, each with what it rests on and how far it may be off."""

from dataclasses import dataclass

import numpy as np

from tradsys.core.arrays import FloatArray
from tradsys.core.errors import DataError
from tradsys.verdict.refusals import finite, probabilities, same_shape
from tradsys.verdict.reliability import BrierParts, brier_parts
from tradsys.verdict.skill import Estimate, Overlap, estimate


@dataclass(frozen=True, slots=True)
class ForecastOutcomes:
    """What came of the forecast labels: `y` and their average uniqueness, both (n, n_sides), and how they overlap."""

    y: FloatArray
    uniqueness: FloatArray
    overlap: Overlap

    @property
    def n(self) -> int:
        """Forecasts a side."""
        return len(self.y)

    @property
    def effective_n(self) -> float:
        """Labels that overlap nothing which these are worth, averaged over the sides."""
        return float(self.uniqueness.sum(axis=0).mean())

    @property
    def base_rate(self) -> float:
        """How often it happened, over all sides."""
        return float(self.y.mean())


@dataclass(frozen=True, slots=True)
class ForecastScore:
    """One forecaster against the outcomes; a mean score is worth nothing without `n`, `effective_n` and `base_rate`.

    `auc` is None where a side has one outcome only.
    """

    n: int
    effective_n: float
    base_rate: float
    log_loss: Estimate
    brier: Estimate
    brier_parts: BrierParts
    auc: Estimate | None


def score(probability: FloatArray, outcomes: ForecastOutcomes, *, seed: int) -> ForecastScore:
    """Score probabilities (n, n_sides) of the outcomes; the intervals are those of `estimate`."""
    y, overlap = outcomes.y, outcomes.overlap
    area, influence = auc(probability, y), auc_influence(probability, y)
    return ForecastScore(
        n=outcomes.n,
        effective_n=outcomes.effective_n,
        base_rate=outcomes.base_rate,
        log_loss=estimate(log_loss(probability, y), overlap, seed=seed),
        brier=estimate(brier(probability, y), overlap, seed=seed),
        brier_parts=brier_parts(probability, y),
        auc=None if area is None or influence is None else estimate(area + influence, overlap, seed=seed),
    )


def log_loss(probability: FloatArray, y: FloatArray) -> FloatArray:
    """Mean over the sides of each row's log-loss in nats, (n, n_sides) -> (n,)."""
    probability, y = probabilities(probability, "forecasts"), probabilities(y, "outcomes")
    same_shape(probability, y, "forecasts and outcomes")
    p = np.clip(probability, 1e-12, 1 - 1e-12)
    return np.asarray(-(y * np.log(p) + (1 - y) * np.log1p(-p)).mean(axis=1))


def brier(probability: FloatArray, y: FloatArray) -> FloatArray:
    """Mean over the sides of each row's squared error, (n, n_sides) -> (n,).

    Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather Review 78 (1950), halved: the
    sum over both outcomes counts the same error twice.
    """
    probability, y = probabilities(probability, "forecasts"), probabilities(y, "outcomes")
    same_shape(probability, y, "forecasts and outcomes")
    return np.asarray(((probability - y) ** 2).mean(axis=1))


def auc(probability: FloatArray, y: FloatArray) -> float | None:
    """Area under the ROC curve, mean of the sides; ties count a half; None where a side has one outcome only."""
    beaten = _shares_beaten(probability, y)
    if beaten is None:
        return None
    return float(np.mean([share[hit == 1].mean() for share, hit in zip(beaten.T, y.T, strict=True)]))


def auc_influence(probability: FloatArray, y: FloatArray) -> FloatArray | None:
    """What each row adds to the area to first order, (n,), mean 0; None where a side has one outcome only.

    DeLong, DeLong and Clarke-Pearson, "Comparing the areas under two or more correlated receiver operating
    characteristic curves", Biometrics 44 (1988): a hit's placement among the misses, and the reverse.
    """
    beaten = _shares_beaten(probability, y)
    if beaten is None:
        return None
    rate = y.mean(axis=0)
    area = np.array([share[hit == 1].mean() for share, hit in zip(beaten.T, y.T, strict=True)])
    return np.asarray(((beaten - area) * np.where(y == 1, 1 / rate, 1 / (1 - rate))).mean(axis=1))


def _shares_beaten(probability: FloatArray, y: FloatArray) -> FloatArray | None:
    """Of each hit the share of misses ranked below it, of each miss the share of hits ranked above it; ties a half."""
    from scipy.stats import rankdata

    probability, y = finite(probability, "forecasts"), finite(y, "outcomes")
    same_shape(probability, y, "forecasts and outcomes")
    if probability.ndim != 2 or not np.isin(y, (0.0, 1.0)).all():
        raise DataError(f"an area takes outcomes of 0 and 1 of shape (n, n_sides), found others or {y.shape}")
    beaten = np.empty(probability.shape)
    for column, (p, hit) in enumerate(zip(probability.T, y.T == 1, strict=True)):
        n_hit = np.count_nonzero(hit)
        n_miss = len(hit) - n_hit
        if n_hit == 0 or n_miss == 0:
            return None
        rank = rankdata(p)
        beaten[hit, column] = (rank[hit] - rankdata(p[hit])) / n_miss
        beaten[~hit, column] = 1 - (rank[~hit] - rankdata(p[~hit])) / n_hit
    return beaten
