"""Columns that say nearly the same, as clusters."""

import numpy as np

from tradsys.research.diagnostics.permutation import cluster_columns


def columns(n=3_000, seed=0):
    """A pair, a triple that goes through monotone maps, a column of its own and one that never moves."""
    rng = np.random.default_rng(seed)
    one, two, alone = rng.standard_normal((3, n))
    noise = 0.3 * rng.standard_normal((3, n))
    X = np.column_stack([one, two, -one + noise[0], np.exp(two + noise[1]), alone, np.full(n, 2.0), two**3 + noise[2]])
    return X, ("a", "b", "minus_a", "exp_b", "alone", "still", "cube_b")


def test_columns_that_say_the_same_share_a_cluster_whatever_their_sign_and_scale():
    X, names = columns()
    found = cluster_columns(X, names)
    assert [set(one.columns) for one in found] == [{"a", "minus_a"}, {"b", "exp_b", "cube_b"}, {"alone"}, {"still"}]


def test_every_column_is_in_one_cluster_which_one_of_its_own_names():
    X, names = columns()
    found = cluster_columns(X, names)
    assert sorted(at for one in found for at in one.positions) == list(range(len(names)))
    for one in found:
        assert one.name in one.columns
        assert [names[at] for at in one.positions] == list(one.columns)


def test_the_cut_is_the_mean_rank_correlation_of_what_is_merged():
    X, _ = columns()
    likeness = abs(np.corrcoef(np.argsort(np.argsort(X[:, [0, 2]], axis=0), axis=0).T)[0, 1])
    assert len(cluster_columns(X[:, [0, 2]], ("a", "b"), cut=likeness - 0.001)) == 1
    assert len(cluster_columns(X[:, [0, 2]], ("a", "b"), cut=likeness + 0.001)) == 2


def test_one_column_is_one_cluster():
    X, _ = columns()
    assert [one.columns for one in cluster_columns(X[:, :1], ("a",))] == [("a",)]
