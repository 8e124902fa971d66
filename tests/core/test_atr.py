"""Wilder's average true range by hand."""

import numpy as np
import pytest

from tradsys.core.atr import wilder_atr


def test_seed_is_the_mean_of_the_first_true_ranges_and_then_a_slow_average() -> None:
    high, low, close = (np.array(x, dtype=np.float64) for x in ([10, 12, 11, 20], [8, 11, 5, 19], [9, 11, 6, 19]))
    # true ranges: 2, 3 (from the close of 9), 6, 14 (from the close of 6)
    atr = wilder_atr(high, low, close, 2)
    assert np.isnan(atr[0])
    assert atr[1:].tolist() == pytest.approx([2.5, (2.5 + 6) / 2, (4.25 + 14) / 2])


def test_fewer_bars_than_the_period_have_no_average() -> None:
    assert np.isnan(wilder_atr(np.ones(3), np.zeros(3), np.ones(3), 4)).all()
