"""What a source answered is let in only where it is closed, on grid and possible."""

from datetime import UTC, datetime, timedelta

import polars as pl
from tests.data.store.made import some_bars

from tradsys.core.time import to_ms
from tradsys.data.store.admit import admit, admit_table
from tradsys.data.store.series import SeriesId

START = datetime(2024, 1, 1, tzinfo=UTC)


def test_bars_that_have_not_closed_stay_outside(series):
    bars = some_bars(START, 10)
    admitted = admit(series, bars, closed_at=to_ms(START + timedelta(hours=8, minutes=59)))
    assert admitted.rows.equals(bars[:8])
    assert admitted.flaws == ()
    assert admit(series, bars, closed_at=to_ms(START + timedelta(hours=10))).rows.equals(bars)


def test_the_later_copy_of_a_bar_is_taken_and_all_are_sorted(series):
    bars = some_bars(START, 10)
    again = bars[3:4].with_columns(volume=pl.lit(99.0))
    admitted = admit(series, pl.concat([bars.reverse(), again]))
    assert admitted.rows["ts"].equals(bars["ts"])
    assert admitted.rows["volume"][3] == 99.0


def test_off_grid_and_impossible_bars_are_named(series):
    bars = some_bars(START, 20)
    snapshot = bars[4:5].with_columns(ts=pl.col("ts") + timedelta(minutes=7))
    negative = bars.with_columns(close=pl.when(pl.col("ts").dt.hour() == 9).then(-1.0).otherwise("close"))
    admitted = admit(series, pl.concat([negative, snapshot]))
    assert admitted.rows.equals(bars.filter(pl.col("ts").dt.hour() != 9))
    sentences = [flaw.sentence for flaw in admitted.flaws]
    assert sentences[0] == "1 row left out, off the 1h grid: 2024-01-01 04:07"
    assert sentences[1] == "1 row left out, close is not positive: 2024-01-01 09:00"


def test_funding_without_a_value_is_named():
    rows = pl.DataFrame({"ts": [START, START + timedelta(hours=8)], "funding_rate": [1e-4, None]}).with_columns(
        pl.col("ts").cast(pl.Datetime("ms", "UTC"))
    )
    admitted = admit_table(SeriesId.parse("binance:BTC/USDT:USDT:funding"), rows, closed_at=to_ms(START) + 10**9)
    assert len(admitted.rows) == 1
    assert admitted.flaws[0].kind == "empty value"
