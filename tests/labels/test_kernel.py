"""The kernel against a walk in plain Python, on bars full of gaps, touches and bars with both barriers."""

import numpy as np
import pytest
from tests.labels.hand_made import random_bars

from tradsys.core.bars import to_arrays
from tradsys.labels.kernel import REASONS, WALKS, Prices, Walk, no_fine_bars, walk_all


def plain_walk(bars: list[dict[str, float]], side: int, target: float, stop: float, policy: str) -> tuple[object, ...]:
    """The rules of the walk, sentence by sentence, one trade entered at the open of the first of `bars`."""

    def reaches(price: float, barrier: float, towards: int) -> bool:
        return towards * (price - barrier) >= 0

    for row, bar in enumerate(bars):
        if row == 0 and policy == "stop_first":
            continue
        if row > 0 and reaches(bar["open"], stop, -side):
            return row, bar["open"], "stop", False
        if row > 0 and reaches(bar["open"], target, side):
            return row, target if policy == "ohlc" else bar["open"], "target", False
        best, worst = (bar["high"], bar["low"]) if side > 0 else (bar["low"], bar["high"])
        has_target, has_stop = reaches(best, target, side), reaches(worst, stop, -side)
        if has_target and has_stop:
            is_target = policy == "ohlc" and side > 0
            return row, target if is_target else stop, "target" if is_target else "stop", True
        if has_stop:
            return row, stop, "stop", False
        if has_target:
            return row, target, "target", False
    return len(bars) - 1, bars[-1]["close"], "time", False


@pytest.mark.parametrize("policy", WALKS)
@pytest.mark.parametrize("side", [1, -1])
def test_kernel_equals_the_plain_walk(policy: Walk, side: int) -> None:
    frame = random_bars(1500, seed=11)
    arrays, rows, horizon = to_arrays(frame), frame.to_dicts(), 8
    first = np.arange(1, len(rows) - horizon)
    rng = np.random.default_rng(4)
    target = arrays.open[first] + side * rng.integers(2, 16, len(first)) * 0.25
    stop = arrays.open[first] - side * rng.integers(2, 16, len(first)) * 0.25
    prices = Prices(arrays.open, arrays.high, arrays.low, arrays.close)
    exits = walk_all(
        prices, no_fine_bars(), first, first + horizon - 1, np.full(len(first), side), target, stop, WALKS[policy]
    )
    seen = set()
    for i, begin in enumerate(first):
        row, price, reason, is_ambiguous = plain_walk(rows[begin : begin + horizon], side, target[i], stop[i], policy)
        found = (exits.row[i] - begin, exits.price[i], REASONS[exits.reason[i] - 1], bool(exits.is_ambiguous[i]))
        assert found == (row, price, reason, is_ambiguous)
        seen.add((reason, is_ambiguous, price not in (target[i], stop[i])))
    assert {("target", False, False), ("stop", False, True), ("stop", False, False), ("time", False, True)} < seen


def test_the_policies_differ_where_they_should() -> None:
    prices = Prices(
        *(np.array(x, dtype=np.float64) for x in ([100, 100, 104], [103, 101, 105], [97, 99, 103], [100, 100, 104]))
    )
    for policy, expected in {"pessimistic": (0, 98.0, 2), "stop_first": (2, 104.0, 1), "ohlc": (0, 102.0, 1)}.items():
        one = np.array([0])
        exits = walk_all(
            prices,
            no_fine_bars(),
            one,
            one + 2,
            one + 1,
            np.array([102.0]),
            np.array([98.0]),
            WALKS[policy],  # type: ignore[index]
        )
        assert (exits.row[0], exits.price[0], exits.reason[0]) == expected


def test_ohlc_fills_a_gapped_target_at_its_limit() -> None:
    prices = Prices(*(np.array(x, dtype=np.float64) for x in ([100, 104], [101, 105], [99, 103], [100, 104])))
    one = np.array([0])
    exits = walk_all(prices, no_fine_bars(), one, one + 1, one + 1, np.array([102.0]), np.array([98.0]), WALKS["ohlc"])
    assert (exits.row[0], exits.price[0]) == (1, 102.0)


def test_the_open_of_the_entry_is_no_gap() -> None:
    prices = Prices(*(np.array([x], dtype=np.float64) for x in (100, 101, 99, 100)))
    one = np.array([0])
    exits = walk_all(prices, no_fine_bars(), one, one, one + 1, np.array([100.0]), np.array([100.0]), 0)
    assert (REASONS[exits.reason[0] - 1], exits.is_ambiguous[0]) == ("stop", True)
