"""Fitted market states: what the observations look like in each, and how one follows another."""

from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt

from tradsys.core.arrays import FloatArray
from tradsys.core.errors import ConfigError, DataError
from tradsys.core.plain_values import PlainValues
from tradsys.core.tables import Table, as_columns
from tradsys.features.stream.series import Columns, recorded_by
from tradsys.regimes.filter import forward_filter, gaussian_log_likelihood, window_filter

type Observed = npt.ArrayLike | Table
"""Observations (n_rows, n_columns), or (n_rows,) where there is one column: arrays, frames or a Series."""


def as_rows(X: object) -> FloatArray:
    """Observations of a frame without its times, a Series or an array, as rows; a ConfigError for what is no number."""
    if isinstance(X, Columns):
        return cast(FloatArray, X)
    try:
        rows = np.asarray(as_columns(X), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"observations are numbers of shape (n_bars, n_columns), found others ({error})") from None
    if rows.ndim == 0:
        raise ConfigError(f"observations are numbers of shape (n_bars, n_columns), found {X!r}")
    return rows[:, None] if rows.ndim == 1 else rows


@dataclass(frozen=True, slots=True)
class FittedRegimes(PlainValues):
    """States in order of volatility: 0 quiet, then trend, the last one panic.

    `initial` (k,) is the stationary distribution, `transition` (k, k) goes from row to column, `means` (k, d) and
    `covariances` (k, d, d) are the observations' in each state. `log_likelihood` is that of the rows it was fitted on.
    Equal models compare equal.
    """

    initial: tuple[float, ...]
    transition: tuple[tuple[float, ...], ...]
    means: tuple[tuple[float, ...], ...]
    covariances: tuple[tuple[tuple[float, ...], ...], ...]
    log_likelihood: float
    is_converged: bool

    @property
    def n_states(self) -> int:
        return len(self.initial)

    def filter(self, X: Observed) -> FloatArray:
        """Filtered probabilities, (n, d) -> (n, n_states): each row from the observations up to its own."""
        return self._filtered(X)[0]

    def filter_windows(self, X: Observed, window: int) -> FloatArray:
        """The same from the last `window` observations alone; NaN in the first `window - 1` rows."""
        return window_filter(self._log_density(X), np.array(self.transition), np.array(self.initial), window)

    def score(self, X: Observed) -> float:
        """Log-likelihood of a run of observations, shape (n, d)."""
        return self._filtered(X)[1]

    def smoothed_proba(self, X: Observed) -> FloatArray:
        """For plots only: (n, d) -> (n, n_states) that know the future; traded on, they invent profit."""
        filtered, transition = self._filtered(X)[0], np.array(self.transition)
        smoothed = filtered.copy()
        for t in range(len(filtered) - 2, -1, -1):
            predicted = np.maximum(filtered[t] @ transition, np.finfo(float).tiny)
            smoothed[t] = filtered[t] * (transition @ (smoothed[t + 1] / predicted))
            smoothed[t] /= smoothed[t].sum()
        return smoothed

    def _filtered(self, X: Observed) -> tuple[FloatArray, float]:
        transition, initial = np.array(self.transition), np.array(self.initial)
        return forward_filter(self._log_density(X), transition, initial, may_overwrite=True)

    def _log_density(self, X: Observed) -> FloatArray:
        n_columns, X = len(self.means[0]), as_rows(X)
        if X.ndim != 2 or X.shape[1] != n_columns:
            raise ConfigError(f"this model reads {n_columns} observations a bar, found an array of shape {X.shape}")
        check_finite(X)
        return gaussian_log_likelihood(X, np.array(self.means), np.array(self.covariances))


@recorded_by(lambda X: None)
def check_finite(X: FloatArray) -> None:
    """Refuse observations with holes, naming the rows."""
    bad = np.flatnonzero(~np.isfinite(X).all(axis=1))
    if len(bad):
        raise DataError(
            f"a regime model needs finite observations, found {len(bad)} rows with NaN or infinity, "
            f"first {bad[:5].tolist()}; cut the warm-up off before"
        )
