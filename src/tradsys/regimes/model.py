"""A Gaussian hidden Markov model of market states, fitted by EM from several starts."""

import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.errors import ConfigError, FitError, NotEnoughBars
from tradsys.core.plain_values import as_tuples
from tradsys.core.seeds import generator
from tradsys.regimes.fitted import FittedRegimes, check_finite

_SCREEN_ROWS = 3000
_SCREEN_STEPS = 12
_START_ROWS = 24
_START_STAY = 0.95
_ROWS_PER_STATE = 30
_LEAST_TRANSITION = 1e-8
"""Keeps every state within reach, so that a filter forgets where it started."""


@dataclass(frozen=True, slots=True)
class RegimeModel:
    """Gaussian hidden Markov model with `n_states`, the best of `n_starts` EM runs (hmmlearn).

    A start takes the means of runs of bars drawn at random for its states, which last; k-means and random
    transitions, hmmlearn's own start, end in states that flicker. After a few EM steps on a stretch of the rows the
    likeliest start is taken to convergence on all of them: until a step gains less than `tolerance` in log-likelihood
    per row. Only an EM run that stopped by itself counts as converged, not one that ran out of `max_steps`.

    States are sorted by volatility as the first observation tells it: by its root mean square within the state, right
    for returns and for volatilities, or, with `order="mean"`, by its mean, right for the logarithm of a volatility.
    """

    n_states: int = 3
    n_starts: int = 10
    seed: int = 0
    covariance: Literal["full", "diag"] = "full"
    order: Literal["size", "mean"] = "size"
    max_steps: int = 200
    tolerance: float = 1e-5

    def __post_init__(self) -> None:
        if self.n_states < 2 or self.n_starts < 1 or self.max_steps < 2:
            raise ConfigError(
                "a regime model needs 2 states, 1 start and 2 steps at least, "
                f"were {self.n_states}, {self.n_starts} and {self.max_steps}"
            )
        if self.covariance not in ("full", "diag"):
            raise ConfigError(f"covariance is 'full' or 'diag', was {self.covariance!r}")
        if self.order not in ("size", "mean"):
            raise ConfigError(f"order is 'size' or 'mean', was {self.order!r}")
        if not self.tolerance > 0:
            raise ConfigError(f"tolerance must be positive, was {self.tolerance}; 1e-5 a row is usual")

    def fit(
        self, X: FloatArray, lengths: Sequence[int] | None = None, *, start_from: FittedRegimes | None = None
    ) -> FittedRegimes:
        """Fit on observations (n, d); `lengths` are the rows of each unbroken run, where there are several.

        `start_from`, a model of earlier rows, replaces the starts: folds that grow then converge within a few steps.
        """
        lengths = [len(X)] if lengths is None else [n for n in lengths if n > 0]
        self._check(X, lengths)
        best = self._screen(X, lengths) if start_from is None else self._continued(start_from)
        enough = self.tolerance * len(X)
        gains = np.diff(_run(best, X, lengths, n_steps=self.max_steps, enough=enough))
        size = best.means_[:, 0] if self.order == "mean" else best.covars_[:, 0, 0] + best.means_[:, 0] ** 2
        order = np.argsort(size, kind="stable")
        return _fitted(best, order, X, lengths, is_converged=bool(len(gains) and gains[-1] < enough))

    def _check(self, X: FloatArray, lengths: Sequence[int]) -> None:
        if X.ndim != 2:
            raise ConfigError(f"observations have shape (n_bars, n_columns), found {X.shape}; one column is X[:, None]")
        check_finite(X)
        if sum(lengths) != len(X):
            raise ConfigError(f"lengths must add up to the {len(X)} rows, found {sum(lengths)}")
        needed = self.n_states * _ROWS_PER_STATE
        if len(X) < needed:
            raise NotEnoughBars(f"{self.n_states} regimes need {needed} rows, found {len(X)}; load more history")
        for column, spread in enumerate(np.ptp(X, axis=0)):
            if spread <= 1e-12 * np.abs(X[:, column]).max():
                raise FitError(f"observation {column} never changes, so that it has no regimes; leave it out")

    def _continued(self, earlier: FittedRegimes) -> Any:
        if earlier.n_states != self.n_states:
            raise ConfigError(f"start_from has {earlier.n_states} states, wanted {self.n_states}")
        return self._hmm(
            initial=np.array(earlier.initial),
            transition=np.array(earlier.transition),
            means=np.array(earlier.means),
            covariances=np.array(earlier.covariances),
        )

    def _screen(self, X: FloatArray, lengths: Sequence[int]) -> Any:
        """The likeliest of the starts after a few steps on the latest rows of every run."""
        share = max(_SCREEN_ROWS // len(lengths), _ROWS_PER_STATE)
        ends = [run[-share:] for run in np.split(X, np.cumsum(lengths)[:-1])]
        few, few_lengths = np.concatenate(ends), [len(run) for run in ends]
        starts = [self._start(few, generator(self.seed, "regimes", i)) for i in range(self.n_starts)]
        scores = [_run(start, few, few_lengths, n_steps=_SCREEN_STEPS, enough=-np.inf)[-1] for start in starts]
        return starts[int(np.argmax(scores))]

    def _start(self, X: FloatArray, rng: np.random.Generator) -> Any:
        """States that look like runs of neighbouring rows drawn at random, and that last."""
        k, run = self.n_states, min(_START_ROWS, len(X) // self.n_states)
        firsts = rng.integers(0, len(X) - run + 1, k)
        stay = _START_STAY
        return self._hmm(
            initial=np.full(k, 1 / k),
            transition=np.full((k, k), (1 - stay) / (k - 1)) + np.eye(k) * (stay - (1 - stay) / (k - 1)),
            means=np.stack([X[first : first + run].mean(axis=0) for first in firsts]),
            covariances=np.stack([np.diag(X.var(axis=0) / k)] * k),
        )

    def _hmm(self, *, initial: FloatArray, transition: FloatArray, means: FloatArray, covariances: FloatArray) -> Any:
        """Hmmlearn's model with these parameters; EM goes on from them."""
        from hmmlearn.hmm import GaussianHMM

        # its other implementation, "scaling", underflows at outliers
        hmm = GaussianHMM(
            n_components=self.n_states,
            covariance_type=self.covariance,
            min_covar=1e-4,
            init_params="",
            implementation="log",
        )
        hmm.startprob_, hmm.transmat_, hmm.means_ = initial, transition, means
        is_full = self.covariance == "full"
        hmm.covars_ = covariances if is_full else np.diagonal(covariances, axis1=1, axis2=2)
        return hmm


def _run(hmm: Any, X: FloatArray, lengths: Sequence[int], *, n_steps: int, enough: float) -> list[float]:
    """EM in place, until a step gains less than `enough`; the log-likelihood before each step."""
    from hmmlearn.base import ConvergenceMonitor

    hmm.n_iter = n_steps
    hmm.monitor_ = ConvergenceMonitor(enough, n_steps, False)  # it keeps limits of its own, beside the model's
    logger = logging.getLogger("hmmlearn")
    level = logger.level
    logger.setLevel(logging.ERROR)  # it warns of what `is_converged` says
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # hmmlearn 0.3.3 sets shapes in place
            hmm.fit(X, lengths)
    except ValueError as error:
        raise FitError(
            f"the regimes of {len(X)} rows could not be separated ({error}); try fewer states or load more history"
        ) from error
    finally:
        logger.setLevel(level)
    return list(hmm.monitor_.history)


def _fitted(hmm: Any, order: IntArray, X: FloatArray, lengths: Sequence[int], *, is_converged: bool) -> FittedRegimes:
    """Sort the states, and keep every transition possible."""
    transition = np.maximum(hmm.transmat_[np.ix_(order, order)], _LEAST_TRANSITION)
    transition /= transition.sum(axis=1, keepdims=True)
    model = FittedRegimes(
        initial=as_tuples(_stationary(transition).tolist()),
        transition=as_tuples(transition.tolist()),
        means=as_tuples(hmm.means_[order].tolist()),
        covariances=as_tuples(hmm.covars_[order].tolist()),
        log_likelihood=0.0,
        is_converged=is_converged,
    )
    total = sum(model.score(run) for run in np.split(X, np.cumsum(lengths)[:-1]))
    return replace(model, log_likelihood=float(total))


def _stationary(transition: FloatArray) -> FloatArray:
    """The distribution that the chain keeps, shape (k,)."""
    k = len(transition)
    system = np.vstack([transition.T - np.eye(k), np.ones(k)])
    share = np.maximum(np.linalg.lstsq(system, np.append(np.zeros(k), 1.0))[0], 0.0)
    return np.asarray(share / share.sum())
