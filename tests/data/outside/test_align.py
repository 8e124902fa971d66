"""A bar knows what was out when it closed, no sooner, and how old that was."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from tradsys.core.bars import TS
from tradsys.core.errors import DataError
from tradsys.data.outside.align import attach

HOUR = timedelta(hours=1)
FIRST = datetime(2024, 1, 1, tzinfo=UTC)


def bars(n: int = 6) -> pl.DataFrame:
    """Hourly bars from midnight on; only their times matter here."""
    return pl.DataFrame(
        {"ts": pl.Series([FIRST + k * HOUR for k in range(n)], dtype=TS), "close": np.arange(1.0, n + 1)}
    )


def published(*rows: tuple[timedelta, float]) -> pl.DataFrame:
    times = pl.Series([FIRST + after for after, _ in rows], dtype=TS)
    return pl.DataFrame({"available_at": times, "macro_x": [value for _, value in rows]})


def known(
    rows: pl.DataFrame, *, tolerance: timedelta = timedelta(days=9), frame: pl.DataFrame | None = None
) -> list[float]:
    given = bars() if frame is None else frame
    return attach(given, rows, interval=HOUR, columns=["macro_x"], tolerance=tolerance)["macro_x"].to_list()


def test_a_bar_knows_what_is_out_at_its_close_and_not_a_millisecond_later():
    at_close = known(published((2 * HOUR, 5.0)))
    late = known(published((2 * HOUR + timedelta(milliseconds=1), 5.0)))
    assert [np.isnan(v) for v in at_close] == [True, False, False, False, False, False]
    assert [np.isnan(v) for v in late] == [True, True, False, False, False, False]


def test_a_revision_is_known_from_its_own_time_on():
    assert known(published((HOUR, 5.0), (3 * HOUR, 6.0)))[:4] == [5.0, 5.0, 6.0, 6.0]


def test_of_rows_out_at_one_time_the_last_counts():
    assert known(published((HOUR, 5.0), (HOUR, 6.0)))[0] == 6.0


def test_what_is_older_than_the_tolerance_is_not_known_any_more():
    values = known(published((HOUR, 5.0)), tolerance=2 * HOUR)
    assert np.isnan(values).tolist() == [False, False, False, True, True, True]


def test_the_age_is_that_of_what_is_known():
    rows = published((HOUR / 2, 5.0), (3 * HOUR, 6.0))
    joined = attach(bars(), rows, interval=HOUR, columns=["macro_x"], tolerance=9 * HOUR, age="macro_x_age_h")
    assert joined["macro_x_age_h"].to_list() == pytest.approx([0.5, 1.5, 0.0, 1.0, 2.0, 3.0])


def test_later_publications_change_no_earlier_bar():
    early = published((HOUR, 5.0))
    later = pl.concat([early, published((4 * HOUR, 9.0))])
    assert known(later)[:3] == known(early)[:3]


def test_pooled_bars_keep_their_order():
    pooled = pl.concat([bars().with_columns(symbol=pl.lit("B")), bars().with_columns(symbol=pl.lit("A"))])
    joined = attach(pooled, published((2 * HOUR, 5.0)), interval=HOUR, columns=["macro_x"], tolerance=9 * HOUR)
    assert joined.drop("macro_x").equals(pooled)
    assert joined["macro_x"].to_list()[:6] == pytest.approx(joined["macro_x"].to_list()[6:], nan_ok=True)


def test_the_order_of_publications_does_not_matter():
    rows = published((HOUR, 5.0), (3 * HOUR, 6.0), (2 * HOUR, 7.0))
    assert known(rows) == known(rows.sort("available_at"))


def test_times_without_a_zone_are_refused():
    naive = published((HOUR, 1.0)).with_columns(pl.col("available_at").dt.replace_time_zone(None))
    with pytest.raises(DataError, match="a time without a zone is no time"):
        known(naive)


def test_a_missing_column_is_named():
    with pytest.raises(DataError, match="need macro_x, found available_at"):
        known(published((HOUR, 1.0)).select("available_at"))
