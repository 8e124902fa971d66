import json

import numpy as np
import polars as pl
import pytest
from tests.features.markets import mirrored, ordinary

from tradsys.core.errors import ConfigError
from tradsys.features.feature import FittableFeature
from tradsys.features.feature_set import FeatureSet, FittedFeatures
from tradsys.features.momentum import StandardReturns
from tradsys.regimes.markov import RegimeSpec
from tradsys.regimes.momentum import RegimeMomentum


@pytest.fixture(scope="module")
def bars() -> pl.DataFrame:
    return ordinary(2000)


@pytest.fixture(scope="module")
def feature(bars: pl.DataFrame) -> RegimeMomentum:
    return RegimeMomentum(RegimeSpec(n_starts=2)).fit([bars], seed=0)


def test_columns_share_out_the_direction_of_the_market(feature: RegimeMomentum, bars: pl.DataFrame) -> None:
    values = feature.compute(bars)[feature.lookback :]
    direction = np.clip(StandardReturns((24,)).compute(bars)[feature.lookback :, 0], -1, 1)
    np.testing.assert_allclose(values.sum(axis=1), direction, rtol=0, atol=1e-12)
    assert feature.columns == ("momentum_in_quiet", "momentum_in_trend", "momentum_in_panic")


def test_a_mirrored_market_changes_the_sign(feature: RegimeMomentum, bars: pl.DataFrame) -> None:
    np.testing.assert_allclose(feature.compute(mirrored(bars)), -feature.compute(bars), rtol=0, atol=1e-9)
    assert feature.is_odd == (True,) * 3


def test_a_filter_that_is_fitted_is_kept_and_shared(feature: RegimeMomentum, bars: pl.DataFrame) -> None:
    shared = RegimeMomentum(feature.regimes)
    assert shared.fit([bars[:500]], seed=9) is shared
    assert isinstance(shared, FittableFeature)
    assert shared == feature


def test_without_regimes_nothing_can_be_computed(bars: pl.DataFrame) -> None:
    with pytest.raises(ConfigError, match="no regimes yet; fit it on training bars"):
        RegimeMomentum().compute(bars)


def test_other_numbers_of_states_are_numbered(feature: RegimeMomentum) -> None:
    assert RegimeMomentum(RegimeSpec(n_states=2)).columns == ("momentum_in_0", "momentum_in_1")


def test_a_feature_set_with_regimes_comes_back_from_json_alone(bars: pl.DataFrame) -> None:
    features = FeatureSet((StandardReturns((24,)), RegimeMomentum(RegimeSpec(n_starts=2)))).fit([bars], seed=0)
    again = FittedFeatures.from_dict(json.loads(json.dumps(features.to_dict())))
    assert again == features
    assert again.schema_digest == features.schema_digest
    assert again.compute(bars).values.tobytes() == features.compute(bars).values.tobytes()
