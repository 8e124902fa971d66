"""What every feature of columns from outside must keep to; a new one joins by one line in the list."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl
import pytest
from tests.families.feature_checks import check_future_leaves_the_past_alone, check_lookback_is_enough
from tests.features.markets import nasty, ordinary

from tradsys.core.arrays import FloatArray
from tradsys.core.errors import DataError
from tradsys.core.outside import outside_columns, outside_values
from tradsys.data.outside.book.book_file import columns_of
from tradsys.features.book import BookPressure, BookShape, OrderFlow
from tradsys.features.cross_section import (
    CROSS_SECTION,
    FundingRank,
    MarketMomentum,
    MomentumDispersion,
    MomentumRank,
    RelativeStrength,
)
from tradsys.features.feature import Feature, FittableFeature, OddColumns
from tradsys.features.feature_set import FeatureSet
from tradsys.features.funding import FundingChange, FundingLevel
from tradsys.features.macro import MacroReturns, MacroRisk
from tradsys.features.positions import (
    Basis,
    LiquidationImbalance,
    LiquidationVolume,
    OpenInterest,
    OpenInterestPressure,
)
from tradsys.features.registry import feature_from_dict, feature_to_dict, registered

FEATURES: list[Feature | FittableFeature] = [
    MacroReturns(),
    MacroReturns(series=("vix",)),
    MacroRisk(),
    MacroRisk(series=("dxy",)),
    BookPressure(),
    BookPressure(levels=(5,)),
    OrderFlow(),
    BookShape(),
    OpenInterest(),
    OpenInterest(windows=(2,), usual=5),
    OpenInterestPressure(),
    Basis(),
    LiquidationImbalance(),
    LiquidationVolume(),
    RelativeStrength(),
    MomentumRank(),
    MarketMomentum(),
    MomentumDispersion(),
    FundingRank(),
    FundingLevel(),
    FundingLevel(window=3, usual=5),
    FundingChange(),
]

N_BARS = 2000
SERIES = ("dxy", "vix")
MACRO = tuple(f"macro_{one}_{what}" for one in SERIES for what in ("r1", "r5", "z", "vol", "age_h"))
FLOW = ("flow_open_interest", "flow_basis", "flow_liq_sell", "flow_liq_buy")
FUNDING = ("funding_rate", "funding_hours")
COLUMNS = (*MACRO, *columns_of(5), *FLOW, *(name for one in CROSS_SECTION for name in one.needs), *FUNDING)
POSITIVE = ("book_spread", "flow_open_interest", "flow_liq", "funding_hours")


def with_columns(bars: pl.DataFrame, seed: int = 0) -> pl.DataFrame:
    """A day's value for 24 bars, missing at first and again in a stretch, as data from outside come."""
    rng = np.random.default_rng(seed)
    n = len(bars)
    known = np.ones(n, bool)
    known[:300] = known[900:960] = False
    days = np.arange(n) // 24
    values = {name: np.where(known, rng.standard_normal(n // 24 + 1)[days], np.nan) for name in COLUMNS}
    ages = {name: np.where(known, np.arange(n) % 24.0, np.nan) for name in COLUMNS if name.endswith("age_h")}
    spreads = {name: np.exp(values[name]) for name in COLUMNS if name.startswith(POSITIVE)}
    return bars.with_columns(**{name: pl.Series(part) for name, part in (values | ages | spreads).items()})


@pytest.fixture(scope="module", params=[ordinary, nasty], ids=lambda market: market.__name__)
def bars(request: pytest.FixtureRequest) -> pl.DataFrame:
    return with_columns(request.param(N_BARS))


@pytest.fixture(scope="module", params=FEATURES, ids=[f"{type(f).__name__}-{i}" for i, f in enumerate(FEATURES)])
def feature(request: pytest.FixtureRequest) -> Feature:
    return concrete(request.param)


def concrete(feature: Feature | FittableFeature) -> Feature:
    training = with_columns(ordinary(1500, seed=5), seed=1)
    return feature.fit([training], seed=0) if isinstance(feature, FittableFeature) else feature


def _changed(name: str) -> pl.Expr:
    return pl.col(name) * 2.0 if name.startswith(POSITIVE) else pl.col(name) * -2.0 + 1.0


def check_only_what_is_missing_is_missing(feature: Feature, bars: pl.DataFrame) -> None:
    unknown = bars.select(pl.any_horizontal(pl.col(feature.needs).is_nan())).to_series().to_numpy()
    missing = np.isnan(feature.compute(bars)).any(axis=1)
    settled = np.arange(len(bars)) >= feature.lookback - 1
    behind = np.convolve(unknown, np.ones(feature.lookback, int))[: len(bars)] > 0  # some of what it looks back on
    assert (missing[unknown]).all()
    assert not missing[settled & ~behind].any()


def test_changing_the_future_leaves_every_bit_of_the_past(feature: Feature, bars: pl.DataFrame) -> None:
    check_future_leaves_the_past_alone(feature, bars, *(_changed(name) for name in COLUMNS))


def test_the_last_lookback_bars_reproduce_the_batch(feature: Feature, bars: pl.DataFrame) -> None:
    check_lookback_is_enough(feature, bars)


def test_a_row_is_missing_where_its_columns_are_and_nowhere_else(feature: Feature, bars: pl.DataFrame) -> None:
    check_only_what_is_missing_is_missing(feature, bars)


@pytest.mark.parametrize("n_bars", [0, 1, 50])
def test_length_is_kept_however_short(feature: Feature, n_bars: int) -> None:
    values = feature.compute(with_columns(ordinary(N_BARS))[:n_bars])
    assert values.shape == (n_bars, len(feature.columns))
    assert values.dtype == np.float64


def test_every_column_has_a_name_and_knows_its_kind(feature: Feature) -> None:
    assert len(set(feature.columns)) == len(feature.columns) == len(feature.is_odd) == len(feature.is_volatility)
    assert not np.any(np.logical_and(feature.is_odd, feature.is_volatility))


def test_the_columns_that_it_needs_are_from_outside_and_each_is_missed_by_name(feature: Feature) -> None:
    bars = with_columns(ordinary(100))
    assert set(feature.needs) <= set(outside_columns(bars))
    for name in feature.needs:
        with pytest.raises(DataError, match=f"wanted bars with a column {name}, found"):
            feature.compute(bars.drop(name))


def test_a_saved_feature_comes_back_equal(feature: Feature) -> None:
    assert feature_from_dict(feature_to_dict(feature)) == feature


def test_a_set_with_it_scales_what_is_known(feature: Feature, bars: pl.DataFrame) -> None:
    X = FeatureSet((feature,)).fit([bars]).compute(bars).values
    missing = np.isnan(X)
    assert missing.any()
    assert np.abs(X[~missing]).max() <= 5.0


def test_no_registered_feature_from_outside_misses_the_battery() -> None:
    from_outside = {one for one in registered().values() if hasattr(one, "needs")}
    assert from_outside == {type(feature) for feature in FEATURES}


@dataclass(frozen=True)
class _Defective(OddColumns):
    """A column that looks `lead` rows ahead, or is filled where nothing is known."""

    lead: int = 0
    is_filled: bool = False
    lookback: int = 1
    name: ClassVar[str] = "defective"
    columns: ClassVar[tuple[str, ...]] = ("x",)
    needs: ClassVar[tuple[str, ...]] = ("macro_dxy_r1",)

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        values = np.roll(outside_values(bars, "macro_dxy_r1"), -self.lead)
        return (np.nan_to_num(values) if self.is_filled else values)[:, None]


def test_the_battery_sees_a_feature_that_peeks_and_one_that_fills() -> None:
    bars = with_columns(ordinary(N_BARS))
    check_future_leaves_the_past_alone(_Defective(), bars)
    check_only_what_is_missing_is_missing(_Defective(), bars)
    with pytest.raises(AssertionError):
        check_future_leaves_the_past_alone(_Defective(lead=1), bars)
    with pytest.raises(AssertionError):
        check_lookback_is_enough(_Defective(lead=1), bars)
    with pytest.raises(AssertionError):
        check_only_what_is_missing_is_missing(_Defective(is_filled=True), bars)
