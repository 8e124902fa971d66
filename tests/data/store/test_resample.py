"""Longer bars made of shorter ones are the venue's own."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from tests.data.store.made import some_bars

from tradsys.core.errors import ConfigError
from tradsys.core.time import parse_interval
from tradsys.data.load import load
from tradsys.data.store.resample import divides, exact_sums, resample

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
COLUMNS = ["ts", "open", "high", "low", "close", "volume"]


def test_an_hour_of_quarters_by_hand():
    quarters = some_bars(datetime(2024, 1, 1, tzinfo=UTC), 8, timedelta(minutes=15))
    hours = resample(quarters, timedelta(minutes=15), HOUR)
    assert hours.rows() == [
        (datetime(2024, 1, 1, 0, tzinfo=UTC), 100.0, 109.0, 99.0, 108.0, 1.5 + 2.5 + 3.5 + 4.5),
        (datetime(2024, 1, 1, 1, tzinfo=UTC), 102.0, 111.0, 101.0, 110.0, 5.5 + 6.5 + 7.5 + 8.5),
    ]


def test_a_bar_with_a_part_missing_stays_a_gap():
    minutes = some_bars(datetime(2024, 1, 1, 0, 20, tzinfo=UTC), 300, MINUTE)
    hours = resample(minutes.filter(pl.col("ts") != datetime(2024, 1, 1, 2, 7, tzinfo=UTC)), MINUTE, HOUR)
    assert hours["ts"].dt.hour().to_list() == [1, 3, 4]


def test_weeks_open_on_monday():
    weeks = resample(
        some_bars(datetime(2024, 1, 1, tzinfo=UTC), 30, timedelta(days=1)), timedelta(days=1), timedelta(7)
    )
    assert weeks["ts"].to_list() == [datetime(2024, 1, day, tzinfo=UTC) for day in (1, 8, 15, 22)]


def test_no_bar_of_too_few_parts():
    assert resample(some_bars(datetime(2024, 1, 1, tzinfo=UTC), 30, MINUTE), MINUTE, HOUR).is_empty()
    assert resample(some_bars(datetime(2024, 1, 1, tzinfo=UTC), 0, MINUTE), MINUTE, HOUR).is_empty()


def test_sums_are_those_of_the_decimals():
    rng = np.random.default_rng(0)
    units = rng.integers(0, 10**9, size=(200, 60))
    sums = exact_sums(units.ravel() / 1e5, 60 * np.arange(200), 60)
    assert sums.tolist() == [int(total) / 10**5 for total in units.sum(axis=1)]
    assert exact_sums(np.array([0.1, 0.2, 0.3]), np.array([0]), 3).tolist() == [0.6]


def test_amounts_that_are_no_decimals_are_added_as_they_are():
    x = np.random.default_rng(0).random(60)
    assert exact_sums(x, np.array([0]), 60).tolist() == [x.sum()]


@pytest.mark.parametrize(("fine", "coarse"), [("1h", "90m"), ("1h", "1h"), ("40m", "1h"), ("1d", "3d"), ("1h", "30m")])
def test_intervals_that_do_not_fit_are_refused(fine, coarse):
    assert not divides(parse_interval(fine), parse_interval(coarse))
    with pytest.raises(ConfigError, match=f"{coarse} bars cannot be made of {fine} bars"):
        resample(some_bars(datetime(2024, 1, 1, tzinfo=UTC), 5), parse_interval(fine), parse_interval(coarse))


CORRECTED = (date(2023, 11, 10), date(2024, 3, 27), date(2024, 3, 28))
"""Days on which the venue mended bars of one interval and not of another, or that were fetched too early."""


@pytest.mark.needs_data
@pytest.mark.parametrize(("fine", "coarse"), [("30m", "1h"), ("15m", "1h"), ("15m", "30m")])
@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHUSDT", "SOLUSDT", "BNBUSDT"])
def test_resampled_bars_are_exactly_the_venues_own(development_data, symbol, fine, coarse):
    paths = [development_data / "market" / f"{symbol}-{interval}-binancefut.parquet" for interval in (fine, coarse)]
    if not all(path.exists() for path in paths):
        pytest.skip("the development data has no such interval of this coin")
    parts, own = (load(path).bars for path in paths)
    made = resample(parts, parse_interval(fine), parse_interval(coarse)).select(COLUMNS)
    both = made.join(own, on="ts", suffix="_own")
    assert len(both) == len(made) > 13_000
    usual = both.filter(~pl.col("ts").dt.date().is_in(CORRECTED))
    assert len(usual) == len(both) - 3 * timedelta(days=1) // parse_interval(coarse)
    for name in COLUMNS[1:]:
        assert usual[name].equals(usual[f"{name}_own"], check_names=False), name


@pytest.mark.needs_data
def test_five_minutes_of_a_day_without_trading_stay_a_gap(development_data):
    """The venue stood still on 2023-03-24 from 11:40 (or so) to 14:00."""
    parts = load(development_data / "market" / "BTCUSDT-5m-binancespot.parquet").bars
    made = resample(parts, timedelta(minutes=5), HOUR)
    day = made.filter(pl.col("ts").dt.date() == date(2023, 3, 24))
    assert sorted(set(range(24)) - set(day["ts"].dt.hour().to_list())) == [12, 13]
    whole = parts.filter(pl.col("ts").dt.truncate("1h").is_in(made["ts"].implode()))
    assert made["volume"].sum() == pytest.approx(whole["volume"].sum(), rel=1e-12)
