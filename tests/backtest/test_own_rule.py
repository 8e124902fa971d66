"""A label of any barrier rule is the trade that the simulation makes of it."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from tests.labels.hand_made import HOUR_MS, random_bars
from tests.labels.rules import MedianRange

from tradsys.backtest.simulate import simulate
from tradsys.core.bars import TS
from tradsys.core.costs import Costs
from tradsys.labels import BarrierSpec, EwmaVolatility
from tradsys.research.walk.dataset import label_symbol


@pytest.mark.parametrize("rule", [MedianRange(), EwmaVolatility(span=20)], ids=["own", "ours"])
@pytest.mark.parametrize("side", [1, -1])
def test_a_labels_net_outcome_is_its_trades_to_1e_12(rule, side) -> None:
    """Of the second of two symbols, whose rows the market counts from another one's end."""
    bars, costs, spec = random_bars(900, 31), Costs(slippage_bps=3.0), BarrierSpec(3.0, 3.0, horizon=9, rule=rule)
    labels = label_symbol(bars, timedelta(hours=1), spec, costs)
    column = 0 if side > 0 else 1
    rows = np.flatnonzero(np.isfinite(labels.net[:, column]))[::9]
    decisions = pl.DataFrame({"symbol": "B", "start": labels.start[rows], "action": side}).with_columns(
        pl.col("start").cast(TS)
    )
    market = {"A": random_bars(700, 32), "B": bars}
    trades = simulate(market, decisions, costs=costs, barriers=spec, start=0, end=1000 * HOUR_MS).trades
    assert set(trades["reason"].to_list()) == {"target", "stop", "time"}
    at = np.searchsorted(labels.start, trades["decided"].dt.epoch("ms").to_numpy())
    assert np.abs(trades["net_return"].to_numpy() - labels.net[at, column]).max() < 1e-12
    distance = side * (trades["target"] - trades["entry_price"]).to_numpy()
    np.testing.assert_allclose(distance, 3.0 * rule.pace(bars)[at], rtol=1e-9)
    assert len(trades) > 80
