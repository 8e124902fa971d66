"""What the barriers' distances are multiples of: by hand, against a plain version, and bar by bar."""

import numpy as np
import polars as pl
import pytest
from tests.labels.hand_made import bars_from, random_bars
from tests.labels.rules import MedianRange

from tradsys.core.atr import wilder_atr
from tradsys.core.bars import to_arrays
from tradsys.core.errors import ConfigError
from tradsys.features.stream.bar import bars_of
from tradsys.labels import BarrierSpec, EwmaVolatility, WilderAtr


def closing_at(*closes: float) -> pl.DataFrame:
    return bars_from([(close, close, close, close) for close in closes])


def test_the_deviation_by_hand() -> None:
    """Span 3 halves the weights a bar: returns of .1, .3 and -.1 weigh 1, 2 and 4 sevenths.

    Their mean is .3 / 7, the biased variance .152 / 4.9, and 49 / 28 makes it unbiased: 1 / (1 - (1 + 4 + 16) / 49).
    """
    pace = EwmaVolatility(span=3).pace(closing_at(*(100 * np.exp([0.0, 0.1, 0.4, 0.3]))))
    assert np.isnan(pace[:3]).all()
    assert pace[3] == pytest.approx(100 * np.exp(0.3) * np.sqrt(0.152 / 4.9 * 49 / 28), rel=1e-12)


def test_the_deviation_is_that_of_pandas() -> None:
    pandas = pytest.importorskip("pandas")
    bars = random_bars(400, 3)
    close = bars["close"].to_numpy()
    wanted = pandas.Series(np.diff(np.log(close))).ewm(span=20).std().to_numpy() * close[1:]
    found = EwmaVolatility(span=20).pace(bars)
    np.testing.assert_allclose(found[20:], wanted[19:], rtol=1e-10)
    assert np.isnan(found[:20]).all()


@pytest.mark.parametrize("rule", [WilderAtr(9), EwmaVolatility(span=17)])
def test_what_came_before_the_lookback_is_forgotten(rule) -> None:
    bars = random_bars(900, 4)
    assert rule.pace(bars.tail(rule.lookback))[-1] == pytest.approx(rule.pace(bars)[-1], rel=1e-6)


@pytest.mark.parametrize("rule", [WilderAtr(9), EwmaVolatility(span=17)])
def test_a_step_leads_where_the_batch_does_and_moves_nothing_behind(rule) -> None:
    bars = random_bars(400, 5)
    batch, moving = rule.pace(bars), rule.moving(bars[:300])
    first = moving
    for row, bar in enumerate(bars_of(bars[300:]), start=300):
        moving = moving.after(bar)
        assert moving.pace == pytest.approx(batch[row], rel=1e-12)
    assert first.pace == batch[299]
    assert first.after(bars_of(bars[300:301])[0]).pace == pytest.approx(batch[300], rel=1e-12)


def test_prices_that_do_not_move_have_no_pace() -> None:
    assert EwmaVolatility(span=3).pace(closing_at(*[100.0] * 8))[3:].tolist() == [0.0] * 5
    assert BarrierSpec(horizon=1, rule=EwmaVolatility(span=3)).label(closing_at(*[100.0] * 8)).is_empty()


def test_the_usual_pace_is_wilders() -> None:
    bars = random_bars(200, 6)
    arrays = to_arrays(bars)
    wanted = wilder_atr(arrays.high, arrays.low, arrays.close, 10)
    for spec in (BarrierSpec(atr_period=10), BarrierSpec(rule=WilderAtr(10))):
        assert np.array_equal(spec.pace(bars), wanted, equal_nan=True)
        assert (spec, spec.unit, spec.lookback) == (BarrierSpec(atr_period=10), "ATR", 200)
    assert BarrierSpec(rule=MedianRange()).unit == "times median_range"


@pytest.mark.parametrize("wrong", [{"span": 1}, {"span": 2.5}])
def test_a_span_is_at_least_two_returns(wrong) -> None:
    with pytest.raises(ConfigError, match="volatility_span counts and must be a whole number of at least 2"):
        EwmaVolatility(**wrong)
