"""A Gaussian hidden Markov model of market states, fitted by EM from several starts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, Self

import numpy as np

from tradsys.core.arrays import FloatArray
from tradsys.core.counts import check_whole
from tradsys.core.errors import ConfigError, FitError, NotEnoughBars
from tradsys.core.plain_values import as_tuples
from tradsys.core.seeds import generator
from tradsys.regimes.em import Chain, run_em
from tradsys.regimes.fitted import FittedRegimes, Observed, as_rows, check_finite

_SCREEN_ROWS = 3000
_SCREEN_STEPS = 12
_START_ROWS = 24
_START_STAY = 0.95
_ROWS_PER_STATE = 30
_LEAST_TRANSITION = 1e-8
"""Keeps every state within reach, so that a filter forgets where it started."""
_LEAST_WEIGHT = 1.0
"""Rows that a state is worth, below which it has collapsed."""
_PRIOR = 1e-4
"""Sum of squares that every state's variance gets beside that of its rows, whose columns have variance one."""
_PRIOR_AS_GIVEN = 1e-2
"""The same where rows have no units and are fitted as they are."""


class _Scale(NamedTuple):
    """Where the columns of the rows lie and how far they spread, both (n_columns,): what takes their units away."""

    centre: FloatArray
    spread: FloatArray

    @classmethod
    def of(cls, X: FloatArray) -> Self:
        centre = X.mean(axis=0)
        largest = np.abs(X - centre).max(axis=0)  # squares of very small or large numbers would leave the floats
        return cls(centre, largest * np.sqrt(np.mean(((X - centre) / largest) ** 2, axis=0)))

    @classmethod
    def none(cls, X: FloatArray) -> Self:
        return cls(np.zeros(X.shape[1]), np.ones(X.shape[1]))

    @property
    def areas(self) -> FloatArray:
        """Products of two columns' spreads, (n_columns, n_columns)."""
        with np.errstate(over="ignore", under="ignore"):  # refused where they are read
            return np.asarray(self.spread[:, None] * self.spread)


