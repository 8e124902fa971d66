"""Statistics of one Sharpe ratio: probabilistic, deflated, and how long a record it takes.

All ratios are per period, not annualised, and kurtosis is raw: a normal distribution has 3.
"""

from dataclasses import dataclass
from math import e, exp, inf, log, sqrt

import numpy as np
from scipy.special import log_ndtr, ndtr, ndtri, ndtri_exp

from tradsys.core.arrays import FloatArray
from tradsys.core.errors import ConfigError, DataError
from tradsys.core.time import DAYS_A_YEAR
from tradsys.verdict.refusals import at_least, finite, finite_numbers
from tradsys.verdict.stationary import long_run_variance

EULER_GAMMA = float(np.euler_gamma)


@dataclass(frozen=True, slots=True)
class Moments:
    """Per-period Sharpe ratio (ddof 1), skewness and raw kurtosis of a series of returns."""

    sharpe: float
    skewness: float
    kurtosis: float
    n_obs: int


def moments(returns: FloatArray) -> Moments:
    """Moments of a series, shape (n_obs,), that must move."""
    returns = finite(returns, "returns")
    sd = float(returns.std()) if len(returns) > 1 else 0.0
    if not sd > 0:
        raise DataError(f"a Sharpe ratio needs at least two returns that differ, found {len(returns)}")
    z = (returns - returns.mean()) / sd
    return Moments(
        sharpe=float(returns.mean()) / float(returns.std(ddof=1)),
        skewness=float((z**3).mean()),
        kurtosis=float((z**4).mean()),
        n_obs=len(returns),
    )


def probabilistic_sharpe_ratio(
    sharpe: float, n_obs: int, *, skewness: float, kurtosis: float, benchmark: float = 0.0
) -> float:
    """Probability that the true Sharpe ratio lies above `benchmark`, both per period.

    >>> round(probabilistic_sharpe_ratio(1.585 / 12**0.5, 24, skewness=-2.448, kurtosis=10.164), 6)
    0.913234

    Bailey and Lopez de Prado, "The Sharpe ratio efficient frontier", Journal of Risk 15(2) (2012), eq. 11.
    """
    finite_numbers(sharpe=sharpe, benchmark=benchmark, n_obs=n_obs)
    if n_obs < 2:
        raise ConfigError(f"n_obs must be at least 2, was {n_obs}")
    return float(ndtr((sharpe - benchmark) * sqrt(n_obs - 1) / sqrt(_variance(sharpe, skewness, kurtosis))))


def expected_max_sharpe(n_trials: float, trials_variance: float = 1.0) -> float:
    """Sharpe ratio that the best of `n_trials` reaches by luck when all are worthless; 0 for one trial.

    `trials_variance` is the variance of the trials' per-period Sharpe ratios. The number may be an effective one, which
    is no whole number; the formula would fall below 0 under 1.3 trials, and does not here.

    >>> round(expected_max_sharpe(100), 6)
    2.530603

    Bailey and Lopez de Prado, "The deflated Sharpe ratio", Journal of Portfolio Management 40(5) (2014), eq. 1.
    """
    finite_numbers(n_trials=n_trials, trials_variance=trials_variance)
    if n_trials < 1:
        raise ConfigError(f"n_trials must be at least 1, was {n_trials}; the trial itself counts")
    if trials_variance < 0:
        raise ConfigError(f"trials_variance must not be negative, was {trials_variance}")
    # the upper tail by symmetry: 1 - 1/K loses its digits for large K
    quantiles = -(1 - EULER_GAMMA) * ndtri(1 / n_trials) - EULER_GAMMA * ndtri(1 / (n_trials * e))
    return sqrt(trials_variance) * max(float(quantiles), 0.0)


def deflated_sharpe_ratio(
    sharpe: float, n_obs: int, *, skewness: float, kurtosis: float, n_trials: float, trials_variance: float
) -> float:
    """Probability that the true Sharpe ratio lies above what the best of `n_trials` worthless ones would show.

    Bailey and Lopez de Prado (2014), eq. 2.
    """
    luck = expected_max_sharpe(n_trials, trials_variance)
    return probabilistic_sharpe_ratio(sharpe, n_obs, skewness=skewness, kurtosis=kurtosis, benchmark=luck)


def min_track_record_length(
    sharpe: float, *, skewness: float, kurtosis: float, benchmark: float = 0.0, confidence: float = 0.95
) -> float:
    """Observations it takes before PSR(benchmark) reaches `confidence`; infinite where `sharpe` is not above it.

    Bailey and Lopez de Prado (2012), eq. 13.
    """
    if not 0.5 < confidence < 1:
        raise ConfigError(f"confidence must lie between 0.5 and 1, was {confidence}; 0.95 is usual")
    finite_numbers(sharpe=sharpe, benchmark=benchmark)
    variance = _variance(sharpe, skewness, kurtosis)
    return 1 + variance * (float(ndtri(confidence)) / (sharpe - benchmark)) ** 2 if sharpe > benchmark else inf


