import math
from datetime import UTC, datetime, timedelta, timezone

import pytest

from tradsys.report.numbers import count, day, days, duration, is_known, minute, moment, number, p_value, percent, plain


@pytest.mark.parametrize("unknown", [None, math.nan, math.inf, "text", True])
def test_what_is_no_finite_number_is_a_dash(unknown):
    assert not is_known(unknown)
    assert {show(unknown) for show in (number, percent, p_value, count, days)} == {"–"}


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0.00"), (-0.0001, "0.000"), (0.0312, "0.031"), (1.7634, "1.76"), (-12.34, "−12.3"), (12345.6, "12,346")],
)
def test_numbers_keep_about_three_digits_and_zero_has_no_sign(value, text):
    assert number(value) == text


def test_a_fraction_reads_as_a_percentage_with_a_true_minus():
    assert percent(-0.0456) == "−4.56%"
    assert percent(0.00071, signed=True) == "+0.071%"


@pytest.mark.parametrize(("p", "text"), [(0.3412, "0.34"), (0.0341, "0.034"), (0.0004, "< 0.001"), (1.0, "1.00")])
def test_p_values_never_round_to_nothing(p, text):
    assert p_value(p) == text


@pytest.mark.parametrize(("n", "text"), [(1, "1 day"), (412, "412 days"), (1460, "4.0 years"), (1e6, "2,740 years")])
def test_long_times_read_in_years(n, text):
    assert days(n) == text


@pytest.mark.parametrize(
    "value",
    [
        1678629600000,
        "2023-03-12T14:00:00Z",
        "2023-03-12T14:00:00",
        datetime(2023, 3, 12, 19, tzinfo=timezone(timedelta(hours=5))),
    ],
)
def test_every_way_to_give_a_time_is_the_same_moment_in_utc(value):
    assert moment(value) == datetime(2023, 3, 12, 14, tzinfo=UTC)
    assert (day(value), minute(value)) == ("12 Mar 2023", "12 Mar 2023, 14:00 UTC")


def test_what_is_no_time_is_a_dash():
    assert [day(value) for value in (None, "soon", [], 1e300)] == ["–"] * 4


@pytest.mark.parametrize(
    ("seconds", "text"), [(2_700, "45 min"), (34_000, "9.4 h"), (200_000, "2.3 days"), (None, "–")]
)
def test_holding_times_read_in_their_own_unit(seconds, text):
    assert duration(seconds) == text


def test_settings_read_on_one_line():
    assert plain({"a": [1, True], "b": None}) == "a 1, yes, b –"
    assert plain([]) == "none"
