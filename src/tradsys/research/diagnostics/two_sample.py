"""A classifier two-sample test of two parts of history, judged on blocks of time left out of both."""

from dataclasses import dataclass

import numpy as np

from tradsys.core.arrays import BoolArray, FloatArray, IntArray
from tradsys.core.seeds import generator
from tradsys.models.linear.logistic import fit_logistic
from tradsys.verdict.scores import auc

N_BLOCKS = 6
"""Blocks of each part that are left out in turn."""

MOST_ROWS = 1500
"""Rows of a part, drawn without replacement: neighbours say nearly the same."""

_FEWEST_ROWS = 50
_PENALTY = 0.1


@dataclass(frozen=True, slots=True)
class SampleRows:
    """Some rows of history in order of time: standardised columns X (n_rows, n_features), their start (n_rows,), ms."""

    X: FloatArray
    start: IntArray

    def rows(self, chosen: BoolArray | IntArray) -> "SampleRows":
        """Some of the rows."""
        return SampleRows(self.X[chosen], self.start[chosen])


@dataclass(frozen=True, slots=True)
class TwoSampleTest:
    """Result of the test: the mean AUC of left-out blocks, and what each column added to it, `lead` (n_features,).

    The lead is how far a column puts the mean score of the other part's rows above the known one's; the columns' leads
    add up to the whole. Both are means of the blocks.
    """

    auc: float
    lead: FloatArray


def two_sample_test(known: SampleRows, other: SampleRows, *, gap_ms: int, seed: int) -> TwoSampleTest | None:
    """Whether a classifier fitted on other blocks of time tells the rows of a left-out pair of blocks apart.

    Bars close in time have nearly the same columns, so that left-out rows drawn at random are recognised by their
    neighbours: an AUC near 1 on a process that never changes. So blocks are left out of *both* parts, and nothing that
    is fitted on starts within `gap_ms`, what a row looks back on, of a row left out. Then only a difference counts that
    holds for one block of a part and for another: without one, what was learnt from other blocks knows nothing of the
    left-out pair, and the AUC is .5 on average. The blocks share what they learnt, and are no sample of their own.

    The classifier is a ridge logistic on the columns and their absolute values, both parts weighing the same: it sees
    levels and spreads, not how columns go together, and what each column says adds up. None where too few rows remain.
    """
    rng = generator(seed, "adversarial")
    before, after = (_thinned(one, rng) for one in (known, other))
    X = _with_sizes(np.concatenate([before.X, after.X]))
    start = np.concatenate([before.start, after.start])
    is_other = np.arange(len(start)) >= len(before.start)
    block = np.concatenate([_blocks(before.start), _blocks(after.start)])
    areas, leads = [], []
    for k in range(N_BLOCKS):
        sides = (block == k) & ~is_other, (block == k) & is_other
        if not all(side.any() for side in sides):
            continue
        fitted = ~np.logical_or.reduce([_near(start, start[side], gap_ms) for side in sides])
        target = is_other[fitted].astype(np.int64)
        n_fitted = np.bincount(target, minlength=2)
        if n_fitted.min() < _FEWEST_ROWS:
            continue
        _, coef = fit_logistic(X[fitted], target.astype(float), 1.0 / n_fitted[target], _PENALTY)
        areas.append(_area(X @ coef, *sides))
        lead = coef * (X[sides[1]].mean(axis=0) - X[sides[0]].mean(axis=0))
        leads.append(lead.reshape(2, -1).sum(axis=0))
    return TwoSampleTest(float(np.mean(areas)), np.mean(leads, axis=0)) if areas else None


def _area(score: FloatArray, known: BoolArray, other: BoolArray) -> float:
    """AUC of the left-out rows; both sides have some."""
    out = known | other
    area = auc(score[out, None], other[out, None].astype(float))
    assert area is not None
    return area


def _thinned(part: SampleRows, rng: np.random.Generator) -> SampleRows:
    n = len(part.start)
    return part if n <= MOST_ROWS else part.rows(np.sort(rng.choice(n, MOST_ROWS, replace=False)))


def _with_sizes(X: FloatArray) -> FloatArray:
    """Columns and their absolute values, side by side."""
    return np.concatenate([X, np.abs(X)], axis=1)


def _blocks(start: IntArray) -> IntArray:
    """Which of the equal shares of the part's time each row lies in, shape (n_rows,)."""
    since = start - start.min()
    return np.asarray(since * N_BLOCKS // (since.max() + 1), dtype=np.int64)


def _near(start: IntArray, left_out: IntArray, gap_ms: int) -> BoolArray:
    """Rows that start less than `gap_ms` from the nearest left-out row; these are in order of time."""
    after = np.searchsorted(left_out, start).clip(max=len(left_out) - 1)
    before = np.maximum(after - 1, 0)
    away = np.minimum(np.abs(left_out[after] - start), np.abs(left_out[before] - start))
    return np.asarray(away < gap_ms, dtype=bool)
