"""Where a limit entry rests, what it pays, and which settings cannot be meant."""

import numpy as np
import pytest

from tradsys.core.costs import Costs
from tradsys.core.errors import ConfigError
from tradsys.core.limit_entry import LimitEntry, entry_cost
from tradsys.labels.limit_fill import trades_through


def test_prices_lie_a_share_of_the_way_to_the_stop_inside_the_open() -> None:
    price = LimitEntry(offset=0.25).price(np.array([100.0, 100.0]), np.array([1, -1]), np.array([4.0, 8.0]))
    assert price.tolist() == [99.0, 102.0]


def test_rounding_to_ticks_never_brings_an_order_nearer_to_the_market() -> None:
    sides, tick = np.array([1, -1]), 0.5
    assert LimitEntry(offset=0.1).price(100.0, sides, 2.0, tick).tolist() == [99.5, 100.5]  # 99.8 is nearer to 100
    assert LimitEntry(offset=0.0).price(0.3, sides, 1.0, 0.1) == pytest.approx([0.3, 0.3])  # 0.3 / 0.1 is below 3


def test_an_order_rests_no_longer_than_its_trade_would_last() -> None:
    rests = LimitEntry(bars=3).rests_until(np.array([5, 9]), np.array([20, 10]))
    assert rests.tolist() == [7, 10]


def test_resting_pays_the_maker_fee_and_no_slippage() -> None:
    costs, slippage = Costs(5.0, -1.0), np.array([1e-4, 2e-4])
    assert entry_cost(None, costs, slippage) == pytest.approx([6e-4, 7e-4])
    assert entry_cost(LimitEntry(), costs, slippage).tolist() == [-1e-4, -1e-4]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"offset": -0.1}, "entry_offset"),
        ({"offset": float("nan")}, "entry_offset"),
        ({"offset": 1.0}, "below 1, where the stop is"),
        ({"bars": 0}, "entry_bars"),
        ({"bars": 1.5}, "entry_bars"),
        ({"bars": 1_001}, "at most 1000"),
    ],
)
def test_what_no_entry_can_be_is_refused(settings: dict[str, float], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        LimitEntry(**settings)


def test_a_price_on_a_tick_is_the_one_that_bars_have_so_that_a_touch_is_no_trade_through():
    assert 993 * 0.1 > 99.3, "in binary"
    assert float(LimitEntry().price(99.3, 1, 1.0, 0.1)) == 99.3
    assert not trades_through(1, 100.0, 99.3, float(LimitEntry().price(99.3, 1, 1.0, 0.1)))
