from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import polars as pl
import pytest

from tradsys.core.errors import ConfigError, NotEnoughBars
from tradsys.core.time import as_ms, format_interval, from_ms, infer_interval, parse_interval, to_ms, ts_ms


def frame(minutes, symbols=None):
    ts = [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=m) for m in minutes]
    bars = pl.DataFrame({"ts": pl.Series(ts, dtype=pl.Datetime("ms", "UTC"))})
    return bars if symbols is None else bars.with_columns(pl.Series("symbol", symbols))


@pytest.mark.parametrize(
    ("text", "minutes"), [("1m", 1), ("15m", 15), ("1h", 60), ("4h", 240), ("1d", 1440), ("1w", 10080)]
)
def test_intervals_read_as_venues_write_them(text, minutes):
    assert parse_interval(text) == timedelta(minutes=minutes)


@pytest.mark.parametrize("text", ["", "h", "0h", "1.5h", "1y", "-1h", "60"])
def test_other_texts_are_refused_with_an_example(text):
    with pytest.raises(ConfigError, match="such as 15m, 1h or 1d"):
        parse_interval(text)


@pytest.mark.parametrize("text", ["1s", "90s", "15m", "90m", "1h", "3d", "7d"])
def test_a_formatted_interval_reads_back(text):
    assert format_interval(parse_interval(text)) == text


def test_sixty_minutes_are_written_as_an_hour():
    assert format_interval(timedelta(minutes=60)) == "1h"


def test_gaps_do_not_change_the_inferred_interval():
    assert infer_interval(frame([0, 5, 10, 40, 45, 50, 300])) == timedelta(minutes=5)


def test_the_interval_is_inferred_within_symbols_not_between_them():
    bars = frame([0, 1, 60, 61, 120, 121], symbols=["A", "B"] * 3)
    assert infer_interval(bars) == timedelta(hours=1)


def test_the_commonest_step_wins_even_below_half():
    assert infer_interval(frame([0, 1, 2, 5, 9, 14, 20])) == timedelta(minutes=1)


@pytest.mark.parametrize("minutes", [[], [0], [5, 5]])
def test_an_interval_needs_two_times(minutes):
    with pytest.raises(NotEnoughBars, match="needs two bars"):
        infer_interval(frame(minutes))


def test_milliseconds_are_those_of_utc():
    when = datetime(1970, 1, 1, 2, tzinfo=timezone(timedelta(hours=1)))
    assert to_ms(when) == 3_600_000
    assert from_ms(3_600_000) == when


def test_a_time_without_zone_is_refused():
    with pytest.raises(ConfigError, match="tzinfo=UTC"):
        to_ms(datetime(2024, 1, 1))  # noqa: DTZ001  # the point of the test


@pytest.mark.parametrize("when", [1.7e12, "2024-01-01", True, date(2024, 1, 1), np.datetime64("2024-01-01")])
def test_what_is_no_aware_time_is_named(when):
    with pytest.raises(ConfigError, match=rf"aware datetimes, found {type(when).__name__} "):
        as_ms(when)


def test_milliseconds_of_numpy_are_milliseconds():
    assert as_ms(np.int64(5)) == as_ms(5) == 5


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_the_times_of_a_frame_are_whole_milliseconds_whatever_its_unit(unit):
    stamps = pl.Series([0, 3_600_000, 1_700_000_000_123], dtype=pl.Datetime("ms", "UTC")).dt.cast_time_unit(unit)
    halves = pl.concat([pl.DataFrame({"ts": stamps[:1]}), pl.DataFrame({"ts": stamps[1:]})], rechunk=False)
    found = ts_ms(halves)
    assert found.dtype == np.int64 and found.tolist() == [0, 3_600_000, 1_700_000_000_123]
