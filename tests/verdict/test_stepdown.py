import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests
from tests.verdict.brute import step_down

from tradsys.core.errors import DataError
from tradsys.verdict import holm, romano_wolf, sidak


@pytest.mark.parametrize("seed", range(10))
def test_step_down_agrees_with_removing_the_best_one_by_one(seed):
    rng = np.random.default_rng(seed)
    observed, null = rng.normal(1, 1.5, 7), rng.normal(size=(99, 7))
    assert romano_wolf(observed, null).tolist() == pytest.approx(step_down(observed, null).tolist(), abs=1e-15)


def test_p_never_falls_as_the_statistic_falls_and_never_is_zero():
    rng = np.random.default_rng(0)
    observed, null = rng.normal(1, 2, 30), rng.normal(size=(199, 30))
    p = romano_wolf(observed, null)
    assert (np.diff(p[np.argsort(-observed)]) >= 0).all()
    assert p.min() >= 1 / 200


def test_a_trial_more_never_helps_the_others():
    rng = np.random.default_rng(1)
    observed, null = rng.normal(1, 1, 6), rng.normal(size=(499, 6))
    alone = romano_wolf(observed[:5], null[:, :5])
    assert (romano_wolf(observed, null)[:5] >= alone).all()


def test_a_copy_of_a_trial_changes_nothing():
    rng = np.random.default_rng(2)
    observed, null = rng.normal(1, 1, 4), rng.normal(size=(499, 4))
    twice = romano_wolf(observed[[0, 1, 2, 3, 0, 0]], null[:, [0, 1, 2, 3, 0, 0]])
    assert twice[:4].tolist() == romano_wolf(observed, null).tolist()


def test_a_null_of_another_width_is_refused():
    with pytest.raises(DataError, match=r"shape \(n_draws, 3\), found \(9, 2\)"):
        romano_wolf(np.zeros(3), np.zeros((9, 2)))


def test_sidak_and_holm_agree_with_statsmodels():
    p = np.array([0.01, 0.2, 0.04, 0.001, 0.9, 0.99])
    assert sidak(p) == pytest.approx(multipletests(p, method="sidak")[1], abs=1e-12)
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1], abs=1e-12)


def test_sidak_keeps_the_digits_of_tiny_p():
    assert sidak(np.array([1e-18, 0.5]))[0] == pytest.approx(2e-18, rel=1e-9)


def test_a_statistic_as_large_as_a_draw_is_not_beyond_it():
    assert romano_wolf(np.array([1.0]), np.array([[1.0], [0.0], [2.0]])).tolist() == [3 / 4]


def test_a_null_needs_draws_in_rows():
    for null in (np.empty((0, 3)), np.zeros(3)):
        with pytest.raises(DataError, match=r"shape \(n_draws, 3\)"):
            romano_wolf(np.zeros(3), null)


def test_certain_luck_stays_certain():
    assert sidak(np.array([1.0, 1.0])) == pytest.approx([1.0, 1.0])
    assert sidak(np.array([1.0])) == pytest.approx([1.0])
    assert holm(np.array([0.9, 0.8])).tolist() == [1.0, 1.0]
