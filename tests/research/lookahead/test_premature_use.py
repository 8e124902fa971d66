import polars as pl
import pytest
from tests.backtest.markets import decide
from tests.labels.hand_made import HOUR_MS, bars_from

from tradsys.backtest.simulate import PortfolioSpec, simulate
from tradsys.core.bars import to_arrays
from tradsys.core.costs import Costs
from tradsys.research.lookahead.premature_use import _fills

CALM, CRASH, RISE = (100, 101, 99, 100), (50, 51, 49, 50), (120, 121, 119, 120)
MARKET = {
    "A": bars_from([CALM] * 4 + [CRASH] * 6),
    "B": bars_from([CALM] * 4 + [RISE] * 6).filter(~pl.int_range(pl.len()).is_in([4, 5])),
}


@pytest.mark.parametrize("symbol", MARKET)
def test_a_liquidation_beyond_all_prices_of_its_bar_is_no_look_ahead(symbol):
    decisions = pl.concat(decide((name, 2, 1), horizon=4, distance=60.0) for name in MARKET)
    levered = PortfolioSpec(fraction=10, cap=20)
    trades = simulate(MARKET, decisions, costs=Costs(), start=0, end=10 * HOUR_MS, portfolio=levered).trades
    mine, bars = trades.filter(symbol=symbol), MARKET[symbol]
    assert mine["reason"].to_list() == ["liquidation"]
    closes = to_arrays(bars).ts + HOUR_MS
    assert not any(late.any() for late in _fills(mine, bars, closes).values())
    elsewhere = mine.with_columns(reason=pl.lit("stop"))
    assert _fills(elsewhere, bars, closes)["exit_price"].tolist() == [1]
