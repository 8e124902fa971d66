"""Reliability of forecasts: how often it happened in bins of like forecasts, and the Brier score decomposed by them."""

from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.counts import check_counts
from tradsys.core.errors import ConfigError
from tradsys.verdict.refusals import finite_numbers, probabilities, same_shape


def clopper_pearson(k: float, n: float, *, tail: float = 0.025) -> tuple[float, float]:
    """Interval of a share of k in n, at 95% unless another `tail` is left out at each end.

    Neither needs to be whole: `n` may be what overlapping observations are worth.

    >>> clopper_pearson(19, 24)
    (0.578..., 0.928...)

    Clopper & Pearson, *Biometrika* 26 (1934), p. 404.
    """
    finite_numbers(k=k, n=n, tail=tail)
    if not (0 <= k <= n and 0 < tail < 0.5):
        raise ConfigError(f"wanted 0 <= k <= n and a tail between 0 and 0.5, found {k} in {n} and a tail of {tail}")
    low = betaincinv(k, n - k + 1, tail) if k > 0 else 0.0
    high = betaincinv(k + 1, n - k, 1.0 - tail) if k < n else 1.0
    return float(low), float(high)


BINS = 10


@dataclass(frozen=True, slots=True)
class ForecastBin:
    """Like forecasts of one side: their mean, how often it happened with an exact 95% interval, and their number."""

    predicted: float
    observed: float
    n: int
    effective_n: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class BrierParts:
    """The Brier score = `reliability` - `resolution` + `uncertainty` + `within`.

    `reliability` is what miscalibration costs, `resolution` what separating cases gains, `uncertainty` the score of
    the base rate itself, `within` what the spread of the forecasts inside their bins leaves over: none where every
    forecast is its bin's mean.
    """

    reliability: float
    resolution: float
    uncertainty: float
    within: float


def reliability_bins(
    probability: FloatArray, y: FloatArray, uniqueness: FloatArray, *, n_bins: int = BINS
) -> list[ForecastBin]:
    """One side's forecasts (n,) in bins of about equal count, from low to high; equal forecasts share a bin.

    The intervals are Clopper and Pearson's for the bin's effective number of labels: the sum of their `uniqueness`.
    """
    probability, y = probabilities(probability, "forecasts"), probabilities(y, "outcomes")
    uniqueness = probabilities(uniqueness, "uniqueness")
    same_shape(probability, y, "forecasts and outcomes")
    same_shape(probability, uniqueness, "forecasts and their uniqueness")
    check_counts(n_bins=n_bins)
    found = []
    bin_of = _bins(probability, n_bins)
    for k in range(bin_of.max() + 1 if len(bin_of) else 0):
        rows = bin_of == k
        n, observed = max(float(uniqueness[rows].sum()), 1.0), float(y[rows].mean())
        low, high = clopper_pearson(observed * n, n)
        found.append(
            ForecastBin(
                predicted=float(probability[rows].mean()),
                observed=observed,
                n=int(rows.sum()),
                effective_n=n,
                low=low,
                high=high,
            )
        )
    return found


def brier_parts(probability: FloatArray, y: FloatArray, *, n_bins: int = BINS) -> BrierParts:
    """Decompose the Brier score of forecasts (n, n_sides), binned a side, with each side's own base rate; their mean.

    Murphy, "A new vector partition of the probability score", Journal of Applied Meteorology 12 (1973); `within` after
    Stephenson, Coelho and Jolliffe, "Two extra components in the Brier score decomposition", Weather and Forecasting 23
    (2008).
    """
    probability, y = probabilities(probability, "forecasts"), probabilities(y, "outcomes")
    same_shape(probability, y, "forecasts and outcomes")
    check_counts(n_bins=n_bins)
    sides = [_one_side(p, hit, n_bins) for p, hit in zip(probability.T, y.T, strict=True)]
    return BrierParts(*(float(np.mean(part)) for part in zip(*sides, strict=True)))


def _one_side(p: FloatArray, y: FloatArray, n_bins: int) -> tuple[float, float, float, float]:
    bin_of = _bins(p, n_bins)
    n = np.bincount(bin_of)
    predicted, observed = np.bincount(bin_of, weights=p) / n, np.bincount(bin_of, weights=y) / n
    rate = y.mean()
    within = p - predicted[bin_of]
    return (
        float(n @ (predicted - observed) ** 2 / len(p)),
        float(n @ (observed - rate) ** 2 / len(p)),
        float(rate * (1 - rate)),
        float((within**2).mean() - 2 * (within * y).mean()),
    )


def _bins(p: FloatArray, n_bins: int) -> IntArray:
    """Bin of each forecast (n,), counted from 0 without holes; the edges are quantiles, so that ties stay together."""
    edges = np.quantile(p, np.arange(1, n_bins) / n_bins, method="lower") if len(p) else np.empty(0)
    return np.asarray(np.unique(np.searchsorted(edges, p, side="right"), return_inverse=True)[1], np.int64)
