"""Which bars somebody traded in, known from what had closed alone."""

import numpy as np
import pytest

from tradsys.core.traded import TradedBars, end_to_end, traded_bars


def test_a_bar_without_volume_is_one_in_which_nobody_traded() -> None:
    assert traded_bars(np.array([1.0, 0.0, 2.0])).tolist() == [True, False, True]


@pytest.mark.parametrize("volume", [[0.0, 0.0, 0.0], [], [1.0, 2.0]])
def test_without_any_volumes_every_bar_fills(volume: list[float]) -> None:
    assert traded_bars(np.array(volume)).tolist() == [True] * len(volume)


def test_no_later_bar_changes_what_was_known_of_one() -> None:
    volume = np.random.default_rng(0).poisson(0.4, 300) * (np.arange(300) > 40).astype(float)
    whole = traded_bars(volume)
    for n in range(300):
        assert (traded_bars(volume[:n]) == whole[:n]).all()


def test_the_next_traded_bar_is_the_bar_itself_or_none_after_the_last() -> None:
    assert TradedBars.of(np.array([1.0, 0.0, 0.0, 2.0, 0.0])).next.tolist() == [0, 3, 3, 3, 5]


def test_an_entry_lapses_or_waits_until_its_horizon() -> None:
    traded = TradedBars.of(np.array([1.0, 0.0, 0.0, 2.0, 0.0, 0.0]))
    rows = np.array([0, 1, 2])
    assert traded.entries(rows, 2, "lapse").tolist() == [-1, -1, 3]
    assert traded.entries(rows, 2, "wait").tolist() == [-1, 3, 3]
    assert traded.entries(rows, 3, "wait").tolist() == [3, 3, 3]


def test_several_symbols_keep_their_own_rows() -> None:
    one, other = TradedBars.of(np.array([1.0, 0.0])), TradedBars.of(np.array([3.0, 0.0, 1.0]))
    both = end_to_end([one, other])
    assert both.is_traded.tolist() == [True, False, True, False, True]
    assert both.next.tolist() == [0, 2, 2, 4, 4]