def min_backtest_length(n_trials: int, sharpe: float = 1.0) -> float:
    """Years below which the best of `n_trials` worthless strategies is expected to show the annual `sharpe`.

    Bailey, Borwein, Lopez de Prado and Zhu, "Pseudo-mathematics and financial charlatanism", Notices of the AMS 61(5)
    (2014), theorem 1.
    """
    finite_numbers(sharpe=sharpe)
    if not sharpe > 0:
        raise ConfigError(f"sharpe must be positive, was {sharpe}")
    return (expected_max_sharpe(n_trials) / sharpe) ** 2


def normal_upper_quantile(alpha: float, n_trials: int) -> float:
    """z that the largest of `n_trials` independent standard normals exceeds with probability `alpha`."""
    if not 0 < alpha < 1:
        raise ConfigError(f"alpha must lie between 0 and 1, was {alpha}; 0.05 is usual")
    at_least(1, n_trials=n_trials)
    return -float(ndtri_exp(log(-np.expm1(np.log1p(-alpha) / n_trials))))


def chance_of_none(t: float, n_trials: int) -> float:
    """Probability that none of `n_trials` independent standard normals reaches t: Phi(t) ** n_trials."""
    finite_numbers(t=t)
    return exp(n_trials * float(log_ndtr(t)))


def _variance(sharpe: float, skewness: float, kurtosis: float) -> float:
    """Variance of the estimated Sharpe ratio times (n_obs - 1)."""
    finite_numbers(skewness=skewness, kurtosis=kurtosis)
    if kurtosis < 1 + skewness**2 - 1e-9:
        raise ConfigError(
            f"kurtosis must be raw (normal = 3) and at least 1 + skewness^2 = {1 + skewness**2:.6g}, "
            f"was {kurtosis:.6g}; add 3 to an excess kurtosis"
        )
    return max(1 - skewness * sharpe + (kurtosis - 1) / 4 * sharpe**2, 1e-12)


_Z = 1.959963984540054
"""The normal quantile of 97.5%."""


@dataclass(frozen=True, slots=True)
class PathMean:
    """Annual Sharpe ratios a path, their mean, and its standard error as if they were independent, and as they are.

    `correlation` is the mean one of the paths' daily returns. None where nothing moved, or there is but one path.
    """

    sharpes: tuple[float | None, ...]
    mean: float | None
    naive_error: float | None
    error: float | None
    correlation: float | None

    def interval(self) -> tuple[float, float] | None:
        """95%, corrected for the correlation."""
        return _around(self.mean, self.error)

    def naive_interval(self) -> tuple[float, float] | None:
        """95%, as if the paths were independent histories; too narrow."""
        return _around(self.mean, self.naive_error)


def path_mean(daily: FloatArray, *, block_days: float = 10) -> PathMean:
    """From daily net returns of the same days, (n_paths, n_days); paths that never move are left out of the mean.

    The variance of one path's Sharpe ratio S is the long-run variance (blocks of mean length `block_days`) of its
    influence z - S (z^2 - 1) / 2, z being standardised returns. The mean of P such ratios has that over P where they
    are independent, and (1 + (P - 1) rho) times as much where they correlate by rho.

    Lo, "The statistics of Sharpe ratios", Financial Analysts Journal 58 (2002). Five paths of (6, 2) on noise
    correlate .66, so that the naive error is 1.9 times too small.

    >>> import numpy as np
    >>> paths = path_mean(np.tile(np.random.default_rng(0).normal(size=400), (5, 1)))
    >>> round(paths.correlation, 6), round(paths.error / paths.naive_error, 6) == round(5**0.5, 6)
    (1.0, True)
    """
    daily = finite(daily, "daily returns")
    if daily.ndim != 2:
        raise DataError(f"daily returns have shape (n_paths, n_days), found {daily.shape}")
    n_days = daily.shape[1]
    deviation = daily.std(axis=1, ddof=1) if n_days > 1 else np.zeros(len(daily))
    moves = deviation > 1e-15
    z = (daily[moves] - daily[moves].mean(axis=1, keepdims=True)) / deviation[moves, None]
    sharpe = daily[moves].mean(axis=1) / deviation[moves]
    shown: list[float | None] = [None] * len(daily)
    for place, value in zip(np.flatnonzero(moves), sharpe * np.sqrt(DAYS_A_YEAR), strict=True):
        shown[place] = float(value)
    n = len(sharpe)
    if n == 0:
        return PathMean(tuple(shown), None, None, None, None)
    mean = float(sharpe.mean() * np.sqrt(DAYS_A_YEAR))
    if n == 1:
        return PathMean(tuple(shown), mean, None, None, None)
    influence = z - sharpe[:, None] * (z**2 - 1) / 2
    variance = float(long_run_variance(influence.T, block_days).mean()) / n_days * DAYS_A_YEAR
    correlation = float((np.corrcoef(z).sum() - n) / (n * (n - 1)))
    naive = np.sqrt(max(variance, 0.0) / n)
    inflation = np.sqrt(max(1 + (n - 1) * correlation, 0.0))
    return PathMean(tuple(shown), mean, float(naive), float(naive * inflation), correlation)


def _around(mean: float | None, error: float | None) -> tuple[float, float] | None:
    return None if mean is None or error is None else (mean - _Z * error, mean + _Z * error)
