"""Columns of other markets: which series are read, and what the numbers mean."""

import numpy as np
import pytest
from tests.families.test_outside_features import with_columns
from tests.features.markets import ordinary

from tradsys.core.errors import ConfigError, DataError
from tradsys.features.catalogue import DEFAULT
from tradsys.features.feature_set import FeatureSet
from tradsys.features.macro import MacroReturns, MacroRisk


def test_the_series_are_those_of_the_training_bars_in_a_fixed_order():
    fitted = MacroRisk().fit([with_columns(ordinary(400))], seed=0)
    assert fitted == MacroRisk(series=("dxy", "vix"))
    assert fitted.columns[:4] == ("macro_dxy_size1", "macro_dxy_size5", "macro_dxy_vol", "macro_dxy_age")
    assert MacroReturns(series=("vix",)).columns == ("macro_vix_r1", "macro_vix_r5", "macro_vix_z")


def test_sizes_are_without_sign_and_the_age_is_in_days():
    bars = with_columns(ordinary(400))
    values = MacroRisk(series=("dxy",)).compute(bars)
    np.testing.assert_array_equal(values[:, 0], np.abs(bars["macro_dxy_r1"].to_numpy()))
    assert values[-1, 3] == bars["macro_dxy_age_h"][-1] / 24


def test_risk_tells_how_far_and_returns_may_tell_where_to():
    assert MacroRisk(series=("dxy",)).is_volatility == (True,) * 4
    assert MacroReturns(series=("dxy",)).is_volatility == (False,) * 3


def test_bars_without_any_series_are_told_what_to_do():
    with pytest.raises(DataError, match="macro_risk needs bars with columns such as macro_dxy_r1, found none; give"):
        FeatureSet.from_names(["macro_risk"]).fit([ordinary(400)])
    with pytest.raises(ConfigError, match="does not know its series yet"):
        _ = MacroReturns().columns


def test_no_default_set_reads_macro_columns():
    assert not any(isinstance(one, (MacroReturns, MacroRisk)) for one in DEFAULT)
