"""Open interest, basis and liquidations as features, by hand; what is not known is missing, in streams as in batch."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from tests.features.markets import ordinary

from tradsys.core.errors import ConfigError, DataError
from tradsys.features.feature_set import FeatureSet
from tradsys.features.momentum import Rsi
from tradsys.features.positions import (
    POSITIONS,
    Basis,
    LiquidationImbalance,
    LiquidationVolume,
    OpenInterest,
    OpenInterestPressure,
    known_zscore,
)
from tradsys.features.stream.feature_stream import FeatureStream, bars_of

N, NAN = 600, np.nan


def bars(**columns):
    n = len(next(iter(columns.values())))
    return ordinary(n).with_columns(**{f"flow_{name}": pl.Series(values) for name, values in columns.items()})


def drawn(n=N, seed=0):
    rng = np.random.default_rng(seed)
    columns = {
        "open_interest": 1e5 * np.exp(np.cumsum(rng.normal(0, 0.01, n))),
        "basis": rng.normal(-4e-4, 1e-4, n),
        "liq_sell": np.where(rng.random(n) < 0.5, 0.0, rng.exponential(1e4, n)),
        "liq_buy": np.where(rng.random(n) < 0.5, 0.0, rng.exponential(1e4, n)),
    }
    for name, hole in zip(columns, (slice(300, 310), slice(320, 325), slice(330, 340), slice(330, 340)), strict=True):
        columns[name][hole] = NAN
    return bars(**columns)


def test_the_change_of_open_interest_is_that_of_its_logarithm_and_needs_both_ends():
    found = OpenInterest(windows=(1, 2), usual=1).compute(bars(open_interest=[1.0, 2.0, 4.0, NAN, 8.0, 4.0]))
    log2 = np.log(2.0)
    np.testing.assert_allclose(found[2:, 0], [log2, NAN, NAN, -log2])
    np.testing.assert_allclose(found[2:, 1], [2 * log2, NAN, log2, NAN])


def test_pressure_is_the_change_with_the_sign_of_the_return():
    frame = bars(open_interest=[1.0, 2.0, 1.0, 2.0]).with_columns(close=pl.Series([10.0, 11.0, 12.0, 11.0]))
    found = OpenInterestPressure(windows=(1,)).compute(frame)[:, 0]
    np.testing.assert_allclose(found[1:], np.log(2.0) * np.array([1.0, -1.0, -1.0]))


def test_the_score_is_among_what_is_known_and_nothing_where_little_is():
    x = np.array([1.0, 2.0, NAN, 4.0, NAN, NAN, NAN, 1.0])
    found = known_zscore(x, 4)
    among = np.array([1.0, 2.0, 4.0])
    assert found[3] == pytest.approx((4.0 - among.mean()) / among.std())
    assert np.isnan(found[[2, 4, 5, 6, 7]]).all()
    assert known_zscore(np.full(9, 5e-4), 4)[-1] == 0.0


def test_the_basis_comes_as_it_is_and_against_the_usual():
    basis = np.array([1e-4, 3e-4, 1e-4, 3e-4])
    found = Basis(usual=4).compute(bars(basis=basis))
    np.testing.assert_allclose(found[3], [3e-4, 1.0])


def test_the_imbalance_weighs_longs_that_were_sold_against_shorts_that_were_bought():
    sell, buy = [3.0, 0.0, NAN, 1.0, 0.0], [1.0, 0.0, NAN, 3.0, 0.0]
    found = LiquidationImbalance(windows=(1, 3)).compute(bars(liq_sell=sell, liq_buy=buy))
    np.testing.assert_allclose(found[2:, 0], [NAN, -0.5, 0.0])
    np.testing.assert_allclose(found[2:, 1], [NAN, -0.5, -0.5])


def test_the_volume_is_measured_by_the_median_of_bars_with_any():
    sell = [0.0, 2.0, 0.0, 6.0, NAN, 0.0]
    found = LiquidationVolume(usual=4).compute(bars(liq_sell=sell, liq_buy=[0.0] * 6))[:, 0]
    np.testing.assert_allclose(found[3:], [np.log1p(6.0 / 4.0), NAN, 0.0])
    quiet = LiquidationVolume(usual=2).compute(bars(liq_sell=[0.0] * 4, liq_buy=[0.0] * 4))
    np.testing.assert_array_equal(quiet[1:], 0.0)


@pytest.mark.parametrize("unit", [1e-3, 7.0, 1e6])
def test_the_unit_does_not_matter(unit):
    frame = drawn()
    other = frame.with_columns(pl.col("flow_open_interest", "flow_liq_sell", "flow_liq_buy") * unit)
    for feature in POSITIONS:
        if not isinstance(feature, Basis):
            np.testing.assert_allclose(feature.compute(other), feature.compute(frame), atol=1e-9)


def test_the_mirrored_market_changes_the_sign_of_odd_columns_and_of_no_other():
    frame = drawn()
    mirrored = frame.with_columns(
        open=1 / pl.col("open"),
        close=1 / pl.col("close"),
        high=1 / pl.col("low"),
        low=1 / pl.col("high"),
        flow_basis=-pl.col("flow_basis"),
        flow_liq_sell=pl.col("flow_liq_buy"),
        flow_liq_buy=pl.col("flow_liq_sell"),
    )
    for feature in POSITIONS:
        signs = np.where(feature.is_odd, -1.0, 1.0)
        np.testing.assert_allclose(feature.compute(mirrored), signs * feature.compute(frame), atol=1e-9)


def test_bar_by_bar_is_slow_visibly_and_the_same_as_the_batch():
    frame = drawn()
    fitted = FeatureSet((Rsi(), *POSITIONS)).fit([frame])
    stream = FeatureStream(fitted, timedelta(hours=1))
    assert stream.is_fast.tolist() == [name.startswith("rsi") for name in fitted.columns]
    assert set(stream.why_slow) == {feature.name for feature in POSITIONS}
    stream.warm(frame[:290])
    said = np.array([stream.step(bar) for bar in bars_of(frame[290:])])
    assert np.isnan(said).any(axis=0)[1:].all()
    np.testing.assert_allclose(said, fitted.compute(frame).values[290:], rtol=0, atol=1e-9)


def test_bars_without_the_columns_are_refused_by_name():
    with pytest.raises(
        DataError, match="wanted bars with a column flow_open_interest, found none from outside; attach"
    ):
        FeatureSet.from_names(["open_interest"]).fit([ordinary(300)])
    with pytest.raises(ConfigError, match="basis: usual counts bars and must be at least 1, was 0"):
        Basis(usual=0)
