"""Volatility thirds: what the fast calibration reads in the hidden Markov model's place."""

import json

import numpy as np
import pytest
from tests.features.markets import ordinary

from tradsys.core.errors import ConfigError, NotEnoughBars
from tradsys.data.simulate import simulate
from tradsys.regimes.family import filter_from_dict
from tradsys.regimes.momentum import RegimeMomentum
from tradsys.regimes.volatility import FittedVolatilityFilter, VolatilityRegimes

N_TRAIN = 5_000


@pytest.fixture(scope="module")
def bars():
    return simulate("regimes", seed=1, n_bars=8_000)


@pytest.fixture(scope="module")
def fitted(bars):
    return VolatilityRegimes().fit([bars[:N_TRAIN]], seed=0)


def test_training_bars_divide_into_thirds(fitted, bars):
    share = fitted.filter(bars[:N_TRAIN])[fitted.lookback - 1 :].mean(axis=0)
    np.testing.assert_allclose(share, 1 / 3, atol=1e-3)


def test_each_row_is_one_state_and_the_warm_up_none(fitted, bars):
    states = fitted.filter(bars)
    assert np.isnan(states[: fitted.lookback - 1]).all()
    assert set(np.unique(states[fitted.lookback - 1 :])) == {0.0, 1.0}
    assert (states[fitted.lookback - 1 :].sum(axis=1) == 1).all()


def test_states_are_in_order_of_volatility(fitted, bars):
    returns = bars["close"].log().diff().to_numpy()[fitted.lookback :]
    state = fitted.filter(bars)[fitted.lookback :].argmax(axis=1)
    quiet, trend, panic = (returns[state == k].std() for k in range(3))
    assert quiet < trend < panic


def test_changing_the_future_leaves_the_past(fitted, bars):
    changed = bars.with_columns(high=bars["high"] * np.where(np.arange(len(bars)) < 6_000, 1.0, 1.5))
    assert fitted.filter(changed)[:6_000].tobytes() == fitted.filter(bars)[:6_000].tobytes()


def test_the_lookback_alone_reproduces_the_batch(fitted, bars):
    last = fitted.filter(bars[7_000 - fitted.lookback + 1 : 7_001])[-1]
    assert (last == fitted.filter(bars)[7_000]).all()


def test_a_saved_filter_is_known_by_its_kind(fitted):
    again = filter_from_dict(json.loads(json.dumps(fitted.to_dict())))
    assert again == fitted
    assert isinstance(again, FittedVolatilityFilter)


def test_momentum_takes_these_regimes_too(bars):
    momentum = RegimeMomentum(VolatilityRegimes()).fit([bars[:N_TRAIN]], seed=0)
    values = momentum.compute(bars)[momentum.lookback - 1 :]
    assert (np.count_nonzero(values, axis=1) <= 1).all()
    assert np.abs(values).max() == 1.0


def test_histories_that_are_too_short_are_refused():
    with pytest.raises(NotEnoughBars, match="need 49 bars before their first value, found 40"):
        VolatilityRegimes().fit([ordinary(40)], seed=0)


@pytest.mark.parametrize("wrong", [{"n_states": 1}, {"window": 0}])
def test_settings_that_mean_nothing_are_refused(wrong):
    with pytest.raises(ConfigError, match="n_states must be at least 2"):
        VolatilityRegimes(**wrong)
