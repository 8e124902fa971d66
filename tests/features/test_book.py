"""Features of the book: their depths are seen, and bars without a book are refused by name."""

import polars as pl
import pytest
from tests.features.markets import ordinary

from tradsys.core.errors import ConfigError, DataError
from tradsys.features.book import BookPressure, BookShape
from tradsys.features.feature_set import FeatureSet


def test_the_depths_are_those_that_the_training_bars_carry() -> None:
    bars = ordinary(50).with_columns(pl.lit(0.1).alias(f"book_imbalance_{k}") for k in (10, 1, 5))
    assert BookPressure().fit([bars], seed=0).levels == (1, 5, 10)
    assert BookPressure(levels=(5,)).fit([bars], seed=0).levels == (5,)
    assert "book_imbalance_5_mean" in BookPressure(levels=(5,)).columns


def test_bars_without_a_book_are_refused_by_name() -> None:
    with pytest.raises(DataError, match="book_pressure needs bars with columns such as book_imbalance_5, found none"):
        FeatureSet.from_names(["book_pressure"]).fit([ordinary(50)])
    with pytest.raises(DataError, match="wanted bars with a column book_spread, found none from outside; attach the"):
        FeatureSet((BookShape(),)).fit([ordinary(50)])
    with pytest.raises(ConfigError, match="book_pressure does not know its levels yet"):
        _ = BookPressure().columns
