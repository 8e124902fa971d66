import numpy as np
import pytest
from scipy.signal import lfilter

from tradsys.research.diagnostics.two_sample import MOST_ROWS, SampleRows, two_sample_test

GAP = 300
PERSISTENCE = np.array([0.995, 0.99, 0.9, 0.5, 0.0])


def history(n, rng):
    """Columns that never change their law, some of them slow; a row an hour (ms stand for hours)."""
    shocks = rng.standard_normal((n + 2_000, len(PERSISTENCE)))
    X = [lfilter([np.sqrt(1 - p * p)], [1, -p], e)[2_000:] for p, e in zip(PERSISTENCE, shocks.T, strict=True)]
    return np.column_stack(X), np.arange(n)


def halves(n=8_000, seed=0, share=0.7):
    X, start = history(n, np.random.default_rng(seed))
    cut = int(n * share)
    return SampleRows(X[:cut], start[:cut]), SampleRows(X[cut:], start[cut:])


def areas(n_markets=40, **gap):
    return np.array([two_sample_test(*halves(seed=seed), gap_ms=GAP, seed=0).auc for seed in range(n_markets)])


def naive_area(known, other):
    """What random folds of rows say, with nearest neighbours."""
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.neighbors import KNeighborsClassifier

    X = np.concatenate([known.X, other.X])[:, :2]
    y = np.repeat([0, 1], [len(known.start), len(other.start)])
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    return cross_val_score(KNeighborsClassifier(15), X, y, cv=folds, scoring="roc_auc").mean()


def test_nothing_is_told_apart_where_nothing_changed_though_random_folds_would_say_so():
    found = areas()
    assert abs(found.mean() - 0.5) < 3 * found.std(ddof=1) / np.sqrt(len(found))
    assert found.std(ddof=1) / np.sqrt(len(found)) < 0.035
    assert naive_area(*halves(3_000)) > 0.75


@pytest.mark.parametrize("change", [lambda x: x + 1.0, lambda x: 2.5 * x], ids=["level", "spread"])
def test_a_column_that_moved_is_found_and_named(change):
    known, other = halves()
    moved = other.X.copy()
    moved[:, 3] = change(moved[:, 3])
    found = two_sample_test(known, SampleRows(moved, other.start), gap_ms=GAP, seed=0)
    assert found.auc > 0.65
    assert np.argmax(found.lead) == 3
    assert found.lead[3] > 0.5 * np.maximum(found.lead, 0).sum()


def test_a_difference_that_does_not_last_for_a_block_is_none():
    """Each sixth of the other part stands elsewhere: rows would be recognised by their neighbours, blocks are not."""
    known, other = halves()
    levels = np.repeat([3.0, -3.0, 3.0, -3.0, 3.0, -3.0], len(other.start) // 6)
    moved = other.X.copy()
    moved[:, 4] = np.random.default_rng(1).standard_normal(len(moved)) * 0.1 + levels
    known.X[:, 4] = np.repeat([3.0, -3.0] * 3, -(-len(known.start) // 6))[: len(known.start)]
    found = two_sample_test(known, SampleRows(moved, other.start), gap_ms=GAP, seed=0)
    assert found.lead[4] < 0.05


def test_what_lies_within_the_gap_of_a_left_out_block_is_not_learnt_from():
    """With a gap as long as the parts nothing is left to learn from."""
    known, other = halves(3_000)
    assert two_sample_test(known, other, gap_ms=3_000, seed=0) is None
    assert two_sample_test(known, other, gap_ms=50, seed=0) is not None


def test_rows_near_a_left_out_block_change_nothing():
    from tradsys.research.diagnostics.two_sample import _near

    start = np.array([0, 10, 19, 20, 21, 50, 79, 80, 81, 99])
    assert start[_near(start, np.array([40, 60]), 20)].tolist() == [21, 50, 79]


def test_the_same_seed_gives_the_same_number_and_rows_are_thinned():
    known, other = halves()
    assert len(known.start) > MOST_ROWS
    first, again, otherwise = (two_sample_test(known, other, gap_ms=GAP, seed=seed) for seed in (1, 1, 2))
    assert first.auc == again.auc
    assert np.array_equal(first.lead, again.lead)
    assert first.auc != otherwise.auc
