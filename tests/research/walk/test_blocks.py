"""The table of folds adds up: what the equity gained block by block compounds to what it gained in all."""

import math
from itertools import pairwise

import pytest
from tests.backtest.markets import decide, ragged_market, random_decisions
from tests.labels.hand_made import HOUR_MS, bars_from

from tradsys.backtest import PortfolioSpec
from tradsys.backtest.metrics import measure
from tradsys.backtest.simulate import simulate
from tradsys.core.costs import Costs
from tradsys.labels import BarrierSpec
from tradsys.research.walk.blocks import block_result

END = 900 * HOUR_MS
EDGES = [hour * HOUR_MS for hour in (100, 230, 231, 500, 777, 900)]


@pytest.fixture(scope="module")
def simulation():
    """Three symbols, a tenth of the equity each, far more trades than the equity could add up unscaled."""
    market = ragged_market()
    return simulate(
        market,
        random_decisions(market, 7),
        costs=Costs(),
        portfolio=PortfolioSpec(fraction=0.1),
        barriers=BarrierSpec(horizon=6),
        start=EDGES[0],
        end=END,
    )


def test_blocks_compound_to_the_whole_and_hold_every_trade(simulation):
    blocks = [block_result(simulation, a, b) for a, b in pairwise(EDGES)]
    total = math.prod(1 + block["equity_return"] for block in blocks) - 1
    assert total == pytest.approx(measure(simulation, seed=0)["profit_total"].value, abs=1e-12)
    assert sum(block["n_trades"] for block in blocks) == simulation.n_trades
    assert abs(total) < abs(simulation.trades["net_return"].sum()) / 3


def test_a_block_by_hand():
    """All of the equity at 100, marked at 101 where the first block ends, out at its target of 102."""
    bars = bars_from([(100, 100, 100, 100), (100, 101, 100, 101), (101, 103, 101, 102), (102, 102, 102, 102)])
    free = Costs(maker_bps=0, taker_bps=0, slippage_bps=0)
    done = simulate({"A": bars}, decide(("A", 0, 1)), costs=free, start=0, end=4 * HOUR_MS)
    first, second = block_result(done, 0, 2 * HOUR_MS), block_result(done, 2 * HOUR_MS, 4 * HOUR_MS)
    assert first == {"n_trades": 1, "equity_return": pytest.approx(0.01)}
    assert second == {"n_trades": 0, "equity_return": pytest.approx(102 / 101 - 1)}
