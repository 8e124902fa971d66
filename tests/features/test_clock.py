"""Clock features by hand."""

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from tests.features.markets import ordinary

from tradsys.features.season import DayOfWeek, TimeOfDay


def bar_at(when: datetime) -> pl.DataFrame:
    return ordinary(1).with_columns(ts=pl.lit(when).cast(pl.Datetime("ms", "UTC")))


@pytest.mark.parametrize(("hour", "point"), [(0, (0, 1)), (6, (1, 0)), (12, (0, -1)), (18, (-1, 0))])
def test_a_day_goes_once_around_the_circle(hour: int, point: tuple[int, int]) -> None:
    values = TimeOfDay().compute(bar_at(datetime(2024, 3, 5, hour, tzinfo=UTC)))
    np.testing.assert_allclose(values[0], point, atol=1e-12)


def test_a_week_starts_on_monday() -> None:
    monday, thursday = datetime(2024, 3, 4, tzinfo=UTC), datetime(2024, 3, 7, 12, tzinfo=UTC)
    np.testing.assert_allclose(DayOfWeek().compute(bar_at(monday))[0], (0, 1), atol=1e-12)
    np.testing.assert_allclose(DayOfWeek().compute(bar_at(thursday))[0], (0, -1), atol=1e-12)
