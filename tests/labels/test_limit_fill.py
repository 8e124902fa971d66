"""Which bar fills a limit order, and what of it came after the fill."""

import numpy as np
import pytest

from tradsys.labels.limit_fill import filled_row, since_fill, trades_through


@pytest.mark.parametrize(
    ("side", "high", "low", "fills"),
    [(1, 101.0, 99.0, False), (1, 101.0, 98.99, True), (-1, 99.0, 98.0, False), (-1, 99.01, 98.0, True)],
)
def test_a_touch_is_no_fill(side: int, high: float, low: float, fills: bool) -> None:
    assert trades_through(side, high, low, 99.0) is fills


def test_the_first_bar_that_trades_through_fills_and_none_after_the_last() -> None:
    high, low = np.array([101.0, 101.0, 101.0, 101.0]), np.array([99.5, 99.0, 98.5, 98.0])
    assert [filled_row(high, low, 0, last, 1, 99.0) for last in (1, 2, 3)] == [-1, 2, 2]
    assert filled_row(high, low, 3, 3, 1, 99.0) == 3


def test_what_a_bar_moved_for_the_trade_may_have_come_before_the_fill() -> None:
    assert since_fill(1, False, 100.0, 104.0, 97.0, 98.0, 99.0) == (99.0, 99.0, 97.0)
    assert since_fill(1, False, 100.0, 104.0, 97.0, 103.0, 99.0) == (99.0, 103.0, 97.0)
    assert since_fill(-1, False, 100.0, 104.0, 97.0, 102.0, 101.0) == (101.0, 104.0, 101.0)
    assert since_fill(-1, False, 100.0, 104.0, 97.0, 98.0, 101.0) == (101.0, 104.0, 98.0)


def test_a_bar_that_opens_beyond_the_price_comes_after_the_fill_as_a_whole() -> None:
    assert since_fill(1, True, 98.0, 104.0, 97.0, 98.5, 99.0) == (98.0, 104.0, 97.0)
