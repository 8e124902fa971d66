"""Clusters of correlated columns, permuted together: one by one, each would be covered for by the others."""

from dataclasses import dataclass

import numpy as np

from tradsys.core.arrays import FloatArray, IntArray

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
