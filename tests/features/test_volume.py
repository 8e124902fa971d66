"""What volume adds, against plain versions and without any volume."""

import numpy as np
import polars as pl
from tests.features.markets import ordinary

from tradsys.features.momentum import StandardReturns
from tradsys.features.prices import LogPrices, volatility
from tradsys.features.volume import VolumeReturn, VolumeZScore, VwapDistance

BARS = ordinary(600)
SILENT = BARS.with_columns(volume=0.0)


def test_the_vwap_weighs_typical_prices_by_volume() -> None:
    log = LogPrices.of(BARS)
    typical = (log.high + log.low + log.close) / 3
    last = slice(-24, None)
    vwap = np.average(typical[last], weights=log.volume[last])
    expected = (log.close[-1] - vwap) / (volatility(log.returns())[-1] * 24**0.5)
    np.testing.assert_allclose(VwapDistance().compute(BARS)[-1, 0], expected, atol=1e-10)


def test_without_volume_all_bars_count_alike() -> None:
    steady = BARS.with_columns(volume=7.0)
    np.testing.assert_allclose(VwapDistance().compute(SILENT), VwapDistance().compute(steady), atol=1e-9)
    np.testing.assert_allclose(VolumeReturn().compute(SILENT), VolumeReturn().compute(steady), atol=1e-9)
    np.testing.assert_allclose(VolumeZScore().compute(SILENT)[300:], 0.0, atol=1e-12)


def test_a_return_on_usual_volume_is_the_return_itself() -> None:
    steady = BARS.with_columns(volume=7.0)
    np.testing.assert_allclose(
        VolumeReturn((1,)).compute(steady)[200:], StandardReturns((1,)).compute(steady)[200:], atol=1e-12
    )


def test_a_return_on_triple_volume_counts_double() -> None:
    last = pl.int_range(600) == 599
    volume = 3 * 95 / 93  # three times the mean of 96 bars of which it is one and all others trade 1
    busy = BARS.with_columns(volume=pl.when(last).then(volume).otherwise(1.0))
    ratio = VolumeReturn((1,)).compute(busy)[-1, 0] / StandardReturns((1,)).compute(busy)[-1, 0]
    np.testing.assert_allclose(ratio, 2.0, rtol=1e-12)


def test_a_volume_ten_times_the_usual_stands_out() -> None:
    last = pl.int_range(600) == 599
    assert VolumeZScore().compute(BARS.with_columns(volume=pl.when(last).then(40.0).otherwise("volume")))[-1, 0] > 3
