"""What trades would have made at more slippage: the same as simulating them so, at the sizes that were traded."""

import numpy as np
import polars as pl
import pytest
from tests.labels.hand_made import HOUR_MS, random_bars

from tradsys.backtest.more_slippage import MORE_BPS, more_slippage
from tradsys.backtest.rebalance import Targets, simulate_targets
from tradsys.backtest.simulate import PortfolioSpec, simulate
from tradsys.core.costs import Costs
from tradsys.labels.barriers import BarrierSpec

END = 2_000 * HOUR_MS
TINY = PortfolioSpec(fraction=1e-6)
"""So little of the equity that what slippage takes changes no size."""


def traded(bps, *, taker=5.0, every=7):
    bars = random_bars(2_000, 5)
    decisions = bars.select(symbol=pl.lit("A"), start=pl.col("ts").dt.offset_by("1h"), action=pl.lit(1))[::every]
    costs = Costs(taker_bps=taker, slippage_bps=bps)
    spec = BarrierSpec(horizon=6)
    return simulate({"A": bars}, decisions, costs=costs, barriers=spec, portfolio=TINY, start=0, end=END)


def test_each_level_is_what_a_simulation_at_it_makes():
    more = more_slippage(traded(1.0), seed=0)
    assert tuple(level.more_bps for level in more.levels) == MORE_BPS == (1.0, 2.0, 5.0)
    for level in more.levels:
        again = traded(1.0 + level.more_bps)
        assert level.net.value == pytest.approx(again.trades["net_return"].mean(), rel=1e-6)
        assert level.profit == pytest.approx(again.trades["pnl_quote"].sum(), rel=1e-4)
        assert level.net.n == len(again.trades) and level.net.low < level.net.value < level.net.high


@pytest.mark.parametrize("taker", [5.0, 0.0])
def test_at_the_break_even_nothing_is_left(taker):
    simulation = traded(0.0, taker=taker)
    even = more_slippage(simulation, seed=0).break_even_bps
    assert even.low < even.value < even.high
    if even.value > 0:
        assert traded(even.value, taker=taker).trades["pnl_quote"].sum() == pytest.approx(0.0, abs=1e-6)
    else:
        exits = (simulation.trades["size_base"] * simulation.trades["exit_price"]).filter(
            simulation.trades["reason"] != "target"
        )
        turnover = simulation.trades["notional_quote"].sum() + exits.sum()
        assert even.value == pytest.approx(1e4 * simulation.trades["pnl_quote"].sum() / turnover)


@pytest.mark.parametrize("n_silent", [0, 1], ids=["sold at last", "unsold at last"])
def test_what_ranks_resize_counts_too(n_silent):
    bars = random_bars(900, 1)
    bars = bars.with_columns(
        volume=pl.when(pl.int_range(pl.len()) < len(bars) - n_silent).then("volume").otherwise(0.0)
    )
    times = np.arange(20, 800, 37) * HOUR_MS
    weights = 1e-6 * np.random.default_rng(0).normal(1.0, 0.4, (len(times), 1))

    def at(bps):
        costs = Costs(slippage_bps=bps)
        return simulate_targets({"A": bars}, Targets(("A",), times, weights), costs=costs, start=0, end=900 * HOUR_MS)

    assert at(1.0).trades["reason"][-1] == ("unsold" if n_silent else "last bar")
    for level in more_slippage(at(1.0), seed=0).levels:
        assert level.profit == pytest.approx(at(1.0 + level.more_bps).trades["pnl_quote"].sum(), rel=1e-4)


def test_without_trades_there_is_nothing_to_say():
    nothing = traded(1.0, every=5_000)  # its only decision comes before there is a range to set barriers by
    assert nothing.n_trades == 0
    assert more_slippage(nothing, seed=0) is None
