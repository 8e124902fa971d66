"""The standard error of a mean Sharpe ratio over dependent records, such as the paths of a cross-validation."""

from dataclasses import dataclass

import numpy as np

from tradsys.core.arrays import FloatArray
from tradsys.core.time import DAYS_A_YEAR
from tradsys.verdict.stationary import long_run_variance

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
