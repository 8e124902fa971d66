from dataclasses import dataclass

import numpy as np

from tradsys.models.calibration import Calibration
from tradsys.models.linear.logistic import FittedLinear
from tradsys.research.diagnostics.permutation import (
    CalibratedForecaster,
    Cluster,
    ScoredBlock,
    loss_increases,
    shift_shares,
)

N_BARS = 400
AS_IT_IS = Calibration(np.zeros(2), np.ones(2))
CLUSTERS = [Cluster("a", ("a", "b"), (0, 1)), Cluster("c", ("c",), (2,))]


def block(seed=0):
    """Rows 50 to 349 of four columns; every third of them has a label."""
    rng = np.random.default_rng(seed)
    rows = np.arange(50, 350)
    scored = rows % 3 == 0
    return ScoredBlock(
        rng.standard_normal((N_BARS, 4)), rows, scored, (rng.random((scored.sum(), 2)) < 0.5).astype(float)
    )


def linear():
    return CalibratedForecaster(
        FittedLinear(np.zeros(2), np.array([[0.8, -0.3, 0.0, 0.1], [-0.8, 0.2, 0.0, 0.1]])), AS_IT_IS
    )


def plain_loss(z, y):
    p = 1 / (1 + np.exp(-z))
    return -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean(axis=1)


def test_the_increase_is_that_of_the_columns_moved_together_in_a_circle():
    own, model = block(), linear()
    found = loss_increases(own, model, CLUSTERS, np.array([0.25, 0.5]))
    inside = own.X[own.rows]
    wanted = np.zeros(own.scored.sum())
    for shift in (75, 150):
        moved = inside.copy()
        for row in range(300):
            moved[row, :2] = inside[(row - shift) % 300, :2]
        z, before = (x[own.scored] @ model.forecaster.coef.T for x in (moved, inside))
        wanted += (plain_loss(z, own.y) - plain_loss(before, own.y)) / 2
    np.testing.assert_allclose(found[0], wanted, atol=1e-12)
    assert np.abs(wanted).max() > 0.1


def test_a_column_that_the_model_does_not_use_costs_nothing():
    assert (loss_increases(block(), linear(), CLUSTERS, np.array([0.3]))[1] == 0).all()


def test_the_bars_outside_of_the_block_are_never_moved_into_it():
    own = block()
    outside = own.X.copy()
    outside[:50], outside[350:] = 99.0, 99.0
    other = ScoredBlock(outside, own.rows, own.scored, own.y)
    first, second = (loss_increases(one, linear(), CLUSTERS, np.array([0.3])) for one in (own, other))
    assert np.array_equal(first, second)


@dataclass(frozen=True)
class Trailing:
    """Log-odds from the sum of the last `memory + 1` rows; NaN before there are as many."""

    memory: int = 5

    def logits(self, X):
        total = np.convolve(X[:, 0], np.ones(self.memory + 1))[: len(X)]
        total[: self.memory] = np.nan
        return np.column_stack([total, -total])


def test_a_forecaster_with_memory_sees_the_true_history_before_the_block():
    own, model = block(), CalibratedForecaster(Trailing(), AS_IT_IS)
    found = loss_increases(own, model, CLUSTERS, np.array([0.5]))
    assert np.isfinite(found).all()
    moved = own.X.copy()
    moved[50:350, :2] = np.roll(own.X[50:350, :2], 150, axis=0)
    z, before = (Trailing().logits(x)[own.rows[own.scored]] for x in (moved, own.X))
    np.testing.assert_allclose(found[0], plain_loss(z, own.y) - plain_loss(before, own.y), atol=1e-12)


def test_shifts_are_spread_over_the_block_and_stay_off_its_ends():
    drawn = np.array([shift_shares(4, np.random.default_rng(seed)) for seed in range(200)])
    assert 0.1 <= drawn.min() < drawn.max() <= 0.9
    assert (np.diff(drawn, axis=1) > 0).all()
    for part in range(4):
        assert (abs(drawn[:, part] - (0.1 + 0.2 * (part + 0.5))) <= 0.1).all()


def test_rows_without_a_value_are_neither_read_nor_moved():
    whole, model = block(), linear()
    gone = np.isin(whole.rows, np.arange(120, 140))
    X = whole.X.copy()
    X[120:140] = np.nan
    scored = whole.scored & ~gone
    y = whole.y[~gone[whole.scored]]
    own = ScoredBlock(X, whole.rows[~gone], scored[~gone], y)
    closed_up = ScoredBlock(np.delete(X, np.arange(120, 140), axis=0), np.arange(50, 330), scored[~gone], y)
    first, second = (loss_increases(one, model, CLUSTERS, np.array([0.3])) for one in (own, closed_up))
    assert np.isfinite(first).all()
    np.testing.assert_array_equal(first, second)
