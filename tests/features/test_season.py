"""The daily rhythm of volatility: found where there is one, whatever the interval, without reading a clock."""

from datetime import timedelta

import numpy as np
import pytest
from tests.features.markets import ordinary

from tradsys.core.errors import ConfigError, DataError
from tradsys.features.season import SeasonalVolatility


@pytest.mark.parametrize("minutes", [15, 60, 240])
def test_the_rhythm_of_the_hours_to_come_is_known_beforehand(minutes: int) -> None:
    bars = ordinary(4000, interval=timedelta(minutes=minutes))
    feature = SeasonalVolatility().fit([bars], seed=0)
    ahead, now = feature.compute(bars)[feature.lookback :].T
    hour = (np.arange(feature.lookback, 4000) + 1) * minutes / 60
    to_come = np.sin((hour + 3) * np.pi / 12)  # the middle of the next quarter of a day
    assert np.corrcoef(ahead, to_come)[0, 1] > 0.6
    assert abs(np.corrcoef(now, to_come)[0, 1]) < 0.3


@pytest.mark.parametrize(
    ("interval", "lookback"),
    [
        (timedelta(hours=1), 24 + 240 + 6),
        (timedelta(minutes=15), 96 + 192 + 24),
        (timedelta(minutes=5), 288 + 288 + 72),
        (timedelta(days=1), 1 + 10 + 1),
    ],
)
def test_as_many_days_are_remembered_as_the_lookback_has_room_for(interval: timedelta, lookback: int) -> None:
    assert SeasonalVolatility().fit([ordinary(50, interval=interval)], seed=0).lookback == lookback


def test_daily_bars_have_no_daily_rhythm() -> None:
    bars = ordinary(100, interval=timedelta(days=1))
    feature = SeasonalVolatility().fit([bars], seed=0)
    assert np.abs(feature.compute(bars)[feature.lookback :, 0]).max() < 1e-9


def test_frames_of_different_intervals_are_refused() -> None:
    with pytest.raises(DataError, match="15m, 1h"):
        SeasonalVolatility().fit([ordinary(50), ordinary(50, interval=timedelta(minutes=15))], seed=0)


def test_the_length_of_a_day_is_needed_before_anything_is_computed() -> None:
    with pytest.raises(ConfigError, match="fit it"):
        SeasonalVolatility().compute(ordinary(500))
