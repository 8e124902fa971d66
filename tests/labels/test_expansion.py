import numpy as np
import polars as pl
import pytest

from tradsys.core.errors import ConfigError
from tradsys.data import load_bars
from tradsys.labels import volatility_expansion


@pytest.fixture(scope="module")
def bars() -> pl.DataFrame:
    return load_bars("sample").head(200)


def test_expansion_is_the_volatility_ahead_over_the_average_true_range_now(bars: pl.DataFrame) -> None:
    value, end = volatility_expansion(bars, horizon=3, atr_period=4)
    high, low, close = (bars[name].to_numpy() for name in ("high", "low", "close"))
    true_range = [high[0] - low[0]]
    true_range += [max(high[t], close[t - 1]) - min(low[t], close[t - 1]) for t in range(1, 9)]
    average = np.mean(true_range[:4])
    for t in range(4, 9):
        average += (true_range[t] - average) / 4
    ahead = [np.log(high[t] / low[t]) ** 2 / (4 * np.log(2)) for t in (9, 10, 11)]
    assert value[8] == pytest.approx(np.log(np.sqrt(np.mean(ahead)) / (average / close[8])), rel=1e-12)
    assert end[8] == bars["ts"].dt.epoch("ms")[12]  # bar 11 closes where bar 12 opens


def test_expansion_reads_its_horizon_and_nothing_after_it(bars: pl.DataFrame) -> None:
    whole, _ = volatility_expansion(bars, horizon=24)
    cut, _ = volatility_expansion(bars.head(124), horizon=24)
    assert np.isnan(whole[:13]).all()
    assert np.isfinite(whole[13:-24]).all()
    assert np.isnan(whole[-24:]).all()
    assert cut[:100].tobytes() == whole[:100].tobytes()
    assert np.isnan(cut[100:]).all()


def test_bars_that_do_not_move_have_no_expansion(bars: pl.DataFrame) -> None:
    flat = bars.with_columns(pl.lit(100.0).alias(name) for name in ("open", "high", "low", "close"))
    assert np.isnan(volatility_expansion(flat, horizon=5)[0]).all()
    assert np.isnan(volatility_expansion(bars.head(20), horizon=24)[0]).all()


def test_a_horizon_of_no_bars_is_refused(bars: pl.DataFrame) -> None:
    with pytest.raises(ConfigError, match="horizon counts bars and must be at least 1, was 0"):
        volatility_expansion(bars, horizon=0)
