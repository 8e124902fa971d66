from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from tradsys.core.bars import quality_report, split_symbols, to_arrays, validate_bars
from tradsys.core.errors import ConfigError, DataError

START = datetime(2024, 1, 1, tzinfo=UTC)


def make(n=12, minutes=60):
    close = 100.0 + np.sin(np.arange(n))
    open_ = np.concatenate([[100.0], close[:-1]])
    ts = pl.Series("ts", [START + timedelta(minutes=minutes) * i for i in range(n)], dtype=pl.Datetime("ms", "UTC"))
    return pl.DataFrame(
        {
            "ts": ts,
            "open": open_,
            "high": np.maximum(open_, close) + 1,
            "low": np.minimum(open_, close) - 1,
            "close": close,
            "volume": np.full(n, 10.0),
        }
    )


def put(bars, column, row, value):
    values = bars[column].to_list()
    values[row] = value
    return bars.with_columns(pl.Series(column, values, dtype=bars.schema[column]))


def hours(h):
    return START + timedelta(hours=h)


def test_good_bars_come_back_unchanged():
    assert validate_bars(make()).equals(make())


@pytest.mark.parametrize(
    ("column", "row", "value", "words"),
    [
        ("close", 3, float("nan"), r"close is not finite .*1 row.*: row 3 \(2024-01-01 03:00\)"),
        ("volume", 3, None, r"volume is not finite .*row 3"),
        ("high", 4, float("inf"), r"high is not finite .*row 4"),
        ("low", 5, 0.0, r"low is not positive .*row 5"),
        ("open", 5, -1.0, r"open is not positive .*row 5"),
        ("high", 6, 99.0, r"high below max\(open, close\) .*row 6"),
        ("low", 7, 150.0, r"low above min\(open, close\) .*row 7"),
        ("volume", 8, -1.0, r"negative volume .*row 8"),
        ("ts", 5, hours(4), r"duplicates of an earlier row's time .*row 5"),
        ("ts", 5, hours(-3), r"disorder, .*row 5"),
        ("ts", 5, hours(5.25), r"off-grid, not on the 1h grid .*row 5"),
        ("ts", 5, None, r"ts holds no time .*row 5"),
    ],
)
def test_a_defect_is_named_with_its_row(column, row, value, words):
    with pytest.raises(DataError, match=words):
        validate_bars(put(make(), column, row, value))


@pytest.mark.parametrize("row", [3, 6])
def test_no_extreme_may_lie_between_open_and_close(row):
    bars = make()
    assert (bars["close"] > bars["open"])[row] == (row != 3)  # one bar falls, one rises
    middle = (bars["open"][row] + bars["close"][row]) / 2
    for column, words in (("high", "high below max"), ("low", "low above min")):
        with pytest.raises(DataError, match=rf"{words}.*row {row} ") as refused:
            validate_bars(put(bars, column, row, middle))
        assert "1 defect" in str(refused.value)


def test_every_defect_is_named_at_once():
    bars = put(put(put(make(), "close", 2, float("nan")), "volume", 8, -1.0), "ts", 5, hours(4))
    with pytest.raises(DataError, match="found 3 defects") as refused:
        validate_bars(bars)
    for words in ("close is not finite", "negative volume", "duplicates"):
        assert words in str(refused.value)


def test_many_bad_rows_are_counted_and_the_first_five_named():
    bars = make().with_columns(pl.lit(-1.0).alias("volume"))
    with pytest.raises(DataError, match=r"negative volume \(12 rows\): rows 0 .*, 4 \(2024-01-01 04:00\) and 7 more"):
        validate_bars(bars)


def test_missing_columns_and_wrong_types_are_named():
    bars = make().drop("volume").with_columns(pl.col("close").cast(pl.String))
    with pytest.raises(DataError, match="no column volume") as refused:
        validate_bars(bars)
    assert "column close must be Float64, is String" in str(refused.value)


@pytest.mark.parametrize("dtype", [pl.Int64, pl.Datetime("ms"), pl.Date])
def test_times_that_say_no_zone_are_a_wrong_type(dtype):
    with pytest.raises(DataError, match="load_bars settles time units and zones"):
        validate_bars(make().with_columns(pl.col("ts").dt.replace_time_zone(None).cast(dtype)))


def test_what_converts_without_loss_is_converted():
    bars = make().with_columns(pl.col("ts").dt.cast_time_unit("us"), pl.col("volume").cast(pl.Int64))
    assert validate_bars(bars).equals(make())


