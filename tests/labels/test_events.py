"""Which bars are events."""

import numpy as np
import pytest
from tests.labels.hand_made import bars_from, random_bars

from tradsys.core.atr import wilder_atr
from tradsys.core.bars import to_arrays
from tradsys.core.errors import ConfigError
from tradsys.labels import cusum, every_bar


def closes(*values: float):
    """Bars with a constant true range of 2 around the given closes."""
    return bars_from([(c, c + 1, c - 1, c) for c in values])


def test_every_bar_is_every_row() -> None:
    assert every_bar(closes(1, 2, 3)).tolist() == [0, 1, 2]


def test_cusum_fires_when_the_close_has_drifted_a_threshold_of_atrs_and_starts_again() -> None:
    # the ATR is always 2; upward drift in ATR: .5, 1 (fires), .5, 0 (floored), .5, 1 (fires)
    bars = closes(100, 101, 102, 103, 102, 103, 104)
    assert cusum(bars, 1.0, atr_period=1).tolist() == [2, 6]


def test_cusum_fires_both_ways() -> None:
    assert cusum(closes(100, 99, 98, 97, 96), 1.0, atr_period=1).tolist() == [2, 4]


def test_cusum_is_blind_until_there_is_an_atr() -> None:
    bars = random_bars(200, 3)
    events = cusum(bars, 0.5, atr_period=14)
    assert events[0] >= 14
    assert (np.diff(events) >= 1).all()
    assert len(cusum(bars, 3.0)) < len(events)


def test_a_threshold_must_be_positive() -> None:
    with pytest.raises(ConfigError, match="positive, in ATR, was 0"):
        cusum(random_bars(20, 1), 0.0)


def test_the_usual_atr_of_a_cusum_has_14_bars() -> None:
    assert cusum(random_bars(300, 4), 0.01)[0] == 14


def test_cusum_agrees_with_the_filter_written_out() -> None:
    bars = random_bars(400, 9)
    prices = to_arrays(bars)
    atr = wilder_atr(prices.high, prices.low, prices.close, 6)
    rows, up, down = [], 0.0, 0.0
    for t in range(6, 400):
        step = (prices.close[t] - prices.close[t - 1]) / atr[t - 1]
        up, down = max(0.0, up + step), min(0.0, down + step)
        if max(up, -down) >= 0.8:
            rows.append(t)
            up = down = 0.0
    assert cusum(bars, 0.8, atr_period=6).tolist() == rows


def test_a_bar_after_one_that_did_not_move_is_no_step() -> None:
    bars = bars_from([(100, 100, 100, 100), (105, 106, 104, 105), (106, 107, 105, 106), (109, 110, 108, 109)])
    assert cusum(bars, 0.5, atr_period=1).tolist() == [3]
