"""Features of the funding that was settled."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from tests.features.markets import ordinary

from tradsys.core.errors import DataError
from tradsys.features.feature_set import FeatureSet
from tradsys.features.funding import FUNDING, FundingChange, FundingLevel, funding_8h
from tradsys.features.momentum import Rsi
from tradsys.features.stream.feature_stream import FeatureStream, bars_of

NAN = np.nan


def bars(rate, hours=8.0):
    rate = np.asarray(rate, float)
    return ordinary(len(rate)).with_columns(
        funding_rate=pl.Series(rate), funding_hours=pl.Series(np.broadcast_to(hours, len(rate)).astype(float))
    )


def test_the_level_is_what_eight_hours_cost_its_mean_and_its_score():
    found = FundingLevel(window=2, usual=4).compute(bars([1e-4, 2e-4, 4e-4, 1e-4], [8.0, 8.0, 8.0, 4.0]))
    last = np.array([1e-4, 2e-4, 4e-4, 2e-4])
    assert np.isnan(found[:3]).all()
    np.testing.assert_allclose(found[3], [2e-4, 3e-4, (2e-4 - last.mean()) / last.std()])


def test_the_change_needs_both_ends():
    found = FundingChange(windows=(1, 2)).compute(bars([1e-4, NAN, 4e-4, 1e-4, 2e-4]))
    np.testing.assert_allclose(found[2:], [[NAN, 3e-4], [-3e-4, NAN], [1e-4, -2e-4]], atol=1e-12)


def test_a_mean_needs_half_of_its_window():
    found = FundingLevel(window=4, usual=4).compute(bars([NAN, NAN, NAN, 1e-4, 3e-4]))
    np.testing.assert_allclose(found[3:, 1], [NAN, 2e-4])


def test_an_interval_that_nobody_knows_says_nothing_of_eight_hours():
    assert np.isnan(funding_8h(bars([1e-4, 1e-4], [NAN, 0.0]))).all()


def test_from_the_other_currency_every_column_changes_sign():
    rate = np.random.default_rng(0).normal(0, 1e-4, 1000)
    for feature in FUNDING:
        own, mirrored = feature.compute(bars(rate)), feature.compute(bars(-rate))
        assert all(feature.is_odd)
        np.testing.assert_allclose(mirrored, -own, atol=1e-9)


def test_bars_without_funding_are_told_what_to_attach():
    for feature in FUNDING:
        with pytest.raises(DataError, match="attach the funding data"):
            feature.compute(ordinary(50))


def test_bar_by_bar_is_the_batch():
    rate = np.repeat(np.random.default_rng(1).normal(0, 1e-4, 130), 8)
    frame = bars(rate[:1000])
    fitted = FeatureSet((Rsi(), *FUNDING)).fit([frame])
    stream = FeatureStream(fitted, timedelta(hours=1))
    stream.warm(frame[:900])
    said = np.array([stream.step(bar) for bar in bars_of(frame[900:])])
    np.testing.assert_allclose(said, fitted.compute(frame).values[900:], atol=1e-9)
