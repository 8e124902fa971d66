"""The two oscillators against TA-Lib, and why TA-Lib's own do not serve."""

import numpy as np
import pytest
import talib
from tests.features.markets import nasty, ordinary

from tradsys.core.errors import ConfigError
from tradsys.features.momentum import Macd, Rsi
from tradsys.features.prices import LogPrices, volatility

BARS = ordinary(3000)
LOG = LogPrices.of(BARS)


def test_rsi_agrees_with_ta_lib_on_log_prices() -> None:
    values = Rsi().compute(BARS)[:, 0]
    np.testing.assert_allclose(50 * (values[1000:] + 1), talib.RSI(LOG.close, 14)[1000:], atol=1e-6)


def test_macd_agrees_with_ta_lib_on_log_prices() -> None:
    values = Macd().compute(BARS)[:, 0] * volatility(LOG.returns())
    _, _, histogram = talib.MACD(LOG.close, 12, 26, 9)
    np.testing.assert_allclose(values[1000:], histogram[1000:], atol=1e-7)


def test_ta_libs_rsi_is_not_reproduced_by_the_last_bars_after_a_flat_stretch() -> None:
    feature, bars = Rsi(), nasty(2500)
    row = 2500 // 4 + 440
    last = bars[row - feature.lookback + 1 : row + 1]
    assert feature.compute(last)[-1] == feature.compute(bars)[row] == 0.0
    whole, cut = (talib.RSI(LogPrices.of(part).close, 14) for part in (bars[: row + 1], last))
    assert abs(whole[-1] - cut[-1]) > 1.0


def test_rsi_is_one_where_the_price_only_rises() -> None:
    rising = BARS.with_columns(close=np.exp(np.arange(3000) / 1000))
    np.testing.assert_allclose(Rsi().compute(rising)[-1], 1.0)


def test_the_fast_average_must_be_the_faster_one() -> None:
    with pytest.raises(ConfigError, match="fast must be below slow"):
        Macd(fast=26, slow=12)
