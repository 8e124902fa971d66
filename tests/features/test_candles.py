"""Shapes of single bars, by hand."""

import numpy as np
import polars as pl
import pytest
from tests.features.markets import ordinary

from tradsys.features.candles import CloseLocation, RangeZScore, Wick


def one_bar(open_: float, high: float, low: float, close: float) -> pl.DataFrame:
    """A bar whose prices are given as their logarithms."""
    prices = {"open": open_, "high": high, "low": low, "close": close}
    return ordinary(1).with_columns(**{name: pl.lit(np.exp(log)) for name, log in prices.items()})


@pytest.mark.parametrize(("close", "location"), [(3.0, 1.0), (1.0, -1.0), (2.0, 0.0), (2.5, 0.5)])
def test_close_location_runs_from_low_to_high(close: float, location: float) -> None:
    np.testing.assert_allclose(CloseLocation().compute(one_bar(2.0, 3.0, 1.0, close)), [[location]], atol=1e-12)


def test_a_wick_is_positive_where_the_market_was_turned_back_from_above() -> None:
    # a range of 4: 2 above the body, 1 below it
    np.testing.assert_allclose(Wick().compute(one_bar(2.0, 5.0, 1.0, 3.0)), [[0.25]])


def test_a_bar_without_range_is_neutral() -> None:
    flat = one_bar(2.0, 2.0, 2.0, 2.0)
    assert CloseLocation().compute(flat) == 0.0
    assert Wick().compute(flat) == 0.0


def test_wicks_of_a_window_weigh_by_their_range() -> None:
    small, large = one_bar(2.0, 3.0, 2.0, 2.0), one_bar(2.0, 2.0, -1.0, 2.0)  # wicks of +1 in 1, and -3 in 3
    np.testing.assert_allclose(Wick((2,)).compute(pl.concat([small, large]))[1], [(1 - 3) / (1 + 3)])


def test_a_range_ten_times_the_usual_stands_out() -> None:
    bars = ordinary(400)
    wide = bars.with_columns(
        high=pl.when(pl.int_range(400) == 399).then(pl.col("high") * 1.1).otherwise(pl.col("high"))
    )
    assert RangeZScore().compute(wide)[-1, 0] > 4
    assert abs(RangeZScore().compute(bars)[-1, 0]) < 3
