"""Labels of trades that are entered by limit orders: by hand, and against a walk in plain Python."""

import numpy as np
import polars as pl
import pytest
from tests.labels.hand_made import Row, bars_from, mirrored, random_bars

from tradsys.core.limit_entry import LimitEntry
from tradsys.labels import BarrierSpec, triple_barrier
from tradsys.labels.measured import measured_pace
from tradsys.labels.pace import WilderAtr

QUIET: Row = (100, 101, 99, 100)
AT_OPEN = LimitEntry()


def label(rows: list[Row], entry: LimitEntry, *, side: int = 1, horizon: int = 4, fine: pl.DataFrame | None = None):
    """The label of the decision at the close of the second of two quiet bars, whose ATR is 2; 2 to either barrier."""
    bars = bars_from([QUIET, QUIET, *rows, *[QUIET] * horizon])
    if side < 0:
        bars = mirrored(bars)
    found = triple_barrier(
        bars, upper=1.0, lower=1.0, horizon=horizon, atr_period=1, side=side, events=[1], entry=entry, fine_bars=fine
    )
    return found.row(0, named=True)


@pytest.mark.parametrize("side", [1, -1])
def test_a_touch_is_no_fill_and_an_order_that_lapsed_earned_nothing(side: int) -> None:
    one = label([(100, 103, 100, 102), (102, 105, 102, 104)], LimitEntry(bars=2), side=side)
    assert (one["reason"], one["label"], one["ret"], one["exit"]) == ("missed", 0, 0.0, None)
    assert (one["entry"], one["entry_index"], one["exit_index"]) == (100, 3, 3)


def test_an_order_ends_with_the_bar_in_which_it_lapsed() -> None:
    one = label([(100, 103, 100, 102), (102, 105, 102, 104)], LimitEntry(bars=1))
    assert (one["reason"], one["exit_index"]) == ("missed", 2)
    assert one["end"].hour == 3


@pytest.mark.parametrize("side", [1, -1])
def test_a_bar_that_trades_through_fills_at_the_price_and_barriers_lie_where_that_puts_them(side: int) -> None:
    one = label([(100, 101, 99.4, 100), (100, 101.6, 99.6, 101)], LimitEntry(offset=0.25), side=side)
    assert (one["entry"], one["entry_index"]) == (100 - side * 0.5, 2)
    assert (one["exit"], one["exit_index"], one["reason"]) == (100 + side * 1.5, 3, "target")


@pytest.mark.parametrize("side", [1, -1])
def test_a_bar_that_opens_beyond_the_price_fills_at_the_price_and_counts_as_a_whole(side: int) -> None:
    rows: list[Row] = [(100, 101, 100, 101), (99, 102.5, 98.5, 99.5)]
    one = label(rows, LimitEntry(bars=2), side=side)
    assert (one["entry"], one["entry_index"], one["exit_index"], one["reason"]) == (100, 3, 3, "target")
    through_the_stop = label([(100, 101, 100, 101), (97, 103, 96, 102)], LimitEntry(bars=2), side=side)
    assert (through_the_stop["entry"], through_the_stop["exit"]) == (100, 100 - side * 3)
    assert through_the_stop["reason"] == "stop"


@pytest.mark.parametrize("side", [1, -1])
def test_entry_and_stop_in_one_bar_are_a_stop_and_what_the_bar_reached_before_is_no_target(side: int) -> None:
    stopped = label([(100, 103, 97.5, 101)], AT_OPEN, side=side)
    assert (stopped["entry_index"], stopped["exit_index"], stopped["reason"]) == (2, 2, "stop")
    assert stopped["exit"] == 100 - side * 2
    later = label([(100, 103, 99.5, 101), (101, 101, 97, 98)], AT_OPEN, side=side)
    assert (later["exit_index"], later["reason"]) == (3, "stop")  # 103 may have come before the fill


def test_a_close_beyond_the_target_came_after_the_fill() -> None:
    one = label([(100, 103, 99.5, 102.5)], AT_OPEN)
    assert (one["exit_index"], one["reason"], one["exit"], one["ambiguous"]) == (2, "target", 102, False)
    both = label([(100, 103, 97.5, 102.5)], AT_OPEN)
    assert (both["reason"], both["exit"], both["ambiguous"]) == ("stop", 98, True)


