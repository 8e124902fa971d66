"""Features of columns from outside: missing where nothing was known, and nowhere filled."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl
import pytest
from tests.features.markets import ordinary

from tradsys.core.arrays import FloatArray
from tradsys.core.bars import validate_bars
from tradsys.core.errors import DataError
from tradsys.core.outside import outside_columns, outside_values
from tradsys.features.feature import OddColumns
from tradsys.features.feature_set import FeatureSet
from tradsys.features.momentum import Rsi

KNOWN_FROM, UNKNOWN = 600, slice(900, 950)


@dataclass(frozen=True)
class Known(OddColumns):
    """The column as it is."""

    name: ClassVar[str] = "known"
    columns: ClassVar[tuple[str, ...]] = ("x",)
    lookback: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("macro_x",)

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        return outside_values(bars, "macro_x")[:, None]


def bars() -> pl.DataFrame:
    x = np.random.default_rng(0).normal(size=1500)
    x[:KNOWN_FROM] = x[UNKNOWN] = np.nan
    return ordinary(1500).with_columns(macro_x=pl.Series(x))


def test_rows_are_missing_where_nothing_was_known_and_only_in_that_column() -> None:
    X = FeatureSet((Rsi(), Known())).fit([bars()]).compute(bars()).values
    unknown = np.isnan(bars()["macro_x"].to_numpy())
    assert np.isfinite(X[Rsi().lookback :, 0]).all()
    assert np.isnan(X[:, 1]).tolist() == unknown.tolist()


def test_the_scale_is_that_of_the_rows_that_are_known() -> None:
    fitted = FeatureSet((Known(),)).fit([bars()])
    x = bars()["macro_x"].to_numpy()
    assert fitted.scale == pytest.approx((np.sqrt(np.nanmean(x**2)),))


def test_bars_without_the_column_are_refused_by_name() -> None:
    with pytest.raises(DataError, match="wanted bars with a column macro_x, found macro_y; attach the macro data"):
        outside_values(bars().rename({"macro_x": "macro_y"}), "macro_x")


def test_unknown_is_no_defect_and_infinite_is_one() -> None:
    assert validate_bars(bars()).equals(bars())
    with pytest.raises(DataError, match=r"macro_x is infinite \(1 row\): row 7"):
        validate_bars(bars().with_columns(macro_x=pl.when(pl.int_range(pl.len()) == 7).then(np.inf).otherwise(1.0)))


def test_a_column_of_another_type_is_named() -> None:
    with pytest.raises(DataError, match="column macro_x must be Float64, is String"):
        validate_bars(bars().with_columns(macro_x=pl.lit("3")))


def test_only_the_families_are_from_outside() -> None:
    frame = bars().with_columns(book_y=1.0, macroeconomics=1.0, volume_z=1.0)
    assert outside_columns(frame) == ("macro_x", "book_y")
