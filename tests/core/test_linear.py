"""A row's linear combination has the same bits alone, among others and in any layout of memory."""

import numpy as np
import pytest

from tradsys.core.linear import linear

RNG = np.random.default_rng(3)


@pytest.mark.parametrize("n_columns", [1, 3, 17, 64, 119])
@pytest.mark.parametrize("n_outputs", [1, 2, 5])
def test_a_row_is_answered_alike_alone_and_among_others(n_columns: int, n_outputs: int) -> None:
    X, coef = RNG.normal(size=(501, n_columns)), RNG.normal(size=(n_columns, n_outputs))
    intercept = RNG.normal(size=n_outputs)
    together = linear(X, coef, intercept)
    assert together == pytest.approx(X @ coef + intercept, rel=1e-12, abs=1e-12)
    for first, last in ((0, 1), (7, 8), (3, 20), (100, 501), (500, 501)):
        assert np.array_equal(linear(X[first:last], coef, intercept), together[first:last])
    for copy in (np.asfortranarray(X), np.repeat(X, 2, axis=0)[::2], np.asfortranarray(X)[::-1][::-1]):
        assert np.array_equal(linear(copy, coef, intercept), together)
    assert np.array_equal(linear(X, np.asfortranarray(coef), intercept), together)


def test_one_output_needs_no_second_dimension() -> None:
    X, coef = RNG.normal(size=(9, 4)), RNG.normal(size=4)
    assert np.array_equal(linear(X, coef, 0.5), linear(X, coef[:, None], 0.5)[:, 0])


def test_what_is_missing_stays_missing_and_spoils_no_other_row() -> None:
    X = RNG.normal(size=(5, 3))
    X[2, 1] = np.nan
    assert np.isnan(linear(X, np.ones(3))).tolist() == [False, False, True, False, False]


def test_no_rows_are_no_answers() -> None:
    assert linear(np.empty((0, 3)), np.ones((3, 2)), np.ones(2)).shape == (0, 2)
