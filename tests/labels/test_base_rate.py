"""The base rate of labels that weigh, and its Krichevsky-Trofimov estimate."""

import numpy as np
import pytest

from tradsys.labels.weights import base_rate, krichevsky_trofimov


def test_half_a_success_and_half_a_failure_come_in_advance():
    assert krichevsky_trofimov(3.0, 4.0) == pytest.approx(3.5 / 5.0)


def test_nothing_ever_is_certain():
    y = np.column_stack([np.ones(5), np.zeros(5)])
    rate = base_rate(y, np.ones((5, 2)))
    np.testing.assert_allclose(rate, [5.5 / 6.0, 0.5 / 6.0])


def test_without_labels_it_is_a_coin():
    np.testing.assert_array_equal(base_rate(np.empty((0, 2)), np.empty((0, 2))), [0.5, 0.5])


def test_each_side_is_weighted_by_its_own_labels():
    y, weight = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[1.0, 0.5], [0.5, 1.0]])
    np.testing.assert_allclose(base_rate(y, weight), [1.5 / 2.5, 1.5 / 2.5])
