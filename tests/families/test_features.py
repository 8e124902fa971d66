"""What every feature must keep to; a new feature joins by one line in the list."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

import numpy as np
import polars as pl
import pytest
from tests.families.feature_checks import check_future_leaves_the_past_alone, check_lookback_is_enough
from tests.features.markets import mirrored, nasty, ordinary

from tradsys.features.candles import CloseLocation, RangeZScore, Wick
from tradsys.features.feature import Feature, FittableFeature, OddColumns
from tradsys.features.fractional import FracDiff
from tradsys.features.momentum import AverageDistance, LaggedReturns, LogReturns, Macd, Rsi, StandardReturns
from tradsys.features.registry import feature_from_dict, feature_to_dict, registered
from tradsys.features.season import DayOfWeek, SeasonalVolatility, TimeOfDay
from tradsys.features.volatility import (
    AbsoluteReturn,
    AverageTrueRange,
    ParkinsonVolatility,
    RealisedVolatility,
    VolatilityRatios,
)
from tradsys.features.volume import TakerImbalance, TradeSizeZScore, VolumeReturn, VolumeZScore, VwapDistance
from tradsys.features.windows import moving_mean
from tradsys.regimes.momentum import RegimeMomentum

FEATURES: list[Feature | FittableFeature] = [
    LogReturns(),
    StandardReturns(),
    LaggedReturns(),
    AverageDistance(),
    Rsi(),
    Macd(),
    CloseLocation(),
    Wick(windows=(1, 24)),
    RangeZScore(),
    RealisedVolatility(),
    ParkinsonVolatility(),
    AverageTrueRange(),
    VolatilityRatios(),
    AbsoluteReturn(),
    VolumeZScore(),
    VolumeReturn(),
    VwapDistance(),
    SeasonalVolatility(),
    SeasonalVolatility(bars_per_day=96),
    TimeOfDay(),
    DayOfWeek(),
    FracDiff(),
    FracDiff(d=0.4, tau=1e-3),
    TakerImbalance(),
    TradeSizeZScore(),
    RegimeMomentum(),
]

N_BARS = 2500
MARKETS: list[Callable[[int], pl.DataFrame]] = [ordinary, nasty]


@pytest.fixture(scope="module", params=MARKETS, ids=lambda market: market.__name__)
def bars(request: pytest.FixtureRequest) -> pl.DataFrame:
    return request.param(N_BARS)


@pytest.fixture(scope="module", params=FEATURES, ids=[f"{type(f).__name__}-{i}" for i, f in enumerate(FEATURES)])
def feature(request: pytest.FixtureRequest) -> Feature:
    return concrete(request.param)


def concrete(feature: Feature | FittableFeature) -> Feature:
    return feature.fit([ordinary(1500, seed=5)], seed=0) if isinstance(feature, FittableFeature) else feature


def check_warm_up_is_masked_and_nothing_else(feature: Feature, bars: pl.DataFrame) -> None:
    values = feature.compute(bars)
    assert np.isnan(values[: feature.lookback - 1]).all()
    assert np.isfinite(values[feature.lookback - 1 :]).all()


def test_changing_the_future_leaves_every_bit_of_the_past(feature: Feature, bars: pl.DataFrame) -> None:
    check_future_leaves_the_past_alone(feature, bars)


def test_the_last_lookback_bars_reproduce_the_batch(feature: Feature, bars: pl.DataFrame) -> None:
    check_lookback_is_enough(feature, bars)


def test_warm_up_is_masked_and_every_later_row_is_finite(feature: Feature, bars: pl.DataFrame) -> None:
    check_warm_up_is_masked_and_nothing_else(feature, bars)


@pytest.mark.parametrize("n_bars", [0, 1, 2, 50])
def test_length_is_kept_however_short(feature: Feature, n_bars: int) -> None:
    values = feature.compute(ordinary(N_BARS)[:n_bars])
    assert values.shape == (n_bars, len(feature.columns))
    assert values.dtype == np.float64


def test_same_bars_give_the_same_bits_and_are_left_alone(feature: Feature, bars: pl.DataFrame) -> None:
    copy = bars.clone()
    assert feature.compute(bars).tobytes() == feature.compute(bars).tobytes()
    assert bars.equals(copy)


def test_every_column_has_a_name_and_knows_its_kind(feature: Feature) -> None:
    assert len(set(feature.columns)) == len(feature.columns) == len(feature.is_odd) == len(feature.is_volatility)
    assert not np.any(np.logical_and(feature.is_odd, feature.is_volatility))


def test_a_mirrored_market_flips_the_odd_columns_and_leaves_volatility(feature: Feature, bars: pl.DataFrame) -> None:
    values, image = feature.compute(bars), feature.compute(mirrored(bars))
    odd, volatility = np.array(feature.is_odd), np.array(feature.is_volatility)
    np.testing.assert_allclose(image[:, odd], -values[:, odd], rtol=0, atol=1e-7)
    np.testing.assert_allclose(image[:, volatility], values[:, volatility], rtol=0, atol=1e-7)


def test_the_scale_of_prices_and_volumes_does_not_matter(feature: Feature) -> None:
    bars = ordinary(N_BARS)
    scaled = bars.with_columns(
        pl.col("open", "high", "low", "close") * 1000.0, pl.col("volume", "taker_buy_volume") * 1e6
    )
    if not isinstance(feature, FracDiff):  # keeps part of the price level
        np.testing.assert_allclose(feature.compute(scaled), feature.compute(bars), rtol=0, atol=1e-8)


def test_a_saved_feature_comes_back_equal(feature: Feature) -> None:
    assert feature_from_dict(feature_to_dict(feature)) == feature


def test_no_registered_feature_misses_the_battery() -> None:
    from_outside = {one for one in registered().values() if hasattr(one, "needs")}  # test_outside_features.py
    assert set(registered().values()) - from_outside == {type(feature) for feature in FEATURES}


@dataclass(frozen=True)
class _Defective(OddColumns):
    """A mean of returns with a lead, and a lookback, that may be wrong."""

    lead: int = 0
    lookback: int = 10
    is_masked: bool = True
    name: ClassVar[str] = "defective"
    columns: ClassVar[tuple[str, ...]] = ("mean",)

    def compute(self, bars: pl.DataFrame) -> np.ndarray:
        mean = np.roll(moving_mean(np.log(bars["close"].to_numpy()), 10), -self.lead)
        mean[: self.lookback - 1 if self.is_masked else 0] = np.nan
        return mean[:, np.newaxis]


def test_the_battery_sees_a_feature_that_peeks() -> None:
    check_future_leaves_the_past_alone(_Defective(), ordinary(N_BARS))
    with pytest.raises(AssertionError):
        check_future_leaves_the_past_alone(_Defective(lead=1), ordinary(N_BARS))


def test_the_battery_sees_a_lookback_that_is_too_short() -> None:
    check_lookback_is_enough(_Defective(), ordinary(N_BARS))
    with pytest.raises(AssertionError):
        check_lookback_is_enough(_Defective(lookback=9), ordinary(N_BARS))


def test_the_battery_sees_a_warm_up_that_is_not_masked() -> None:
    check_warm_up_is_masked_and_nothing_else(_Defective(), ordinary(N_BARS))
    with pytest.raises(AssertionError):
        check_warm_up_is_masked_and_nothing_else(_Defective(is_masked=False), ordinary(N_BARS))


def test_the_interval_of_the_training_bars_sets_the_length_of_a_day() -> None:
    quarter_hours = ordinary(1500, interval=timedelta(minutes=15))
    assert SeasonalVolatility().fit([quarter_hours], seed=0) == SeasonalVolatility(bars_per_day=96)
