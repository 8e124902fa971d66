"""Times in the digits of a calendar are no epochs, and no year is beyond what can be."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from tradsys.core.errors import DataError
from tradsys.core.time import from_ms, now_ms, to_ms
from tradsys.data.times import settle_times

OPENS = [datetime(2024, 3, 1, 22, tzinfo=UTC) + timedelta(hours=i) for i in range(5)]
FORMS = {
    "%Y%m%d%H": timedelta(hours=1),
    "%Y%m%d%H%M": timedelta(minutes=1),
    "%Y%m%d%H%M%S": timedelta(seconds=1),
    "%Y%m%d": timedelta(days=1),
}


@pytest.mark.parametrize("kind", [pl.String, pl.Int64, pl.Float64])
@pytest.mark.parametrize("form", FORMS)
def test_calendar_digits_are_read_and_told(form, kind):
    opens = [datetime(2024, 2, 28, tzinfo=UTC) + FORMS[form] * i for i in range(5)]
    column = pl.Series([f"{ts:{form}}" for ts in opens])
    times = settle_times(column if kind == pl.String else column.cast(pl.Int64).cast(kind), "x")
    assert times.ms.to_list() == [to_ms(ts) for ts in opens]
    assert [repair.kind for repair in times.repairs] == ([] if form == "%Y%m%d" else ["calendar digits"])


def test_milliseconds_behind_the_digits_are_read():
    assert settle_times(pl.Series(["20240301070000123"]), "x").ms.to_list() == [1_709_276_400_123]


@pytest.mark.parametrize("digits", ["2024030125", "202403012460", "20240230120000", "20240301", "20310101"])
def test_digits_that_are_no_time_of_a_calendar_are_refused(digits):
    columns = [[digits, "2024030107"]] if digits == "20240301" else [[digits]]
    for column in columns:
        with pytest.raises(DataError):
            settle_times(pl.Series(column), "x")


@pytest.mark.parametrize("per_ms", [1e-3, 1, 1_000, 1_000_000])
@pytest.mark.parametrize("year", [1981, 2001, 2010, 2024])
def test_epochs_stay_epochs(year, per_ms):
    ms = to_ms(datetime(year, 6, 7, tzinfo=UTC))
    for column in (pl.Series([int(ms * per_ms)]), pl.Series([str(int(ms * per_ms))])):
        if year >= 2001 or per_ms == 1e-3:
            assert settle_times(column, "x").ms.to_list() == [ms]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("01.03.24", "years need four digits"),
        ("24-03-01", "years need four digits"),
        ("1924-03-01", "before 1980-01-01"),
        ("2611-05-23", "lie before 1980-01-01 00:00 or after"),
    ],
)
def test_years_that_cannot_be_are_refused(text, words):
    with pytest.raises(DataError, match=words):
        settle_times(pl.Series([text, text]), "x")


def test_nothing_is_after_now():
    assert len(settle_times(pl.Series([now_ms() - 1_000]), "x").ms) == 1
    with pytest.raises(DataError, match=r"1 times lie before .* or after"):
        settle_times(pl.Series([now_ms() - 1_000, now_ms() + 60_000]), "x")


@pytest.mark.parametrize(
    ("text", "hour", "is_local"),
    [
        ("2024-03-01 07:00:00-05", 12, False),
        ("2024-03-01 07:00-05", 12, False),
        ("2024-03-01T07:00:00+0100", 6, False),
        ("2024-03-01 07:00:00 GMT-0500", 12, False),
        ("2024-03-01 07:00:00 UTC+2", 5, False),
        ("2024-03-01 07:00:00 UTC", 7, False),
        ("01.03.2024 07:00:00.000 GMT+0100", 6, False),
        ("20240301T070000-05", 12, False),
        ("20240301T070000Z", 7, False),
        ("20240301T070000", 7, True),
        ("20240301T0700", 7, True),
        ("20240301 07:00", 7, True),
        ("2024-03-01 7:00:00 PM", 19, True),
        ("2024-03-01 07:00 am", 7, True),
        ("2024-03-01 07-PM", 19, True),
        ("2024-03-01 12:30 p.m.", 12, True),
        ("2024-03-01 12:00 AM", 0, True),
        ("2024/3/1 7:00", 7, True),
        ("1.3.2024 7:00", 7, True),
        ("01-Mar-2024 07:00:00", 7, True),
        ("Mar 01, 2024", 0, True),
    ],
)
def test_times_are_read_however_they_are_written(text, hour, is_local):
    times = settle_times(pl.Series([text, "2024-03-01", text]), "x")
    assert [(from_ms(ms).day, from_ms(ms).hour) for ms in times.ms] == [(1, hour), (1, 0), (1, hour)]
    assert times.is_local.to_list() == [is_local, True, is_local]


@pytest.mark.parametrize("numbers", [["1709251200"] * 60, ["20240301"] * 60])
def test_the_cells_that_are_no_times_are_named_among_numbers(numbers):
    with pytest.raises(DataError, match="1 times cannot be read, such as 'Total'; wanted"):
        settle_times(pl.Series([*numbers, "Total"]), "x")


@pytest.mark.parametrize("written", ["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.250Z", "%Y-%m-%dT%H:%M:%S"])
@pytest.mark.parametrize("other", [None, "2024-03-01 22:00:00", "2024-03-01T23:00:00+01:00", "2024-03-01T22:00Z"])
def test_times_with_a_t_are_read_alone_and_among_others(written, other):
    cells = [f"{ts:{written}}" for ts in OPENS] + [other]
    times = settle_times(pl.Series(cells), "x")
    more = 250 if ".250" in written else 0
    assert times.ms.to_list() == [to_ms(ts) + more for ts in OPENS] + [None if other is None else to_ms(OPENS[0])]
    assert times.is_local is not None
    assert times.is_local[0] == (not written.endswith("Z"))
    if other is not None:
        assert times.is_local[-1] == ("Z" not in other and "+" not in other)
