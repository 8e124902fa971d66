"""Funding and borrowing in the account: a label's net outcome is the trade's, and the two books agree."""

import numpy as np
import polars as pl
import pytest
from tests.core.test_carry import with_funding
from tests.labels.hand_made import HOUR_MS, random_bars

from tradsys.backtest.rebalance import Targets, simulate_targets
from tradsys.backtest.simulate import buy_and_hold, simulate
from tradsys.core.costs import Costs
from tradsys.data.simulate.market import HOUR
from tradsys.labels import BarrierSpec
from tradsys.research.walk.dataset import label_symbol

END = 900 * HOUR_MS
COSTS = Costs(slippage_bps=1.0, borrow_bps_per_year=800.0)


def funded(n_bars=900, seed=0, hours=4, missing=0.0):
    bars = random_bars(n_bars, 21 + seed, missing=missing)
    times = (np.arange(0, n_bars, hours) * HOUR_MS).astype(np.int64)
    return with_funding(bars, times, np.random.default_rng(seed).normal(1e-4, 5e-4, len(times)))


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("missing", [0.0, 0.05])
@pytest.mark.parametrize("hours", [8, 1, 0.25, 0])
def test_a_labels_net_outcome_is_the_trades_to_1e_12(side, missing, hours):
    """`hours` 0: the constant of the costs; 0.25: three of four settlements lie inside a bar."""
    horizon = 11
    bars = funded(hours=hours, missing=missing) if hours else random_bars(900, 21, missing=missing)
    costs = COSTS if hours else Costs(borrow_bps_per_year=800.0, funding_bps_per_8h=30.0, slippage_bps=0.0)
    spec = BarrierSpec(upper=1.5, lower=2.0, horizon=horizon)
    labels = label_symbol(bars, HOUR, spec, costs)
    decisions = bars.select(symbol=pl.lit("A"), start=pl.col("ts").dt.offset_by("1h"), action=pl.lit(side))
    trades = pl.concat(
        simulate({"A": bars}, decisions.gather_every(horizon, k), costs=costs, barriers=spec, start=0, end=END).trades
        for k in range(horizon)
    ).sort("decided")
    rows = np.searchsorted(labels.start, trades["decided"].dt.epoch("ms").to_numpy())
    apart = labels.net[rows, 0 if side > 0 else 1] - trades["net_return"].to_numpy()
    assert np.abs(apart).max() < 1e-12
    assert len(trades) > 600
    assert trades["funding_quote"].abs().sum() > 100
    assert (trades["borrow_quote"] > 0).all() == (side < 0)


def test_what_the_trades_paid_is_what_the_account_lost():
    market = {"A": funded(seed=1, missing=0.05), "B": funded(seed=2, hours=8)}
    rng = np.random.default_rng(4)
    decisions = pl.concat(
        bars.select(
            symbol=pl.lit(name),
            start=pl.col("ts").dt.offset_by("1h"),
            action=pl.Series(rng.choice([-1, 1], len(bars)).astype(np.int8)),
        )
        for name, bars in market.items()
    )
    one = simulate(market, decisions, costs=COSTS, barriers=BarrierSpec(horizon=9), start=0, end=END)
    trades = one.trades
    parts = trades["notional_quote"] * trades["gross_return"]
    for name in ("fees_quote", "slippage_quote", "funding_quote", "borrow_quote"):
        assert trades[name].abs().sum() > 1
        parts -= trades[name]
    assert np.allclose(parts, trades["pnl_quote"], rtol=1e-12, atol=1e-9)
    assert trades["pnl_quote"].sum() == pytest.approx(one.equity["equity"][-1] - 10_000, rel=1e-9)


@pytest.mark.parametrize("hours", [4, 0.25])
def test_target_weights_pay_by_what_is_held_at_each_settlement(hours):
    market = {"A": funded(seed=1, hours=hours), "B": funded(seed=2, hours=hours)}
    times = np.arange(20, 800, 37) * HOUR_MS
    weights = np.random.default_rng(0).normal(0, 0.4, (len(times), 2))
    costs = Costs(taker_bps=0.0, maker_bps=0.0, borrow_bps_per_year=800.0, slippage_bps=0.0)
    one = simulate_targets(market, Targets(("A", "B"), times, weights), costs=costs, start=0, end=END)
    free = {name: bars.select("ts", "open", "high", "low", "close", "volume") for name, bars in market.items()}
    none = simulate_targets(
        free, Targets(("A", "B"), times, weights), costs=Costs(0.0, 0.0, slippage_bps=0.0), start=0, end=END
    )
    assert none.trades["funding_quote"].to_list() == none.trades["borrow_quote"].to_list() == [0.0] * len(none.trades)
    trades = one.trades
    assert trades["pnl_quote"].sum() == pytest.approx(one.equity["equity"][-1] - 10_000, rel=1e-9)
    assert trades.filter(pl.col("side") > 0)["borrow_quote"].sum() == 0.0
    lost = none.equity["equity"][-1] - one.equity["equity"][-1]
    assert lost == pytest.approx(trades["funding_quote"].sum() + trades["borrow_quote"].sum(), rel=0.2)
    # a single order, by hand: no resizing, so each settlement is size x open x rate
    first = simulate_targets(market, Targets(("A", "B"), times[:1], weights[:1]), costs=costs, start=0, end=END)
    bars, size = market["A"], first.trades["size_base"][0] * first.trades["side"][0]
    after = bars["ts"].dt.epoch("ms") > times[0]
    paid = (bars["open"] * bars["funding_due"]).filter(after).sum() * size
    paid += (bars["open"] * bars["funding_within"]).filter(bars["ts"].dt.epoch("ms") >= times[0]).sum() * size
    assert first.trades["funding_quote"][0] == pytest.approx(paid, rel=1e-12)


def test_buy_and_hold_pays_funding_too():
    bars = funded(seed=3)
    held = buy_and_hold({"A": bars}, 0, END, costs=Costs(slippage_bps=0.0))
    size = held.trades["size_base"][0]
    assert held.trades["funding_quote"][0] == pytest.approx((bars["open"] * bars["funding_due"])[1:].sum() * size)


def test_trades_have_all_columns_whatever_they_paid_and_however_they_came_about():
    market = {"A": random_bars(50, 1)}
    bought = buy_and_hold(market, 0, END).trades
    held = Targets(("A",), np.array([5 * HOUR_MS]), np.array([[0.5]]))
    rebalanced = simulate_targets(market, held, costs=Costs(slippage_bps=0.0), start=0, end=END).trades
    assert bought["borrow_quote"].to_list() == bought["funding_quote"].to_list() == [0.0]
    assert bought.schema == rebalanced.schema
    assert rebalanced["target"].to_list() == rebalanced["stop"].to_list() == [None]