def test_gaps_never_raise_and_are_counted():
    bars = make()[[0, 1, 2, 5, 6, 10, 11]]
    assert validate_bars(bars).equals(bars)
    report = quality_report(bars)
    assert report.n_missing == 5
    assert [(gap.start, gap.end, gap.n_missing) for gap in report.gaps] == [
        (hours(3), hours(4), 2),
        (hours(7), hours(9), 3),
    ]
    assert "2 gaps leave out 5 bars" in str(report)


def test_quality_counts_flat_bars_and_bars_without_volume():
    bars = put(put(make(), "volume", 3, 0.0), "volume", 4, 0.0)
    bars = bars.with_columns(
        pl.when(pl.int_range(pl.len()) < 3).then(pl.lit(50.0)).otherwise(pl.col(name)).alias(name)
        for name in ("open", "high", "low", "close")
    )
    report = quality_report(bars)
    assert report.zero_volume_share == pytest.approx(2 / 12)
    assert report.flat_share == pytest.approx(3 / 12)


def test_the_last_bar_is_partial_until_it_has_closed():
    assert len(validate_bars(make(), now=hours(12))) == 12
    with pytest.raises(DataError, match=r"partial last bar, not closed yet at 2024-01-01 11:30 \(1 row\): row 11"):
        validate_bars(make(), now=hours(11.5))


def test_a_given_interval_overrules_the_commonest_step():
    assert len(validate_bars(make(), interval="30m")) == 12
    with pytest.raises(DataError, match="off-grid, not on the 2h grid"):
        validate_bars(make(), interval="2h")


def test_bars_off_midnight_are_on_their_own_grid():
    bars = make(minutes=1440).with_columns(pl.col("ts") + timedelta(hours=7))
    assert len(validate_bars(bars)) == 12


def whole(parts, n=4):
    return parts.group_by_dynamic("ts", every=f"{15 * n}m").agg(
        pl.col("open").first(),
        pl.col("high").max(),
        pl.col("low").min(),
        pl.col("close").last(),
        pl.col("volume").sum(),
    )


def test_bars_equal_to_their_parts_pass():
    parts = make(n=48, minutes=15)
    assert len(validate_bars(whole(parts), parts=parts)) == 12


def test_a_bar_fetched_before_it_closed_disagrees_with_its_parts():
    parts = make(n=48, minutes=15)
    bars = whole(parts)
    early = whole(parts[20:22])
    bars = pl.concat([bars[:5], early, bars[6:]])
    with pytest.raises(DataError, match=r"stale partial bars, .* 15m parts in .*close, volume \(1 row\): row 5"):
        validate_bars(bars, parts=parts)


def test_stale_bars_are_named_beside_other_defects():
    parts = make(n=48, minutes=15)
    bars = put(put(whole(parts), "volume", 5, 1.0), "volume", 9, -1.0)
    with pytest.raises(DataError, match="found 2 defects") as refused:
        validate_bars(bars, parts=parts)
    assert "rows 5 (2024-01-01 05:00), 9 (2024-01-01 09:00)" in str(refused.value)


def test_missing_parts_only_have_to_fit_inside():
    parts = make(n=48, minutes=15)
    bars = whole(parts)
    some = parts.filter(pl.int_range(pl.len()) != 21)
    assert len(validate_bars(bars, parts=some)) == 12
    with pytest.raises(DataError, match="parts in high"):
        validate_bars(bars, parts=put(some, "high", 20, 500.0))


def test_parts_must_be_shorter_bars():
    with pytest.raises(ConfigError, match="divides 15m, found 1h"):
        validate_bars(make(minutes=15), parts=make())


def pooled():
    a = make().select(pl.lit("A").alias("symbol"), pl.all())
    return pl.concat([a, a.with_columns(pl.lit("B").alias("symbol"))])


@pytest.mark.parametrize("order", [["symbol", "ts"], ["ts", "symbol"]])
def test_symbols_are_checked_each_on_their_own(order):
    assert len(validate_bars(pooled().sort(order))) == 24


def test_a_defect_names_the_symbol_of_its_row():
    with pytest.raises(DataError, match=r"row 17 \(B 2024-01-01 04:00\)"):
        validate_bars(put(pooled(), "ts", 17, hours(4)))


def test_splitting_keeps_the_order_of_first_appearance():
    frames = split_symbols(pooled().sort(["ts", "symbol"], descending=[False, True]))
    assert list(frames) == ["B", "A"]
    assert frames["A"].equals(make())
    assert list(split_symbols(make())) == [""]


def test_arrays_are_contiguous_and_in_milliseconds():
    arrays = to_arrays(make())
    assert len(arrays) == 12
    assert arrays.ts.dtype == np.int64
    assert arrays.ts[1] - arrays.ts[0] == 3_600_000
    assert arrays.close.flags["C_CONTIGUOUS"]
    assert arrays.close.dtype == np.float64
