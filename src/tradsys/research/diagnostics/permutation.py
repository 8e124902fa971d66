"""Permutation importance in order of time: the loss of a forecast whose columns are shifted in a circle."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tradsys.core.arrays import BoolArray, FloatArray, IntArray
from tradsys.models.calibration import Calibration
from tradsys.models.forecaster import FittedForecaster
from tradsys.models.pooling.combination import CombinedForecaster
from tradsys.verdict.scores import log_loss

CUT = 0.5
"""Clusters are merged as long as their columns' mean |rank correlation| is at least this."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Columns that move together; `name` is the one among them that the others resemble most."""

    name: str
    columns: tuple[str, ...]
    positions: tuple[int, ...]


def cluster_columns(X: FloatArray, columns: tuple[str, ...], *, cut: float = CUT) -> tuple[Cluster, ...]:
    """Average linkage on 1 - |Spearman's rank correlation| of the rows X (n_rows, n_features), in order of the columns.

    Lopez de Prado, *Machine Learning for Asset Managers* (2020), section 6.5.2, with a fixed cut: the best number of
    clusters is itself a guess that moves from sample to sample.
    """
    likeness = _likeness(X)
    groups = _groups(likeness, cut)
    return tuple(_cluster(np.flatnonzero(groups == one), likeness, columns) for one in dict.fromkeys(groups.tolist()))


def _likeness(X: FloatArray) -> FloatArray:
    """|rank correlation| of all pairs, 0 with a column that never moves, 1 on the diagonal."""
    from scipy.stats import rankdata

    rank = rankdata(X, axis=0)
    rank -= rank.mean(axis=0)
    length = np.sqrt((rank**2).sum(axis=0))
    unit = np.divide(rank, length, out=np.zeros_like(rank), where=length > 0)
    likeness = np.minimum(np.abs(unit.T @ unit), 1.0)
    np.fill_diagonal(likeness, 1.0)
    return np.asarray(likeness)


def _groups(likeness: FloatArray, cut: float) -> IntArray:
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    if len(likeness) == 1:
        return np.zeros(1, np.int64)
    tree = linkage(squareform(1 - likeness, checks=False), method="average")
    return np.asarray(fcluster(tree, 1 - cut, criterion="distance"), dtype=np.int64)


def _cluster(positions: IntArray, likeness: FloatArray, columns: tuple[str, ...]) -> Cluster:
    own = likeness[np.ix_(positions, positions)].sum(axis=0)
    return Cluster(
        name=columns[positions[int(np.argmax(own))]],
        columns=tuple(columns[at] for at in positions),
        positions=tuple(positions.tolist()),
    )


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