@dataclass(frozen=True, slots=True)
class RegimeModel:
    """Gaussian hidden Markov model with `n_states`, the best of `n_starts` EM runs.

    A start takes the means of runs of bars drawn at random for its states, which last; k-means and random
    transitions, the usual start, end in states that flicker. After a few EM steps on a stretch of the rows the
    likeliest start is taken to convergence on all of them: until a step gains less than `tolerance` in log-likelihood
    per row. Only an EM run that stopped by itself counts as converged, not one that ran out of `max_steps`.

    States are sorted by volatility as the first observation tells it: by its root mean square within the state, right
    for returns and for volatilities, or, with `order="mean"`, by its mean, right for the logarithm of a volatility.

    Columns are fitted around their means and over their standard deviations, so that returns in percent have the states
    of the same returns in fractions. Observations that have no units, such as logarithms of ratios, may be fitted as
    they are: `has_units=False`. A FitError where the rows do not hold so many states: where one of them gets no rows,
    or rows that are all alike.
    """

    n_states: int = 3
    n_starts: int = 10
    seed: int = 0
    covariance: Literal["full", "diag"] = "full"
    order: Literal["size", "mean"] = "size"
    max_steps: int = 200
    tolerance: float = 1e-5
    has_units: bool = True

    def __post_init__(self) -> None:
        check_whole(n_states=self.n_states, n_starts=self.n_starts, max_steps=self.max_steps)
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
        self, X: Observed, lengths: Sequence[int] | None = None, *, start_from: FittedRegimes | None = None
    ) -> FittedRegimes:
        """Fit on observations (n, d), an array or a frame, or (n,) of one column.

        `lengths` are the rows of each unbroken run, where there are several.

        `start_from`, a model of earlier rows, replaces the starts: folds that grow then converge within a few steps.
        """
        X = as_rows(X)
        lengths = [len(X)] if lengths is None else [n for n in lengths if n > 0]
        self._check(X, lengths)
        scale = _Scale.of(X) if self.has_units else _Scale.none(X)
        rows = (X - scale.centre) / scale.spread
        best = self._screen(rows, lengths) if start_from is None else self._continued(start_from, scale)
        enough = self.tolerance * len(X)
        gains = np.diff(self._run(best, rows, lengths, n_steps=self.max_steps, enough=enough))
        is_converged = bool(len(gains) and gains[-1] < enough)
        model = _fitted(best, self.order, scale, is_converged=is_converged)
        runs = np.split(X, np.cumsum(lengths)[:-1])
        self._refuse_collapsed(model, runs, scale)
        return replace(model, log_likelihood=float(sum(model.score(run) for run in runs)))

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

    def _refuse_collapsed(self, model: FittedRegimes, runs: Sequence[FloatArray], scale: _Scale) -> None:
        """A FitError for states that are worth no rows, whose rows are all alike, or two that are one."""
        X, share = np.concatenate(runs), np.concatenate([model.filter(run) for run in runs])
        means, covariances = np.array(model.means) / scale.spread, np.array(model.covariances) / scale.areas
        for state, own in enumerate(share.T):
            weight = float(own.sum())
            squares = own @ (X / scale.spread - means[state]) ** 2
            if not weight >= _LEAST_WEIGHT:
                found = f"state {state} got none of them"
            elif self.has_units and not (squares >= _PRIOR).all():
                found = f"state {state} is {weight:.0f} rows that are all alike"
            elif self.has_units and state and _are_one(means, covariances, state):
                found = f"states {state - 1} and {state} are the same"
            else:
                continue
            raise FitError(
                f"{len(X)} rows do not hold {self.n_states} regimes: {found}; try fewer states, load more history or "
                "leave out rows that only repeat a value"
            )

    def _continued(self, earlier: FittedRegimes, scale: _Scale) -> Chain:
        if earlier.n_states != self.n_states:
            raise ConfigError(f"start_from has {earlier.n_states} states, wanted {self.n_states}")
        if len(earlier.means[0]) != len(scale.spread):
            raise ConfigError(f"start_from reads {len(earlier.means[0])} columns a row, found {len(scale.spread)}")
        return Chain(
            initial=np.array(earlier.initial),
            transition=np.array(earlier.transition),
            means=(np.array(earlier.means) - scale.centre) / scale.spread,
            covariances=np.array(earlier.covariances) / scale.areas,
        )

    def _screen(self, X: FloatArray, lengths: Sequence[int]) -> Chain:
        """The likeliest of the starts after a few steps on the latest rows of every run."""
        share = max(_SCREEN_ROWS // len(lengths), _ROWS_PER_STATE)
        ends = [run[-share:] for run in np.split(X, np.cumsum(lengths)[:-1])]
        few, few_lengths = np.concatenate(ends), [len(run) for run in ends]
        if not (np.ptp(few, axis=0) > 0).all():
            raise FitError(
                f"the latest {len(few)} of {len(X)} rows never change, so that regimes have no start in them; "
                "cut them off, or load a history that does not end in an outage"
            )
        starts = [self._start(few, generator(self.seed, "regimes", i)) for i in range(self.n_starts)]
        scores = [self._run(start, few, few_lengths, n_steps=_SCREEN_STEPS, enough=-np.inf)[-1] for start in starts]
        return starts[int(np.argmax(scores))]

    def _start(self, X: FloatArray, rng: np.random.Generator) -> Chain:
        """States that look like runs of neighbouring rows drawn at random, and that last."""
        k, run = self.n_states, min(_START_ROWS, len(X) // self.n_states)
        firsts = rng.integers(0, len(X) - run + 1, k)
        stay = _START_STAY
        return Chain(
            initial=np.full(k, 1 / k),
            transition=np.full((k, k), (1 - stay) / (k - 1)) + np.eye(k) * (stay - (1 - stay) / (k - 1)),
            means=np.stack([X[first : first + run].mean(axis=0) for first in firsts]),
            covariances=np.stack([np.diag(X.var(axis=0) / k)] * k),
        )

    def _run(
        self, chain: Chain, X: FloatArray, lengths: Sequence[int], *, n_steps: int, enough: float
    ) -> Sequence[float]:
        """EM in place, until a step gains less than `enough`; the log-likelihood before each step."""
        prior = _PRIOR if self.has_units else _PRIOR_AS_GIVEN
        is_full = self.covariance == "full"
        history, is_positive = run_em(chain, X, lengths, prior=prior, is_full=is_full, n_steps=n_steps, enough=enough)
        if not is_positive:
            raise FitError(
                f"the regimes of {len(X)} rows could not be separated (a state has no rows, or columns that are "
                "multiples of each other); try fewer states, leave a column out or load more history"
            )
        return history


def _are_one(means: FloatArray, covariances: FloatArray, state: int) -> bool:
    """Whether a state's Gaussian is that of the state before it."""
    return bool(
        np.allclose(means[state], means[state - 1], rtol=0, atol=1e-9)
        and np.allclose(covariances[state], covariances[state - 1], rtol=1e-9, atol=0)
    )


def _fitted(chain: Chain, order: str, scale: _Scale, *, is_converged: bool) -> FittedRegimes:
    """The states in their order and the observations' units, every transition possible; no likelihood yet."""
    with np.errstate(all="ignore"):
        means, covariances = chain.means * scale.spread + scale.centre, chain.covariances * scale.areas
        size = means[:, 0] if order == "mean" else covariances[:, 0, 0] + means[:, 0] ** 2
        finite = [np.isfinite(values).all() for values in (means, covariances, chain.transition, np.log(scale.areas))]
    if not all(finite):
        raise FitError("the regimes came out without finite means and variances; try fewer states or load more history")
    rank = np.argsort(size, kind="stable")
    transition = np.maximum(chain.transition[np.ix_(rank, rank)], _LEAST_TRANSITION)
    transition /= transition.sum(axis=1, keepdims=True)
    return FittedRegimes(
        initial=as_tuples(_stationary(transition).tolist()),
        transition=as_tuples(transition.tolist()),
        means=as_tuples(means[rank].tolist()),
        covariances=as_tuples(covariances[rank].tolist()),
        log_likelihood=0.0,
        is_converged=is_converged,
    )


def _stationary(transition: FloatArray) -> FloatArray:
    """The distribution that the chain keeps, shape (k,)."""
    k = len(transition)
    system = np.vstack([transition.T - np.eye(k), np.ones(k)])
    share = np.maximum(np.linalg.lstsq(system, np.append(np.zeros(k), 1.0))[0], 0.0)
    return np.asarray(share / share.sum())
