"""How many independent trials correlated ones are worth."""

import numpy as np
import pytest

from tradsys.core.errors import DataError
from tradsys.verdict import effective_trials, expected_max_sharpe

WAVES = np.array([[1.0, -1.0, 1.0, -1.0], [1.0, 1.0, -1.0, -1.0], [1.0, -1.0, -1.0, 1.0]])


def test_uncorrelated_trials_count_whole_and_copies_once():
    assert effective_trials(WAVES) == pytest.approx(3.0)
    assert effective_trials(np.stack([WAVES[0]] * 5)) == 1.0
    assert effective_trials(np.stack([WAVES[0], 7 * WAVES[0] + 3, -WAVES[0]])) == 1.0


def test_two_copies_and_a_stranger_by_hand():
    """Eigenvalues 2 and 1: exp(-(2/3 ln 2/3 + 1/3 ln 1/3)) = 3 / 2^(2/3)."""
    assert effective_trials(WAVES[[0, 0, 1]]) == pytest.approx(3 / 2 ** (2 / 3))


def test_two_trials_follow_from_their_correlation():
    a, b = np.random.default_rng(0).normal(size=(2, 500))
    b += a
    share = (1 + np.array([1, -1]) * np.corrcoef(a, b)[0, 1]) / 2
    assert effective_trials(np.stack([a, b])) == pytest.approx(np.exp(-(share * np.log(share)).sum()))


def test_more_trials_than_days_are_worth_at_most_the_days():
    returns = np.random.default_rng(1).normal(size=(60, 20))
    square = np.corrcoef(returns)
    share = np.linalg.eigvalsh(square)[-19:] / 60
    assert effective_trials(returns) == pytest.approx(np.exp(-(share * np.log(share)).sum()))
    assert effective_trials(returns) < 19


def test_a_hundred_trials_that_correlate_by_a_half_are_as_lucky_as_about_sixteen():
    """The published claim of the docstring: their best is worth that of 16 independent ones."""
    rng = np.random.default_rng(2)
    best = np.sqrt(0.5) * (rng.normal(size=(20_000, 100)).max(axis=1) + rng.normal(size=20_000))
    assert expected_max_sharpe(15) < best.mean() < expected_max_sharpe(17)
    returns = rng.normal(size=(100, 2000)) + rng.normal(size=2000)
    assert effective_trials(returns) == pytest.approx(19.4, abs=0.7)


def test_a_trial_that_never_moves_is_refused():
    with pytest.raises(DataError, match=r"trials \[1\] never move"):
        effective_trials(np.array([[1.0, 2.0, 3.0], [0.1, 0.1, 0.1]]))


def test_every_trial_that_never_moves_is_named():
    with pytest.raises(DataError, match=r"trials \[0, 2\] never move"):
        effective_trials(np.array([[1.0, 1.0], [1.0, 2.0], [0.0, 0.0]]))


def test_the_size_of_returns_does_not_matter():
    assert effective_trials(WAVES * 1e-5) == pytest.approx(3.0)
    assert effective_trials(WAVES[:1]) == 1.0
