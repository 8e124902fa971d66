"""Permutation importance in order of time: the loss of a forecast whose columns are shifted in a circle."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tradsys.core.arrays import BoolArray, FloatArray, IntArray
from tradsys.models.calibration import Calibration
from tradsys.models.forecaster import FittedForecaster
from tradsys.models.pooling.combination import CombinedForecaster
from tradsys.research.diagnostics.clusters import Cluster
from tradsys.verdict.scores import log_loss

_MARGIN = 0.1
"""A shift is at least this share of the block either way round: beyond it a column no longer knows its own row."""


@dataclass(frozen=True, slots=True)
class CalibratedForecaster:
    """A fitted forecaster with the calibration that turns its log-odds into probabilities."""

    forecaster: FittedForecaster | CombinedForecaster
    calibration: Calibration

    def probability(self, X: FloatArray, rows: IntArray) -> FloatArray:
        """Probabilities (n_rows, 2) of some rows of X, which holds the history that a forecast depends on."""
        if self.forecaster.memory == 0:
            return self.calibration.apply(self.forecaster.logits(X[rows]))
        return self.calibration.apply(self.forecaster.logits(X)[rows])


@dataclass(frozen=True, slots=True)
class ScoredBlock:
    """One symbol's test block: the `rows` (n_rows,) of `X` that have all columns; those `scored` have a label.

    Between them lie rows where data from outside say nothing. `y` (n_scored, 2) are the labels of the scored.
    """

    X: FloatArray
    rows: IntArray
    scored: BoolArray
    y: FloatArray


def shift_shares(n: int, rng: np.random.Generator) -> FloatArray:
    """Shifts as shares of a block's length, one in each of `n` equal parts of what is allowed, shape (n,)."""
    return np.asarray(_MARGIN + (1 - 2 * _MARGIN) * (np.arange(n) + rng.random(n)) / n)


def loss_increases(
    block: ScoredBlock, model: CalibratedForecaster, clusters: Sequence[Cluster], shifts: FloatArray
) -> FloatArray:
    """How much more each scored row loses with each cluster shifted, mean of the shifts, (n_clusters, n_scored), nats.

    All columns of a cluster move together, and all rows by the same number of bars: each column keeps its distribution,
    its autocorrelation and its company, and loses nothing but its tie to the other columns and to the outcome. Rows
    drawn one by one would show a network sequences that no market has.

    Breiman, "Random forests", Machine Learning 45 (2001), section 10; the shift is that of the random-entry null.
    """
    rows = block.rows
    n_history = min(model.forecaster.memory, int(rows[0]))
    seen = block.X[rows[0] - n_history : rows[-1] + 1]
    known = n_history + rows - rows[0]
    scored = known[block.scored]
    plain = log_loss(model.probability(seen, scored), block.y)
    found = np.zeros((len(clusters), len(scored)))
    for k, cluster in enumerate(clusters):
        columns = list(cluster.positions)
        own = seen[np.ix_(known, columns)]
        moved = seen.copy()
        for share in shifts:
            moved[np.ix_(known, columns)] = np.roll(own, round(share * len(rows)), axis=0)
            found[k] += log_loss(model.probability(moved, scored), block.y) - plain
    return found / len(shifts)
