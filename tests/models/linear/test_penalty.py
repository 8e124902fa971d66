"""The choice of the ridge, in chunks that fit the cache, against the plain formulas on all rows at once."""

import numpy as np

from tradsys.models.linear.penalty import _CHUNK, _N_BLOCKS, Problem, _folds

HOUR_MS = 3_600_000


def problem(n: int, n_columns: int = 3) -> Problem:
    """Labels of a few hours each, of two symbols one after the other."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, n_columns))
    start = np.tile(np.arange(n // 2), 2) * HOUR_MS
    y = (rng.random(n) < 1 / (1 + np.exp(0.4 - 0.5 * X[:, 0]))).astype(float)
    return Problem(X, y, rng.uniform(0.2, 1.0, n), start, start + rng.integers(1, 9, n) * HOUR_MS)


def test_sums_of_chunks_are_those_of_all_training_rows() -> None:
    one = problem(2 * (_CHUNK + 57))
    for fold in _folds(one):
        opens, closes = one.start[fold.test].min(), one.end[fold.test].max()
        kept = (one.end <= opens) | (one.start >= closes)
        design, w = np.column_stack([np.ones(kept.sum()), one.X[kept]]), one.weight[kept]
        rate = w @ one.y[kept] / w.sum()
        np.testing.assert_allclose(fold.rate, rate, rtol=1e-12)
        np.testing.assert_allclose(fold.score, design.T @ (w * (one.y[kept] - rate)) / w.sum(), atol=1e-12)
        curvature = rate * (1 - rate) * (design * w[:, None]).T @ design / w.sum()
        np.testing.assert_allclose(fold.curvature, curvature, rtol=1e-9, atol=1e-12)


def test_losses_of_chunks_are_those_of_all_test_rows_in_their_blocks() -> None:
    one = problem(2 * (5 * _CHUNK + 91))
    fold, penalties = _folds(one)[2], [np.full(3, 2.0), np.array([0.03, 2.0, 0.5])]
    block = (np.arange(len(one.y)) * 7) % _N_BLOCKS
    for found, penalty in zip(fold.losses(one, penalties, block).T, penalties, strict=True):
        beta = np.linalg.solve(fold.curvature + np.diag([0.0, *penalty]), fold.score)
        z = one.X[fold.test] @ beta[1:] + beta[0] + np.log(fold.rate / (1 - fold.rate))
        loss = one.weight[fold.test] * (np.logaddexp(0, z) - one.y[fold.test] * z)
        np.testing.assert_allclose(found, np.bincount(block[fold.test], loss, _N_BLOCKS), rtol=1e-11)
