"""Shares of the equity: in balance by what is asked, the mean of several choices, and still inside a band."""

import numpy as np
import pytest

from tradsys.predictor.rank_weights import balanced, held_in_band, mean_of_last


def test_sides_have_the_same_notional_without_masses_and_the_same_mass_with_them():
    convictions = np.array([[2.0, 1.0, -1.0, 0.0], [1.0, 2.0, 0.0, 0.0]])
    shares = balanced(convictions, None, 0.8)
    assert shares[0].tolist() == pytest.approx([0.8 / 3, 0.4 / 3, -0.4, 0.0])
    assert not shares[1].any()  # nobody to be short of
    masses = np.array([[1.0, 4.0, 0.5, 9.0]] * 2)
    shares = balanced(convictions, masses, 0.8)[0]
    assert np.abs(shares).sum() == pytest.approx(0.8)
    assert shares @ masses[0] == pytest.approx(0.0)
    assert shares[0] == pytest.approx(2 * shares[1])


def test_equal_sides_without_masses_are_a_division_by_their_number_to_the_last_bit():
    for k in range(1, 40):
        sides = np.array([[1.0] * k + [-1.0] * k + [0.0]])
        assert np.array_equal(balanced(sides, None, 0.7), 0.7 * sides / (2 * k))


def test_overlapping_choices_are_the_mean_of_the_last_ones():
    chosen = np.array([[0.3], [0.0], [-0.6], [0.6]])
    assert mean_of_last(chosen, 1) is chosen
    assert mean_of_last(chosen, 3)[:, 0].tolist() == pytest.approx([0.1, 0.1, -0.1, 0.0])


def plain_band(targets, closes, is_ranked, restarts, band):
    """The same in words: drift with prices, then move no further than to the nearest edge of the band."""
    out = [targets[0]]
    for i in range(1, len(targets)):
        grown = np.where(out[-1] != 0, out[-1] * closes[i] / closes[i - 1], 0.0)
        drifted = grown / (1.0 + (grown - out[-1]).sum())
        width = band / max((targets[i] != 0).sum(), 1)
        moved = np.where(is_ranked[i], np.clip(drifted, targets[i] - width, targets[i] + width), 0.0)
        out.append(targets[i] if restarts[i] or not targets[i].any() else moved)
    return np.array(out)


def test_a_band_holds_what_is_near_and_goes_to_its_edge_otherwise():
    rng = np.random.default_rng(4)
    convictions = rng.normal(size=(60, 6))
    targets = balanced(convictions, None, 1.0)
    closes = np.exp(np.cumsum(rng.normal(0, 0.05, (60, 6)), axis=0))
    is_ranked = np.ones(targets.shape, bool)
    is_ranked[20:25, 2], targets[20:25, 2] = False, 0.0
    restarts = np.arange(60) % 28 == 0
    held = held_in_band(targets, closes, is_ranked, restarts, 0.5, 1.0)
    assert held == pytest.approx(plain_band(targets, closes, is_ranked, restarts, 0.5))
    assert np.array_equal(held[28], targets[28])
    assert not np.array_equal(held[29], targets[29])
    assert not held[20:25, 2].any()
    assert np.abs(np.diff(held, axis=0)).sum() < 0.8 * np.abs(np.diff(targets, axis=0)).sum()
    assert held_in_band(targets, closes, is_ranked, restarts, 0.0, 1.0) is targets


def test_a_position_inside_the_band_is_what_prices_made_of_it():
    targets = np.array([[0.5, -0.5], [0.52, -0.48]])
    closes = np.array([[1.0, 1.0], [1.02, 1.01]])
    held = held_in_band(targets, closes, np.ones((2, 2), bool), np.zeros(2, bool), 0.5, 1.0)
    worth = 1 + 0.5 * 0.02 - 0.5 * 0.01
    assert held[1].tolist() == pytest.approx([0.51 / worth, -0.505 / worth])
