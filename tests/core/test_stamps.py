"""Stamps that are closes are known as such, surely or not; opens never are."""

import numpy as np
import polars as pl
import pytest
from tests.core.test_bars import make

from tradsys.core.bars import validate_bars
from tradsys.core.errors import DataError
from tradsys.core.stamps import closing_stamps
from tradsys.core.time import interval_ms, parse_interval

INTERVALS = ("1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "8h", "12h", "1d", "1w")


def grid(interval: str, shift_ms: int = 0) -> np.ndarray:
    step = interval_ms(parse_interval(interval))
    return 1_709_251_200_000 // step * step + step * np.arange(50) + shift_ms


@pytest.mark.parametrize("zone_h", [0, 9, -5, 5.5, 5.75])
@pytest.mark.parametrize("before", [1, 1_000])
@pytest.mark.parametrize("interval", INTERVALS)
def test_closes_are_told_at_every_interval_and_in_every_zone(interval, before, zone_h):
    step = interval_ms(parse_interval(interval))
    opens = grid(interval, int(zone_h * 3_600_000))
    found = closing_stamps(opens + step - before, step)
    assert found is not None
    assert (found.before_ms, found.is_certain) == (before, True)
    assert (found.opens(opens + step - before, step) == opens).all()


@pytest.mark.parametrize("interval", ["5m", "15m", "1h", "4h", "1d"])
def test_the_last_minute_of_a_bar_is_its_close(interval):
    step = interval_ms(parse_interval(interval))
    found = closing_stamps(grid(interval, step - 60_000), step)
    assert found is not None
    assert (found.before_ms, found.is_certain) == (60_000, True)


@pytest.mark.parametrize(
    ("interval", "shift"),
    [("2m", 60_000), ("3m", 120_000), ("1d", 66_540_000), ("2s", 1_000), ("1d", 86_398_000), ("1h", 3_599_500)],
)
def test_what_may_be_either_is_not_certain(interval, shift):
    found = closing_stamps(grid(interval, shift), interval_ms(parse_interval(interval)))
    assert found is not None
    assert not found.is_certain


@pytest.mark.parametrize("shift_ms", [0, 900_000, 1_800_000, 2_700_000, 7 * 3_600_000, 60_000, 123])
@pytest.mark.parametrize("interval", ["1s", "5s", *INTERVALS])
def test_opens_are_no_closes(interval, shift_ms):
    assert closing_stamps(grid(interval, shift_ms), interval_ms(parse_interval(interval))) is None


@pytest.mark.parametrize("shift", ["59m59s999ms", "59m59s", "59m"])
def test_a_frame_stamped_with_closes_is_refused(shift):
    with pytest.raises(DataError, match=r"closing stamps, .* where ts must be the open \(12 rows\): rows 0 "):
        validate_bars(make().with_columns(pl.col("ts").dt.offset_by(shift)))
