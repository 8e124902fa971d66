import numpy as np
import pytest

from tradsys.core.orders import (
    NO_ROOM,
    TAKEN,
    TOO_SMALL,
    is_large_enough,
    scale_to_room,
    shared_scale,
    size_for_share,
    sized_order,
    to_tick,
    whole_lots,
)


def test_a_share_of_the_equity_is_bought_at_the_price():
    assert size_for_share(0.25, 10_000.0, 50.0) == 50.0
    assert size_for_share(-0.25, 10_000.0, 50.0) == -50.0


@pytest.mark.parametrize("equity", [0.0, -1.0])
def test_an_equity_that_is_gone_buys_nothing(equity):
    assert size_for_share(0.25, equity, 50.0) == 0.0


def test_orders_that_want_more_than_the_room_shrink_alike():
    assert scale_to_room(1.2, 0.9) == pytest.approx(0.75)
    assert scale_to_room(0.9, 1.2) == 1.0


def test_no_room_and_nothing_wanted_both_give_nothing():
    assert scale_to_room(0.5, -0.1) == scale_to_room(0.0, 1.0) == 0.0


@pytest.mark.parametrize(
    ("size", "lot", "lots"),
    [(0.37, 0.125, 0.25), (-0.37, 0.125, -0.25), (0.1, 0.125, 0.0), (0.37, 0.0, 0.37), (3.0, 1.0, 3.0)],
)
def test_sizes_are_cut_towards_zero_to_whole_lots(size, lot, lots):
    assert whole_lots(size, lot) == lots


def test_a_whole_number_of_lots_stays_though_binary_fractions_fall_short():
    assert 0.3 / 0.1 < 3.0
    assert whole_lots(0.3, 0.1) == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("size", "price", "minimum", "is_taken"),
    [(0.2, 50.0, 10.0, True), (-0.2, 50.0, 10.0, True), (0.2, 49.0, 10.0, False), (0.0, 50.0, 0.0, False)],
)
def test_an_order_must_be_worth_the_venues_minimum(size, price, minimum, is_taken):
    assert is_large_enough(size, price, minimum) == is_taken


def test_prices_go_to_the_nearest_tick_and_halves_to_the_even_one():
    prices, ticks = np.array([10.3, 10.125, 10.375, 10.3]), np.array([0.25, 0.25, 0.25, 0.0])
    np.testing.assert_array_equal(to_tick(prices, ticks), [10.25, 10.0, 10.5, 10.3])


def test_the_functions_do_the_same_outside_a_kernel():
    assert whole_lots.py_func(-0.37, 0.125) == -0.25
    assert scale_to_room.py_func(1.2, 0.9) == scale_to_room(1.2, 0.9)


def test_orders_of_one_moment_share_what_open_trades_have_left() -> None:
    asked, granted = np.array([0.4, 0.0, 0.8]), np.array([0.0, 0.7, 0.0])
    assert shared_scale(asked, granted, 1.3) == pytest.approx(0.5)
    assert shared_scale(asked, granted, 9.0) == 1.0
    assert shared_scale(asked, granted, 0.7) == 0.0


def test_an_order_that_is_too_small_says_whether_room_was_what_it_lacked() -> None:
    assert sized_order(0.5, 0.5, 1_000.0, 100.0, 0.5, 5.0) == (TAKEN, 2.5)
    assert sized_order(0.5, 0.1, 1_000.0, 100.0, 1.0, 5.0) == (NO_ROOM, 0.0)
    assert sized_order(0.05, 1.0, 1_000.0, 100.0, 1.0, 5.0) == (TOO_SMALL, 0.0)
    assert sized_order(0.5, 1.0, -1.0, 100.0, 0.0, 0.0) == (TOO_SMALL, 0.0)
