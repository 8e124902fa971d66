"""Raw features that are computed once give the bits that computing them anew would give."""

from dataclasses import replace

import numpy as np
import pytest
from tests.features.markets import ordinary

from tradsys.core.errors import DataError
from tradsys.data.simulate import simulate
from tradsys.features import FeatureSet
from tradsys.features.feature_set import RawFeatures
from tradsys.features.momentum import StandardReturns
from tradsys.regimes.markov import RegimeSpec
from tradsys.regimes.momentum import RegimeMomentum


@pytest.fixture(scope="module")
def frames():
    return [simulate("noise", seed=1, n_bars=34_000), simulate("noise", seed=2, n_bars=3_000)]


@pytest.fixture(scope="module")
def features(frames):
    regimes = RegimeSpec(n_starts=2, max_rows=4_000).fit(frames, seed=0)
    return FeatureSet((*FeatureSet.default().features, RegimeMomentum(regimes))).learn(frames)


def test_the_bits_are_those_of_computing_anew(frames, features):
    for kept, bars in zip(RawFeatures(frames).of(features), frames, strict=True):
        assert kept.tobytes() == features.raw(bars).tobytes()


def test_the_first_rows_are_what_the_first_bars_alone_give(frames, features):
    whole, first = RawFeatures(frames).of(features)[0], features.raw(frames[0][:20_000])
    assert whole[:20_000].tobytes() == first.tobytes()


def test_fitting_on_kept_values_is_fitting(frames, features):
    spec = FeatureSet(features.features)
    unscaled = spec.learn(frames)
    assert unscaled.scaled(RawFeatures(frames).of(unscaled)) == spec.fit(frames)


def test_a_feature_is_computed_once_and_given_as_a_copy(frames, monkeypatch):
    calls = []
    original = StandardReturns.compute
    monkeypatch.setattr(StandardReturns, "compute", lambda self, bars: calls.append(self) or original(self, bars))
    features = FeatureSet((StandardReturns((24,)),)).learn(frames[1:])
    raw = RawFeatures(frames[1:])
    first = raw.of(features)[0]
    first[:] = 0.0
    again = raw.of(replace(features, scale=(2.0,)))[0]
    assert len(calls) == 1
    assert np.abs(again[features.lookback :]).max() > 0


def test_a_missing_value_is_named(monkeypatch):
    monkeypatch.setattr(StandardReturns, "compute", lambda self, bars: np.full((len(bars), 1), np.nan))
    features = FeatureSet((StandardReturns((24,)),)).learn([ordinary(500)])
    with pytest.raises(DataError, match="ret_24 has no value in row"):
        RawFeatures([ordinary(500)]).of(features)
