"""What takers did, by hand; bars that do not tell are refused by name."""

import numpy as np
import polars as pl
import pytest
from tests.features.markets import ordinary

from tradsys.core.errors import DataError
from tradsys.features.feature_set import FeatureSet
from tradsys.features.volume import TakerImbalance, TradeSizeZScore
from tradsys.features.windows import trailing_zscore

BARS = ordinary(400)


def test_the_imbalance_is_bought_less_sold_over_all_of_the_window() -> None:
    bars = BARS[:4].with_columns(
        volume=pl.Series([10.0, 2.0, 0.0, 4.0]), taker_buy_volume=pl.Series([10.0, 0.5, 0.0, 1.0])
    )
    found = TakerImbalance((1, 2)).compute(bars)
    np.testing.assert_allclose(found[1:, 0], [-0.5, 0.0, -0.5])  # nothing was traded in the third bar
    np.testing.assert_allclose(found[:, 1], [np.nan, (10.0 - 1.0) / 12.0, -0.5, -0.5])


def test_the_size_of_trades_is_volume_over_their_number() -> None:
    doubled = BARS.with_columns(n_trades=pl.when(pl.int_range(400) == 399).then(1.0).otherwise("n_trades"))
    size = doubled["volume"].to_numpy() / doubled["n_trades"].to_numpy()
    found = TradeSizeZScore().compute(doubled)[:, 0]
    np.testing.assert_allclose(found[191:], trailing_zscore(size, 96)[191:])
    assert found[-1] > TradeSizeZScore().compute(BARS)[-1, 0]


@pytest.mark.parametrize(
    ("name", "column"), [("taker_imbalance", "taker_buy_volume"), ("trade_size_zscore", "n_trades")]
)
def test_bars_without_the_column_are_refused_by_name(name: str, column: str) -> None:
    with pytest.raises(DataError, match=rf"{name} needs bars with a column {column}, found ts, open"):
        FeatureSet.from_names([name]).fit([BARS.drop(column)])
