"""An interval that changes is found; gaps, sessions and illiquid markets are none."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from tradsys.core.bars import validate_bars
from tradsys.core.errors import DataError
from tradsys.core.steps import Stretch, other_intervals
from tradsys.core.time import parse_interval

MINUTE = 60_000


def opens(*parts: tuple[int, str]) -> np.ndarray:
    """So many bars of each interval, one part after the other."""
    steps = [step for n, interval in parts for step in [parse_interval(interval) // timedelta(milliseconds=1)] * n]
    return np.cumsum([0, *steps[:-1]])


@pytest.mark.parametrize(
    ("parts", "step", "found"),
    [
        ([(40, "1d"), (100, "1h")], "1h", [Stretch(0, 39, 86_400_000)]),
        ([(100, "1h"), (40, "1d")], "1h", [Stretch(100, 139, 86_400_000)]),
        ([(100, "1h"), (3, "1d"), (100, "1h")], "1h", [Stretch(100, 102, 86_400_000)]),
        ([(5, "1d"), (24, "1h")] * 9, "1h", [Stretch(29 * i, 29 * i + 4, 86_400_000) for i in range(9)]),
        ([(100, "1d"), (30, "1h")], "1d", [Stretch(100, 129, 3_600_000)]),
        ([(40, "15m"), (50, "1h")], "1h", [Stretch(0, 39, 900_000)]),
        ([(2, "1d"), (1, "1d")], "1h", [Stretch(0, 2, 86_400_000)]),  # a symbol without a bar of the pool's interval
    ],
)
def test_every_stretch_of_another_interval_is_found(parts, step, found):
    assert other_intervals(opens(*parts), parse_interval(step) // timedelta(milliseconds=1)) == found


def test_months_before_days_are_another_interval():
    months = [datetime(2020 + m // 12, m % 12 + 1, 1, tzinfo=UTC) for m in range(15)]
    ts = np.array([int(day.timestamp()) * 1000 for day in months])
    days = ts[-1] + 86_400_000 * np.arange(31, 131)
    (found,) = other_intervals(np.append(ts, days), 86_400_000)
    assert (found.first, found.last) == (0, 14)
    assert other_intervals(ts, 31 * 86_400_000) == []


def illiquid(share: float) -> np.ndarray:
    return np.flatnonzero(np.random.default_rng(7).random(200_000) < share) * MINUTE


@pytest.mark.parametrize(
    "ts",
    [
        opens((50, "1h"), (1, "1d"), (50, "1h"), (1, "1d"), (2, "1h")),
        opens(*[(6, "1h"), (1, "18h")] * 50),  # a session a day
        opens(*[(4, "1d"), (1, "3d")] * 50),  # weeks without their ends
        opens((30, "1h"), (2, "2h"), (30, "1h"), (2, "30m"), (9, "1h")),  # two holes; a snapshot between two bars
        illiquid(0.95),
        illiquid(0.6),
        illiquid(0.4),
        np.array([0]),
        np.array([0, 5]),
    ],
)
def test_holes_are_no_change(ts):
    steps = np.diff(ts)
    usual = int(np.bincount(steps // MINUTE).argmax()) * MINUTE if len(steps) > 1 else 5
    assert other_intervals(ts, usual) == []


def bars_at(ts: np.ndarray, **columns: object) -> pl.DataFrame:
    prices = {name: pl.lit(1.0) for name in ("open", "high", "low", "close", "volume")}
    start = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp()) * 1000
    frame = pl.DataFrame({"ts": pl.Series(ts + start).cast(pl.Datetime("ms", "UTC"))})
    return frame.with_columns(**prices, **columns)


def test_a_frame_that_changes_its_interval_is_refused_with_its_rows():
    with pytest.raises(DataError, match=r"the interval changes, 1d apart where most are 1h apart \(40 rows\): rows 0 "):
        validate_bars(bars_at(opens((40, "1d"), (100, "1h"))))


@pytest.mark.parametrize("n_days", [3, 40, 400])
def test_a_symbol_of_another_interval_in_a_pool_is_refused(n_days):
    hours = bars_at(opens((500, "1h")), symbol=pl.lit("HOURS"))
    days = bars_at(opens((n_days, "1d")), symbol=pl.lit("DAYS"))
    with pytest.raises(DataError, match=rf"\({n_days} rows\): rows 500 \(DAYS 2024-01-01 00:00\)"):
        validate_bars(pl.concat([hours, days]))