def test_finer_bars_say_when_the_order_was_filled_and_what_came_after() -> None:
    quarter = 900_000
    quiet = [QUIET] * 4
    parts: list[Row] = [(100, 100, 99.5, 100), (100, 103, 100, 102), (102, 102, 101, 101), (101, 101, 101, 101)]
    fine = bars_from([*quiet, *quiet, *parts, *quiet * 4], step_ms=quarter)
    coarse: list[Row] = [(100, 103, 99.5, 101)]
    assert label(coarse, AT_OPEN)["reason"] == "time"
    one = label(coarse, AT_OPEN, fine=fine)
    assert (one["exit_index"], one["reason"], one["exit"]) == (2, "target", 102)
    before: list[Row] = [(100, 103, 100, 102), (102, 102, 99.5, 100), (100, 101, 100, 101), (101, 101, 101, 101)]
    fine = bars_from([*quiet, *quiet, *before, *quiet * 4], step_ms=quarter)
    assert label(coarse, AT_OPEN, fine=fine)["reason"] == "time"  # the target was passed before there was a trade


def plain(bars: list[dict[str, float]], side: int, price: float, target: float, stop: float, rests: int):
    """The rules sentence by sentence: reason, row of the fill, row of the exit and its price."""
    filled = None
    for row, bar in enumerate(bars):
        best, worst = (bar["high"], bar["low"]) if side > 0 else (bar["low"], bar["high"])
        opened = bar["open"]
        is_later = filled is not None
        if filled is None:
            if row >= rests:
                return "missed", rests - 1, rests - 1, price
            if side * (worst - price) >= 0:
                continue
            filled = row
            is_later = row > 0 and side * (opened - price) < 0
            if not is_later:
                best = side * max(side * price, side * bar["close"])
        if is_later and side * (opened - stop) <= 0:
            return "stop", filled, row, opened
        if is_later and side * (opened - target) >= 0:
            return "target", filled, row, opened
        if side * (worst - stop) <= 0:
            return "stop", filled, row, stop
        if side * (best - target) >= 0:
            return "target", filled, row, target
    if filled is None:
        return "missed", rests - 1, rests - 1, price
    return "time", filled, len(bars) - 1, bars[-1]["close"]


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("entry", [LimitEntry(), LimitEntry(0.25, 3), LimitEntry(0.5, 20)])
def test_labels_equal_the_plain_walk(side: int, entry: LimitEntry) -> None:
    bars, horizon = random_bars(1_200, seed=7), 8
    found = triple_barrier(bars, upper=1.0, lower=1.5, horizon=horizon, side=side, entry=entry)
    pace, rows = measured_pace(WilderAtr(14), bars), bars.to_dicts()
    seen = set()
    for one in found.iter_rows(named=True):
        row = one["index"]
        opened, unit = rows[row + 1]["open"], pace[row]
        price = opened - side * (entry.offset * (1.5 * unit))
        barriers = price + side * (1.0 * unit), price - side * (1.5 * unit)
        walked = rows[row + 1 : row + 1 + horizon]
        reason, filled, left, exit_ = plain(walked, side, price, *barriers, min(entry.bars, horizon))
        assert (one["reason"], one["entry_index"], one["exit_index"]) == (reason, row + 1 + filled, row + 1 + left)
        assert one["ret"] == side * (exit_ / price - 1.0)
        seen.add((reason, filled == left))
    assert {("target", False), ("stop", True), ("stop", False), ("time", False)} < seen
    assert any(reason == "missed" for reason, _ in seen)


def test_the_future_changes_no_fill_that_has_happened() -> None:
    bars, spec = random_bars(600, seed=3), BarrierSpec(horizon=6, entry=LimitEntry(0.2, 2))
    whole = spec.label(bars)
    cut = spec.label(bars.head(400))
    both = whole.join(cut, on=("index", "side"), suffix="_cut")
    assert len(both) > 700
    for name in ("entry", "entry_index", "exit_index", "reason", "ret", "end"):
        assert (both[name] == both[f"{name}_cut"]).all()


def test_a_spec_is_written_and_read_with_its_entry_and_one_at_the_market_as_before() -> None:
    spec = BarrierSpec(entry=LimitEntry(0.25, 4))
    assert BarrierSpec.from_dict(spec.to_dict()) == spec
    assert "entry" not in BarrierSpec().to_dict()


def test_an_order_in_bars_that_nobody_traded_in_rests_on() -> None:
    rows: list[Row] = [QUIET, QUIET, (100, 101, 100, 101), (101, 102, 95, 101), (101, 101, 99.9, 101)]
    bars = bars_from([*rows, *[QUIET] * 4]).with_columns(
        volume=pl.Series([1.0, 1, 1, 0, 1, *[1] * 4], dtype=pl.Float64)
    )
    found = triple_barrier(bars, horizon=5, atr_period=1, events=[1], entry=LimitEntry(bars=3)).row(0, named=True)
    assert (found["entry"], found["entry_index"]) == (100, 4)
    assert np.isclose(found["ret"], found["exit"] / 100 - 1)
