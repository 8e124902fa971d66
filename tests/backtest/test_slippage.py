"""Slippage that the bars tell: the same for a label as for its trade, and for market orders alone."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from tradsys.backtest.cost_breakdown import cost_breakdown
from tradsys.backtest.rebalance import Targets, simulate_targets
from tradsys.backtest.simulate import buy_and_hold, simulate
from tradsys.core.bars import TS
from tradsys.core.costs import Costs, Instrument
from tradsys.core.slippage import slippage_of
from tradsys.core.time import HOUR_MS, to_ms, ts_ms
from tradsys.labels.barriers import BarrierSpec
from tradsys.research.walk.dataset import label_symbol

HOUR = timedelta(hours=1)
START = to_ms(datetime(2023, 1, 1, tzinfo=UTC))
N_BARS = 3_000
END = START + N_BARS * HOUR_MS


def quoted(seed, spread=0.004):
    """Bars of trades at bid or ask, dearer from month to month."""
    rng = np.random.default_rng(seed)
    mid = 100 * np.exp(np.cumsum(0.002 * rng.standard_normal(N_BARS * 6)))
    wide = spread * np.repeat(np.arange(N_BARS) / 1000 + 0.5, 6)
    trades = (mid * (1 + wide / 2 * np.sign(rng.standard_normal(N_BARS * 6)))).reshape(N_BARS, 6)
    return pl.DataFrame(
        {
            "ts": START + HOUR_MS * np.arange(N_BARS),
            "open": trades[:, 0],
            "high": trades.max(axis=1),
            "low": trades.min(axis=1),
            "close": trades[:, -1],
            "volume": np.ones(N_BARS),
        }
    ).with_columns(pl.col("ts").cast(TS))


@pytest.mark.parametrize("charged", [Costs(), Costs(slippage_bps=7.0), Costs(tick=0.8)])
@pytest.mark.parametrize("side", [1, -1])
def test_a_labels_net_outcome_is_that_of_its_trade(side, charged):
    bars, costs, spec = quoted(1), charged, BarrierSpec(horizon=9)
    labels = label_symbol(bars, HOUR, spec, costs)
    column = 0 if side > 0 else 1
    rows = np.flatnonzero(np.isfinite(labels.net[:, column]))[::11]
    decisions = pl.DataFrame({"symbol": "A", "start": labels.start[rows], "action": side}).with_columns(
        pl.col("start").cast(TS)
    )
    trades = simulate({"A": bars}, decisions, costs=costs, barriers=spec, start=START, end=END).trades
    assert set(trades["reason"].to_list()) == {"target", "stop", "time"}
    label = labels.net[np.searchsorted(labels.start, trades["decided"].dt.epoch("ms").to_numpy()), column]
    assert np.abs(trades["net_return"].to_numpy() - label).max() < 1e-12
    assert len(trades) > 100


def test_entries_stops_and_time_exits_pay_that_of_their_bars_and_targets_none():
    bars, costs = quoted(2), Costs(taker_bps=0.0, maker_bps=0.0)
    rate = dict(zip(ts_ms(bars).tolist(), slippage_of(bars, costs).tolist(), strict=True))
    start = START + HOUR_MS * np.arange(30, N_BARS - 30, 13)
    decisions = pl.DataFrame({"symbol": "A", "start": start, "action": 1}).with_columns(pl.col("start").cast(TS))
    spec = BarrierSpec(horizon=9)
    trades = simulate({"A": bars}, decisions, costs=costs, barriers=spec, start=START, end=END).trades
    for one in trades.to_dicts():
        entered = rate[to_ms(one["entry_ts"])] * one["notional_quote"]
        left = rate[to_ms(one["exit_ts"]) - HOUR_MS] * one["size_base"] * one["exit_price"]
        paid = entered + (0.0 if one["reason"] == "target" else left)
        assert one["slippage_quote"] == pytest.approx(paid, rel=1e-12)
        assert one["fees_quote"] == pytest.approx(0.0, abs=1e-9)
    assert len(set(rate.values())) == 5  # another one a month
    assert {"target", "stop", "time"} == set(trades["reason"].to_list())


def test_what_ranks_trade_pays_that_of_its_bar():
    market, costs = {"A": quoted(3), "B": quoted(4, spread=0.02)}, Costs(taker_bps=10.0)
    times = START + HOUR_MS * np.array([100, 1500, 2500])
    weights = np.array([[0.5, -0.5], [0.2, -0.9], [-0.5, 0.5]])
    one = simulate_targets(market, Targets(("A", "B"), times, weights), costs=costs, start=START, end=END)
    free = simulate_targets(
        market, Targets(("A", "B"), times, weights), costs=Costs(10.0, slippage_bps=0.0), start=START, end=END
    )
    assert one.trades["pnl_quote"].sum() == pytest.approx(one.equity["equity"][-1] - 10_000, rel=1e-9)
    first = one.trades.filter(pl.col("entry_ts").dt.epoch("ms") == times[0]).sort("symbol")
    for symbol, trade in zip("AB", first.to_dicts(), strict=True):
        rate, opens = slippage_of(market[symbol], costs), market[symbol]["open"].to_numpy()
        equity = [10_000, one.equity["equity"][1499]]
        sizes = [
            abs(w) * e / opens[row]
            for w, e, row in zip((0.5, (0.2, 0.9)["AB".index(symbol)]), equity, (100, 1500), strict=True)
        ]
        legs = [(100, sizes[0]), (1500, abs(sizes[1] - sizes[0])), (2500, sizes[1])]
        assert trade["slippage_quote"] == pytest.approx(
            sum(rate[row] * size * opens[row] for row, size in legs), rel=1e-9
        )
    assert one.equity["equity"][-1] < free.equity["equity"][-1]
    parts = cost_breakdown(one.trades, costs)
    assert parts.slippage == pytest.approx(one.trades["slippage_quote"].sum())
    assert parts.fees == pytest.approx(parts.traded * 10e-4)


def test_buying_and_holding_pays_at_both_ends():
    bars = quoted(5)
    held = buy_and_hold({"A": bars}, START + 2_000 * HOUR_MS, END)
    rate, trade = slippage_of(bars, Costs()), held.trades.row(0, named=True)
    paid = rate[2_000] * trade["notional_quote"] + rate[-1] * trade["size_base"] * trade["exit_price"]
    assert trade["slippage_quote"] == pytest.approx(paid) and rate[-1] > 1.3 * rate[2_000]


def test_an_instruments_tick_is_charged_by_half_at_least():
    bars, costs = quoted(7, spread=0.0), Costs(taker_bps=0.0, maker_bps=0.0)
    start = START + HOUR_MS * np.arange(1000, N_BARS - 30, 13)
    decisions = pl.DataFrame({"symbol": "A", "start": start, "action": 1}).with_columns(pl.col("start").cast(TS))
    wide = BarrierSpec(upper=50.0, lower=50.0, horizon=9)
    ticks = Instrument(tick=0.8)
    trades = simulate({"A": bars}, decisions, costs=costs, barriers=wide, start=START, end=END, instrument=ticks).trades
    assert trades["reason"].to_list() == ["time"] * len(trades)
    opens = bars["open"].to_numpy()[(trades["exit_ts"].dt.epoch("ms").to_numpy() - START) // HOUR_MS - 1]
    size = trades["size_base"].to_numpy()
    left = 0.4 / opens * size * trades["exit_price"].to_numpy()
    assert trades["slippage_quote"].to_numpy() == pytest.approx(0.4 * size + left)
    held = simulate_targets(
        {"A": bars},
        Targets(("A",), np.array([START + 1000 * HOUR_MS]), np.array([[0.5]])),
        costs=costs,
        start=START,
        end=END,
        instrument=ticks,
    )
    assert held.trades["slippage_quote"][0] > 0.79 * held.trades["size_base"][0]


def test_a_breakdown_of_trades_before_slippage_was_apart_takes_it_from_the_fees():
    bars = quoted(6)
    start = START + HOUR_MS * np.arange(30, N_BARS - 30, 13)
    decisions = pl.DataFrame({"symbol": "A", "start": start, "action": 1}).with_columns(pl.col("start").cast(TS))
    costs = Costs(slippage_bps=3.0)
    trades = simulate({"A": bars}, decisions, costs=costs, barriers=BarrierSpec(), start=START, end=END).trades
    old = trades.with_columns(
        fees_quote=pl.col("fees_quote") + pl.col("slippage_quote"), slippage_quote=pl.lit(None, pl.Float64)
    )
    now, then = cost_breakdown(trades, costs), cost_breakdown(old, costs)
    assert list(then.parts.values()) == pytest.approx(list(now.parts.values()), rel=1e-9)
    assert then.traded == pytest.approx(now.traded)
