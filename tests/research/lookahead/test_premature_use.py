import numpy as np
import polars as pl
import pytest
from tests.backtest.markets import decide
from tests.labels.hand_made import HOUR_MS, bars_from

from tradsys.backtest.simulate import PortfolioSpec, simulate
from tradsys.core.bars import to_arrays
from tradsys.core.costs import Costs
from tradsys.core.limit_entry import LimitEntry
from tradsys.research.lookahead.premature_use import _fills, _Resting

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


def test_a_limit_entry_that_was_only_touched_or_rests_elsewhere_is_premature():
    entry, calm = LimitEntry(0.25, 2), [CALM] * 8
    market = {"A": bars_from(calm)}
    trades = simulate(
        market,
        decide(("A", 1, 1), horizon=3, distance=2.0),
        costs=Costs(),
        start=0,
        end=8 * HOUR_MS,
        portfolio=PortfolioSpec(entry=entry),
    ).trades
    bars, closes = market["A"], to_arrays(market["A"]).ts + HOUR_MS
    resting = _Resting(entry, np.array([2.0]), 0.0)
    assert len(trades) == 1
    assert not any(late.any() for late in _fills(trades, bars, closes, resting=resting).values())
    nearer = trades.with_columns(entry_price=pl.lit(99.8))
    assert _fills(nearer, bars, closes, resting=resting)["entry_price"].tolist() == [1]
    touched = bars.with_columns(low=pl.lit(99.5))
    assert _fills(trades, touched, closes, resting=resting)["entry_ts"].tolist() == [1]
    late = trades.with_columns(pl.col("entry_ts").dt.offset_by("2h"))
    assert _fills(late, bars, closes, resting=resting)["entry_ts"].any()
