"""How strong a ridge the training rows themselves ask for, from purged folds in closed form."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from tradsys.core.arrays import BoolArray, FloatArray, IntArray
from tradsys.core.errors import ConfigError, DataError
from tradsys.core.logistic import log_odds
from tradsys.splits.kfold import PurgedKFold

PENALTIES = (2.0, 1.0, 0.5, 0.25, 0.1, 0.03)
"""From the strongest, which hourly bars want, to what a strong signal wants."""

_N_FOLDS = 5
_N_BLOCKS = 50
_N_STANDARD_ERRORS = 2.0
_CHUNK = 4_096


class Problem(NamedTuple):
    """Rows of one logistic fit: X (n, F), y in {0, 1} (n,), weight (n,), start and end of the labels (n,) in ms."""

    X: FloatArray
    y: FloatArray
    weight: FloatArray
    start: IntArray
    end: IntArray

    def take(self, rows: IntArray) -> "Problem":
        """Some of the rows."""
        return Problem(self.X[rows], self.y[rows], self.weight[rows], self.start[rows], self.end[rows])


def check_penalty(penalty: float | None) -> None:
    """A ridge of zero has no finite answer where a column separates the labels."""
    if penalty is not None and not penalty > 0:
        raise ConfigError(f"penalty must be positive or None, was {penalty}; .5 to 2 are usual on hourly bars")


def choose_penalties(
    problems: Sequence[Problem], groups: Sequence[BoolArray], candidates: Sequence[float] = PENALTIES
) -> FloatArray:
    """The penalty of each column, shape (n_columns,), shared by the columns of a group; groups are masks (n_columns,).

    Group after group, the others kept: the strongest penalty whose loss out of fold is within two standard errors of
    the best one's, so that a group leaves the strongest only on evidence. Volatility is often far easier to forecast
    than direction, and one penalty for both would let the noise of the second in with the first.

    Five purged folds. Near the base rate the logistic fit is one Newton step from it, so that each fold's coefficients
    for every penalty follow from sums over rows that are gathered once: the choice costs about as much as one fit.
    Standard errors are over 50 blocks of time, so that overlapping labels count as one observation. Where there are too
    few rows for the folds the strongest penalty is kept.
    """
    ordered = sorted(candidates, reverse=True)
    chosen = np.full(problems[0].X.shape[1], ordered[0])
    folds = [_folds(problem) for problem in problems]
    if not all(folds):
        return chosen
    first = min(int(p.start.min()) for p in problems)
    span = max(int(p.start.max()) for p in problems) - first + 1
    for group in groups:
        trials = [np.where(group, penalty, chosen) for penalty in ordered]
        losses = np.zeros((_N_BLOCKS, len(trials)))
        for problem, steps in zip(problems, folds, strict=True):
            block = (problem.start - first) * _N_BLOCKS // span
            for fold in steps:
                losses += fold.losses(problem, trials, block)
        chosen = trials[first_good_enough(losses)]
    return chosen


def first_good_enough(losses: FloatArray) -> int:
    """First candidate whose loss is within two standard errors of the best one's, from losses a block of time.

    `losses` is (n_blocks, n_candidates), from the most to the least preferred: a simpler model goes only on evidence.
    """
    best = int(losses.sum(axis=0).argmin())
    worse = losses - losses[:, best : best + 1]
    standard_error = worse.std(axis=0) * np.sqrt(len(losses))
    return int(np.argmax(worse.sum(axis=0) <= _N_STANDARD_ERRORS * standard_error))


class _Fold(NamedTuple):
    """One fold's base rate, and slope and curvature of the mean log-loss there, intercept first."""

    test: IntArray
    rate: float
    score: FloatArray
    curvature: FloatArray

    def losses(self, problem: Problem, penalties: Sequence[FloatArray], block: IntArray) -> FloatArray:
        """Sums of the test rows' weighted log-loss, one Newton step from the base rate, (n_blocks, n_penalties).

        `block` (n,) is that of each of the problem's rows.
        """
        ridge = np.zeros((len(penalties), *self.curvature.shape))
        on_diagonal = np.arange(1, len(self.score))
        ridge[:, on_diagonal, on_diagonal] = penalties
        beta = np.linalg.solve(self.curvature + ridge, self.score[:, None])[:, :, 0]
        level = beta[:, :1] + log_odds(self.rate)
        total = np.zeros((_N_BLOCKS, len(penalties)))
        for rows in _chunks(self.test):
            z = beta[:, 1:] @ problem.X[rows].T + level  # (n_penalties, n_rows), which the cache holds
            loss = problem.weight[rows] * (np.maximum(z, 0.0) + np.log(1.0 + np.exp(-np.abs(z))) - problem.y[rows] * z)
            for j, one in enumerate(loss):
                total[:, j] += np.bincount(block[rows], one, _N_BLOCKS)
        return total


def _folds(problem: Problem) -> list[_Fold]:
    """Purged folds with both outcomes in each training part; none where there are too few rows."""
    X, _, _, start, end = problem
    try:
        splits = list(PurgedKFold(_N_FOLDS).split(X, intervals=(start, end)))
    except DataError:
        return []
    tested = [_sums(problem, test) for _, test in splits]
    gram_of_all, moment_of_all = (np.sum(parts, axis=0) for parts in zip(*tested, strict=True))
    folds = []
    for (train, test), own in zip(splits, tested, strict=True):
        is_purged = np.ones(len(X), bool)
        is_purged[train] = is_purged[test] = False
        purged = _sums(problem, np.flatnonzero(is_purged))
        gram, moment = gram_of_all - own[0] - purged[0], moment_of_all - own[1] - purged[1]
        rate = float(moment[0] / gram[0, 0]) if gram[0, 0] > 0 else 0.0
        if not 0 < rate < 1:
            return []
        score, curvature = moment - rate * gram[0], rate * (1 - rate) * gram
        folds.append(_Fold(test, rate, score / gram[0, 0], curvature / gram[0, 0]))
    return folds


def _sums(problem: Problem, rows: IntArray) -> tuple[FloatArray, FloatArray]:
    """Weighted Gram matrix of these rows, a column of ones in front, and weighted sum of the labelled ones."""
    n_columns = problem.X.shape[1] + 1
    gram, moment = np.zeros((n_columns, n_columns)), np.zeros(n_columns)
    room = np.ones((_CHUNK, n_columns))
    for part in _chunks(rows):
        design = room[: len(part)]
        design[:, 1:] = problem.X[part]
        weighted = design * problem.weight[part, None]
        gram += weighted.T @ design
        moment += weighted.T @ problem.y[part]
    return gram, moment


def _chunks(rows: IntArray) -> Iterator[IntArray]:
    """The rows, few enough at a time for all that is made of them to stay in the cache."""
    return (rows[first : first + _CHUNK] for first in range(0, len(rows), _CHUNK))
