"""Every case of the triple barrier by hand: entry 100, ATR 2, target 102, stop 98 unless a test says otherwise."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.labels.hand_made import HOUR_MS, Row, bars_from, mirrored, random_bars

from tradsys.core.atr import wilder_atr
from tradsys.core.bars import to_arrays
from tradsys.core.errors import ConfigError, DataError
from tradsys.data import load_bars
from tradsys.labels import triple_barrier

DECIDING: Row = (100, 101, 99, 100)  # its range of 2 is the ATR
QUIET: Row = (100, 101, 99, 100)


def label_first(*following: Row, side: int = 1, **options: object) -> dict[str, object]:
    """The label of the first bar, whose horizon ends with the last of the following bars."""
    bars = bars_from([DECIDING, *following])
    if side < 0:
        bars = mirrored(bars)
    options = {"upper": 1.0, "lower": 1.0, "horizon": len(following), "atr_period": 1, "events": [0]} | options
    return triple_barrier(bars, side=side, **options).row(0, named=True)  # type: ignore[arg-type]


def test_target_first_exits_at_the_target() -> None:
    label = label_first(QUIET, (100, 102.5, 99, 102), QUIET)
    assert (label["reason"], label["label"], label["exit"], label["exit_index"]) == ("target", 1, 102.0, 2)
    assert label["ret"] == pytest.approx(0.02)
    assert label["ambiguous"] is False


def test_stop_first_exits_at_the_stop() -> None:
    label = label_first(QUIET, (100, 101, 97.5, 98), (98, 110, 98, 110))
    assert (label["reason"], label["label"], label["exit"], label["exit_index"]) == ("stop", 0, 98.0, 2)
    assert label["ret"] == pytest.approx(-0.02)


@pytest.mark.parametrize(("bar", "reason"), [((100, 102, 99, 100), "target"), ((100, 101, 98, 100), "stop")])
def test_an_exact_touch_is_a_touch(bar: Row, reason: str) -> None:
    assert label_first(bar, QUIET)["reason"] == reason


def test_a_hair_short_of_the_barrier_is_no_touch() -> None:
    assert label_first((100, 101.999, 98.001, 100), QUIET)["reason"] == "time"


def test_a_gap_beyond_the_target_exits_at_the_open() -> None:
    label = label_first(QUIET, (103, 104, 102.5, 104), QUIET)
    assert (label["reason"], label["exit"], label["exit_index"]) == ("target", 103.0, 2)


def test_a_gap_beyond_the_stop_exits_at_the_open() -> None:
    label = label_first(QUIET, (96, 97, 95, 95), QUIET)
    assert (label["reason"], label["exit"], label["ret"]) == ("stop", 96.0, pytest.approx(-0.04))


def test_after_a_gap_beyond_the_target_the_stop_in_the_same_bar_comes_too_late() -> None:
    label = label_first(QUIET, (103, 104, 97, 97), QUIET)
    assert (label["reason"], label["exit"], label["ambiguous"]) == ("target", 103.0, False)


def test_both_in_one_bar_is_the_stop_and_ambiguous() -> None:
    label = label_first(QUIET, (100, 103, 97, 102), QUIET)
    assert (label["reason"], label["label"], label["exit"], label["ambiguous"]) == ("stop", 0, 98.0, True)


def test_the_entry_bar_is_watched() -> None:
    label = label_first((100, 102, 99, 100), QUIET)
    assert (label["reason"], label["exit_index"]) == ("target", 1)


def test_no_touch_exits_at_the_close_of_the_horizon() -> None:
    label = label_first(QUIET, (100, 101, 99, 101), (101, 101.5, 100, 100.5))
    assert (label["reason"], label["label"], label["exit"], label["exit_index"]) == ("time", 0, 100.5, 3)
    assert label["ret"] == pytest.approx(0.005)


def test_a_touch_after_the_horizon_does_not_count() -> None:
    assert label_first(QUIET, QUIET, (100, 103, 99, 103), horizon=2)["reason"] == "time"


def test_entry_is_the_next_open_and_barriers_stand_from_there() -> None:
    label = label_first((105, 106, 104, 105), (105, 107, 104, 106))
    assert (label["entry"], label["exit"], label["reason"]) == (105.0, 107.0, "target")


def test_start_is_the_close_of_the_deciding_bar_and_end_the_close_of_the_exit_bar() -> None:
    label = label_first(QUIET, (100, 102, 99, 102), QUIET)
    assert label["start"] == datetime(1970, 1, 1, 1, tzinfo=UTC)
    assert label["end"] == datetime(1970, 1, 1, 3, tzinfo=UTC)


def test_events_whose_horizon_lies_beyond_the_bars_are_dropped_even_if_they_touched() -> None:
    bars = bars_from([DECIDING, (100, 103, 99, 103), *[QUIET] * 2])
    assert triple_barrier(bars, horizon=3, atr_period=1)["index"].to_list() == [0]
    assert triple_barrier(bars, horizon=4, atr_period=1).is_empty()


def test_without_a_positive_atr_there_is_no_event() -> None:
    flat = bars_from([(100, 100, 100, 100)] * 3 + [DECIDING, QUIET, QUIET])
    assert triple_barrier(flat, horizon=1, atr_period=1)["index"].to_list() == [3, 4]
    assert triple_barrier(flat, horizon=1, atr_period=4)["index"].to_list() == [3, 4]  # warm-up has none either


@pytest.mark.parametrize(
    "following",
    [
        [QUIET, (100, 102.5, 99, 102), QUIET],
        [QUIET, (100, 101, 97.5, 98), QUIET],
        [QUIET, (103, 104, 97, 97), QUIET],
        [QUIET, (96, 97, 95, 95), QUIET],
        [(100, 103, 97, 102), QUIET],
        [QUIET, (100, 101.5, 99, 101)],
    ],
)
def test_a_short_is_the_long_of_the_mirrored_market(following: list[Row]) -> None:
    long, short = label_first(*following), label_first(*following, side=-1)
    for field in ("index", "start", "end", "exit_index", "reason", "label", "ambiguous"):
        assert short[field] == long[field]
    assert short["ret"] == pytest.approx(long["ret"])
    assert short["exit"] == pytest.approx(200 - long["exit"])


def test_unequal_distances_belong_to_target_and_stop_of_either_side() -> None:
    wide = {"upper": 3.0, "lower": 0.5}  # long: 106 and 99; short: 94 and 101
    bar = (100, 100.5, 98.5, 99)
    assert label_first(bar, QUIET, **wide)["exit"] == 99.0
    assert label_first(bar, QUIET, side=-1, **wide)["exit"] == 101.0


BOTH: Row = (100, 103, 97, 100)
RISE_FIRST: list[Row] = [(100, 103, 99, 102), (102, 102, 97, 100)]
FALL_FIRST: list[Row] = [(100, 101, 97, 98), (98, 103, 98, 100)]


def label_finely(parts: list[Row], side: int = 1, *, first_ms: int = HOUR_MS) -> tuple[object, ...]:
    fine = bars_from(parts, step_ms=HOUR_MS // 2, first_ms=first_ms)
    label = label_first(BOTH, QUIET, side=side, fine_bars=fine if side > 0 else mirrored(fine))
    return label["reason"], label["ambiguous"], label["exit_index"]


@pytest.mark.parametrize("side", [1, -1])
def test_shorter_bars_decide_which_of_both_came_first(side: int) -> None:
    assert label_finely(RISE_FIRST, side) == ("target", False, 1)
    assert label_finely(FALL_FIRST, side) == ("stop", False, 1)


def test_shorter_bars_that_hold_both_themselves_leave_the_stop_and_the_doubt() -> None:
    assert label_finely([BOTH, QUIET]) == ("stop", True, 1)


def test_shorter_bars_that_do_not_cover_the_bar_decide_nothing() -> None:
    assert label_finely(RISE_FIRST, first_ms=3 * HOUR_MS // 2) == ("stop", True, 1)
    assert label_finely(RISE_FIRST, first_ms=5 * HOUR_MS // 4) == ("stop", True, 1)  # the second ends in the next bar


def test_shorter_bars_that_disagree_with_the_bar_decide_nothing() -> None:
    assert label_finely([QUIET, QUIET]) == ("stop", True, 1)


def test_fine_bars_must_be_shorter() -> None:
    with pytest.raises(DataError, match="theirs last 3600 s"):
        label_first(BOTH, QUIET, fine_bars=bars_from([QUIET] * 3))


def test_several_symbols_are_sent_to_split_symbols() -> None:
    bars = pl.concat([bars_from([QUIET] * 3).with_columns(symbol=pl.lit(name)) for name in ("A", "B")])
    with pytest.raises(DataError, match=r"one symbol, found 2; split them first with tradsys.core.bars.split_symbols"):
        triple_barrier(bars)


def test_bars_that_are_no_bars_are_refused_with_their_rows() -> None:
    bars = bars_from([QUIET] * 4)
    with pytest.raises(DataError, match="NaN"):
        triple_barrier(bars.with_columns(high=pl.Series([101.0, np.nan, 101.0, 101.0])))
    with pytest.raises(DataError, match="order"):
        triple_barrier(bars.reverse())


def test_events_are_row_numbers_in_any_order() -> None:
    bars = random_bars(50, 1)
    every = triple_barrier(bars, horizon=5)
    some = triple_barrier(bars, horizon=5, events=[30, 20])
    assert some.rows() == [every.row(30 - 13), every.row(20 - 13)]
    assert triple_barrier(bars, events=[]).is_empty()
    with pytest.raises(ConfigError, match="flatnonzero turns a mask into rows"):
        triple_barrier(bars, events=np.ones(50, bool))
    with pytest.raises(ConfigError, match="0 to 49; found -1 to 3"):
        triple_barrier(bars, events=[-1, 3])


@pytest.mark.parametrize("wrong", [{"upper": 0.0}, {"lower": -1.0}, {"horizon": 0}, {"side": 0}, {"atr_period": 0}])
def test_settings_without_meaning_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=f"must be.* {next(iter(wrong.values()))}"):
        triple_barrier(random_bars(30, 1), **wrong)  # type: ignore[arg-type]


def test_the_frame_has_the_columns_that_others_rely_on() -> None:
    labels = triple_barrier(random_bars(60, 2))
    assert labels.schema == pl.Schema(
        {
            "index": pl.Int64,
            "start": pl.Datetime("ms", "UTC"),
            "end": pl.Datetime("ms", "UTC"),
            "entry": pl.Float64,
            "exit": pl.Float64,
            "entry_index": pl.Int64,
            "exit_index": pl.Int64,
            "reason": pl.String,
            "label": pl.Int8,
            "ret": pl.Float64,
            "ambiguous": pl.Boolean,
        }
    )


@pytest.mark.needs_data
@pytest.mark.parametrize("horizon", [6, 24])
def test_on_real_bars_a_label_times_out_where_its_window_touches_neither_barrier(
    development_data: Path, horizon: int
) -> None:
    bars = load_bars(str(development_data / "market" / "BTCUSDT-1h-binancefut.parquet"))
    labels = triple_barrier(bars, horizon=horizon)
    prices = to_arrays(bars)
    atr = wilder_atr(prices.high, prices.low, prices.close, 14)
    rows = labels["index"].to_numpy()
    highest = np.lib.stride_tricks.sliding_window_view(prices.high, horizon).max(axis=1)[rows + 1]
    lowest = np.lib.stride_tricks.sliding_window_view(prices.low, horizon).min(axis=1)[rows + 1]
    entry, distance = prices.open[rows + 1], 1.5 * atr[rows]
    touches_neither = (highest < entry + distance) & (lowest > entry - distance)
    assert len(rows) == len(bars) - 13 - horizon
    assert ((labels["reason"] == "time").to_numpy() == touches_neither).all()
    assert touches_neither.mean() > 0.01


def test_the_usual_trade_is_long_over_24_bars_with_both_barriers_at_one_and_a_half_atr_of_14_bars() -> None:
    bars = random_bars(300, 3)
    usual = {"upper": 1.5, "lower": 1.5, "horizon": 24, "atr_period": 14, "side": 1}
    assert triple_barrier(bars).equals(triple_barrier(bars, **usual))  # type: ignore[arg-type]
    for name, other in {"upper": 1.4, "lower": 1.4, "horizon": 23, "atr_period": 13, "side": -1}.items():
        assert not triple_barrier(bars, **usual | {name: other}).equals(triple_barrier(bars))  # type: ignore[arg-type]


def test_the_first_and_the_last_row_are_events_and_the_next_is_not() -> None:
    bars = random_bars(50, 4)
    assert triple_barrier(bars, atr_period=1, horizon=1, events=[0, 49])["index"].to_list() == [0]
    for beyond in (50, -1):
        with pytest.raises(ConfigError, match="events must be rows of the 50 bars"):
            triple_barrier(bars, events=[beyond])
    with pytest.raises(ConfigError, match=r"of shape \(1, 2\)"):
        triple_barrier(bars, events=[[1, 2]])


def test_only_the_bar_that_shorter_bars_cover_is_decided_by_them() -> None:
    """Fine bars of a later hour hit the target at once; the bar that held both has none of its own."""
    late = [QUIET, QUIET, (100, 103, 99, 103)]
    assert label_finely(late, first_ms=5 * HOUR_MS) == ("stop", True, 1)
    assert label_finely([QUIET, QUIET, *RISE_FIRST], first_ms=0) == ("target", False, 1)


def test_fine_bars_must_divide_the_bar() -> None:
    fine = bars_from([QUIET] * 3, step_ms=2 * HOUR_MS // 3)
    with pytest.raises(DataError, match="evenly, theirs last 2400 s"):
        label_first(BOTH, QUIET, fine_bars=fine)


def test_a_bar_that_repeats_or_has_no_end_is_refused() -> None:
    bars = bars_from([QUIET] * 4)
    with pytest.raises(DataError):
        triple_barrier(pl.concat([bars[:2], bars[1:]]), horizon=1, atr_period=1)
    for column in ("open", "high", "low", "close"):
        with pytest.raises(DataError):
            triple_barrier(bars.with_columns(pl.Series(column, [100.0, 100.0, np.inf, 100.0])), horizon=1, atr_period=1)


def test_one_symbol_may_be_named() -> None:
    bars = random_bars(60, 5)
    assert triple_barrier(bars.with_columns(symbol=pl.lit("A"))).equals(triple_barrier(bars))
