"""Sets of features: scaled by training rows alone, saved to the last bit, refused when they do not fit."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from tests.features.markets import mirrored, nasty, ordinary

import tradsys.features
from tradsys.core.errors import ConfigError, DataError, NotEnoughBars
from tradsys.features import FeatureSet, FittedFeatures, feature_set
from tradsys.features.momentum import Macd, Rsi
from tradsys.features.season import SeasonalVolatility, TimeOfDay
from tradsys.features.volatility import RealisedVolatility

BARS = ordinary(2000)
FITTED = FeatureSet.default().fit([BARS[:1200]])


def test_training_rows_get_unit_scale_and_even_columns_mean_zero() -> None:
    X = (FITTED.raw(BARS[:1200]) - FITTED.centre) / FITTED.scale
    X = X[FITTED.lookback - 1 :]
    np.testing.assert_allclose(np.mean(X**2, axis=0), 1.0, atol=1e-9)
    np.testing.assert_allclose(X[:, ~FITTED.is_odd].mean(axis=0), 0.0, atol=1e-9)


def test_values_are_raw_values_scaled_and_cut_at_five() -> None:
    X = FITTED.compute(BARS).values
    expected = np.clip((FITTED.raw(BARS) - FITTED.centre) / FITTED.scale, -5, 5)
    np.testing.assert_allclose(X, expected, atol=1e-12)
    extreme = replace(FITTED, scale=tuple(np.array(FITTED.scale) / 100)).compute(BARS).values
    assert np.nanmax(extreme) == -np.nanmin(extreme) == 5.0


def test_bars_after_the_training_rows_do_not_move_the_scale() -> None:
    other = pl.concat([BARS[:1200], nasty(800).with_columns(ts=BARS["ts"][1200:])])
    assert FeatureSet.default().fit([other[:1200]]) == FITTED


def test_several_symbols_share_one_scale() -> None:
    both = FeatureSet((Rsi(),)).fit([BARS, nasty(2000)])
    alone = FeatureSet((Rsi(),)).fit([BARS])
    rows = np.concatenate([alone.raw(frame)[alone.lookback - 1 :] for frame in (BARS, nasty(2000))])
    np.testing.assert_allclose(both.scale, np.sqrt(np.mean(rows**2, axis=0)))


def test_odd_columns_still_flip_with_the_market_after_scaling() -> None:
    drifting = BARS.with_columns(pl.col("open", "high", "low", "close") * np.exp(np.arange(2000) / 100))
    fitted = FeatureSet.default().fit([drifting])
    X, image = fitted.compute(drifting).values, fitted.compute(mirrored(drifting)).values
    np.testing.assert_allclose(image[:, fitted.is_odd], -X[:, fitted.is_odd], atol=1e-7)


def test_warm_up_rows_are_nan_and_no_others() -> None:
    X = FITTED.compute(BARS).values
    assert np.isnan(X[: FITTED.lookback - 1]).all()
    assert np.isfinite(X[FITTED.lookback - 1 :]).all()
    assert X.shape == (2000, len(FITTED.columns))


def test_long_histories_are_computed_in_chunks_that_leave_no_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = FITTED.compute(BARS).values
    monkeypatch.setattr(feature_set, "_CHUNK", 300)
    assert FITTED.compute(BARS).values.tobytes() == whole.tobytes()


def test_too_short_a_frame_is_all_warm_up() -> None:
    assert np.isnan(FITTED.compute(BARS[:100]).values).all()


def test_the_default_set_is_small_has_no_clock_and_settles_within_four_hundred_bars() -> None:
    assert 20 <= len(FITTED.columns) <= 30
    assert FITTED.lookback <= 400
    assert (FITTED.is_odd ^ FITTED.is_volatility).all()
    assert not any("day" in column or "week" in column for column in FITTED.columns)


def test_a_column_that_never_moves_is_zero_and_not_infinite() -> None:
    still = BARS.with_columns(open=100.0, high=100.0, low=100.0, close=100.0)
    fitted = FeatureSet((RealisedVolatility(), Rsi())).fit([still])
    X = fitted.compute(still).values[fitted.lookback - 1 :]
    np.testing.assert_allclose(X, 0.0, atol=1e-12)


def test_fitting_makes_every_feature_concrete() -> None:
    assert SeasonalVolatility(bars_per_day=24) in FITTED.features
    assert SeasonalVolatility() in FeatureSet.default().features


def test_what_is_saved_comes_back_to_the_last_bit() -> None:
    again = FittedFeatures.from_dict(json.loads(json.dumps(FITTED.to_dict())))
    assert again == FITTED
    assert again.compute(BARS).values.tobytes() == FITTED.compute(BARS).values.tobytes()


def test_the_schema_digest_knows_parameters_and_not_the_scale() -> None:
    digests = [FeatureSet((Rsi(period),)).fit([BARS]).schema_digest for period in (14, 15)]
    assert digests[0] != digests[1]
    assert FeatureSet((Rsi(14),)).fit([BARS[:700]]).schema_digest == digests[0]


def test_a_set_is_made_from_names() -> None:
    assert FeatureSet.from_names(["rsi", "macd"]) == FeatureSet((Rsi(), Macd()))


def test_a_set_without_features_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least one feature"):
        FeatureSet(())


def test_the_same_column_twice_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match="rsi_14"):
        FeatureSet((Rsi(), Rsi())).fit([BARS])


def test_a_scale_of_other_features_is_refused() -> None:
    with pytest.raises(ConfigError, match="2 columns need as many"):
        FittedFeatures((TimeOfDay(),), (0.0,), (1.0,))


def test_too_few_bars_to_scale_are_refused_with_the_number_needed() -> None:
    with pytest.raises(NotEnoughBars, match=f"{FITTED.lookback} bars, found 200 bars"):
        FeatureSet.default().fit([BARS[:200]])


def test_a_price_that_is_not_a_number_stops_the_run() -> None:
    holed = BARS.with_columns(close=pl.when(pl.int_range(2000) == 1500).then(float("nan")).otherwise("close"))
    with pytest.raises(DataError, match=r"close is not finite .* row 1500"):
        FITTED.compute(holed)


@pytest.mark.parametrize("name", tradsys.features.__all__)
def test_everything_the_package_offers_is_there(name: str) -> None:
    assert getattr(tradsys.features, name).__name__ == name
