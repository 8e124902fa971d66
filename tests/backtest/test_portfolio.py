"""Several symbols in one account: conservation, marking, the cap, and trades that are the labels' outcomes."""

import numpy as np
import polars as pl
import pytest
from tests.backtest.markets import decide, ragged_market, random_decisions
from tests.labels.hand_made import HOUR_MS, Row, bars_from, random_bars

from tradsys.backtest import PortfolioSpec, Simulation, buy_and_hold
from tradsys.backtest.simulate import simulate
from tradsys.core.costs import Costs, Instrument
from tradsys.core.errors import DataError
from tradsys.labels import BarrierSpec, triple_barrier

QUIET: Row = (100, 101, 99, 100)
END = 900 * HOUR_MS


def ragged(**options: object) -> tuple[dict[str, pl.DataFrame], Simulation]:
    market = ragged_market()
    settings = {
        "costs": Costs(slippage_bps=1.0, funding_bps_per_8h=3.0),
        "instrument": {"A": Instrument(0.25, 0.01), "B": Instrument(0.5, 0.1), "C": Instrument()},
        "portfolio": PortfolioSpec(fraction=0.6, cap=1.5),
        "barriers": BarrierSpec(horizon=6),
        "start": 100 * HOUR_MS,
        "end": END,
    } | options
    return market, simulate(market, random_decisions(market, 7), **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("side", [1, -1])
def test_every_label_is_the_trade_it_stands_for(side: int) -> None:
    bars, horizon = random_bars(700, 21), 6
    labels = triple_barrier(bars, upper=1.0, lower=1.5, horizon=horizon, side=side)
    decisions = bars.select(symbol=pl.lit("A"), start=pl.col("ts").dt.offset_by("1h"), action=pl.lit(side))
    spec = BarrierSpec(upper=1.0, lower=1.5, horizon=horizon)
    trades = pl.concat(  # every sixth decision is free to be taken: the trade before has ended by then
        simulate(
            {"A": bars},
            decisions.gather_every(horizon, k),
            costs=Costs(slippage_bps=0.0),
            barriers=spec,
            start=0,
            end=END,
        ).trades
        for k in range(horizon)
    ).sort("decided")
    for label, trade in {
        "start": "decided",
        "end": "exit_ts",
        "entry": "entry_price",
        "exit": "exit_price",
        "reason": "reason",
        "ambiguous": "ambiguous",
        "ret": "gross_return",
    }.items():
        assert labels[label].to_list() == trades[trade].to_list(), label
    assert len(labels) > 600


def test_what_the_trades_earned_is_what_the_account_gained() -> None:
    _, simulation = ragged()
    trades, equity = simulation.trades, simulation.equity["equity"]
    assert simulation.n_trades > 250
    assert trades["symbol"].n_unique() == 3
    assert trades["funding_quote"].abs().sum() > 0
    assert trades["pnl_quote"].sum() == pytest.approx(equity[-1] - 10_000, rel=1e-9)
    parts = trades["notional_quote"] * trades["gross_return"] - trades["fees_quote"] - trades["slippage_quote"]
    parts -= trades["funding_quote"]
    assert np.allclose(parts, trades["pnl_quote"], rtol=1e-12, atol=1e-9)
    assert np.prod(1 + simulation.daily) == pytest.approx(equity[-1] / 10_000, rel=1e-12)


def test_equity_is_the_trades_marked_at_every_close() -> None:
    market, simulation = ragged(costs=Costs(slippage_bps=0.0))
    grid = simulation.equity["ts"].dt.epoch("ms").to_numpy()
    expected = np.full(len(grid), 10_000.0)
    for trade in simulation.trades.to_dicts():
        closes = market[trade["symbol"]].select("ts", "close")
        marks = simulation.equity.select("ts").join_asof(closes, on="ts")["close"].to_numpy()
        entry, done = trade["entry_ts"].timestamp() * 1e3, trade["exit_ts"].timestamp() * 1e3 - HOUR_MS
        is_open, is_done = (grid >= entry) & (grid < done), grid >= done
        paid = trade["notional_quote"] * Costs(slippage_bps=0.0).taker
        gain = trade["side"] * trade["size_base"] * (marks - trade["entry_price"]) - paid
        expected += np.where(is_open, gain, 0.0) + np.where(is_done, trade["pnl_quote"], 0.0)
    assert np.allclose(simulation.equity["equity"], expected, rtol=1e-12)


def test_sizes_are_shares_of_the_equity_at_the_close_before() -> None:
    market = ragged_market()
    decisions = random_decisions(market, 7)
    simulation = simulate(
        market,
        decisions,
        costs=Costs(slippage_bps=0.0),
        portfolio=PortfolioSpec(fraction=0.3, cap=3.0),
        barriers=BarrierSpec(horizon=6),
        start=0,
        end=END,
    )
    before = simulation.equity.select(entry_ts="ts", before=pl.col("equity").shift(1, fill_value=10_000))
    joined = simulation.trades.join(before, on="entry_ts").join(
        decisions, left_on=["symbol", "decided"], right_on=["symbol", "start"]
    )
    assert len(joined) == simulation.n_trades
    assert np.allclose(joined["notional_quote"], 0.3 * joined["size"] * joined["before"], rtol=1e-12)


def test_no_symbol_holds_two_positions_at_once() -> None:
    _, simulation = ragged()
    for own in simulation.trades.partition_by("symbol"):
        assert (own["entry_ts"][1:] >= own["exit_ts"][:-1]).all()


def test_the_cap_bounds_what_is_open_together() -> None:
    _, simulation = ragged()
    gross = np.abs(simulation.position).sum(axis=0)
    assert gross.max() <= 1.5 + 1e-6
    assert gross.max() > 1.4
    assert (np.count_nonzero(simulation.position, axis=0) == 3).any()


def test_entries_at_the_same_open_share_what_the_cap_leaves() -> None:
    market = {name: bars_from([QUIET] * 8) for name in ("A", "B", "C")}
    decisions = decide(("A", 0, 1), ("B", 1, 1), ("C", 1, -1), size=0.8)
    free = Costs(taker_bps=0.0, maker_bps=0.0, slippage_bps=0.0)
    simulation = simulate(market, decisions, costs=free, start=0, end=8 * HOUR_MS)
    assert simulation.trades["notional_quote"].to_list() == pytest.approx([8000, 1000, 1000])
    full = simulate(market, decide(("A", 0, 1), ("B", 1, 1)), costs=free, start=0, end=8 * HOUR_MS)
    assert (full.n_trades, full.not_taken["no room"]) == (1, 1)


def test_the_order_of_symbols_and_decisions_changes_nothing() -> None:
    market, simulation = ragged()
    decisions = random_decisions(market, 7).sample(fraction=1.0, shuffle=True, seed=1)
    turned = simulate(
        dict(reversed(market.items())),
        decisions,
        costs=Costs(slippage_bps=1.0, funding_bps_per_8h=3.0),
        instrument={"A": Instrument(0.25, 0.01), "B": Instrument(0.5, 0.1), "C": Instrument()},
        portfolio=PortfolioSpec(fraction=0.6, cap=1.5),
        barriers=BarrierSpec(horizon=6),
        start=100 * HOUR_MS,
        end=END,
    )
    assert np.allclose(turned.equity["equity"], simulation.equity["equity"], rtol=1e-10)
    assert turned.position[::-1] == pytest.approx(simulation.position, abs=1e-6)


def test_bars_after_a_trade_do_not_change_it() -> None:
    market, simulation = ragged()
    cut = 500 * HOUR_MS
    changed = {
        name: bars.with_columns(
            pl.when(pl.col("ts").dt.epoch("ms") >= cut).then(pl.col(price) * 1.5).otherwise(price)
            for price in ("open", "high", "low", "close")
        )
        for name, bars in market.items()
    }
    again = simulate(
        changed,
        random_decisions(market, 7),
        costs=Costs(slippage_bps=1.0, funding_bps_per_8h=3.0),
        instrument={"A": Instrument(0.25, 0.01), "B": Instrument(0.5, 0.1), "C": Instrument()},
        portfolio=PortfolioSpec(fraction=0.6, cap=1.5),
        barriers=BarrierSpec(horizon=6),
        start=100 * HOUR_MS,
        end=END,
    )
    past = pl.col("exit_ts").dt.epoch("ms") <= cut
    assert again.trades.filter(past).equals(simulation.trades.filter(past))
    assert len(simulation.trades.filter(past)) > 100
    known = simulation.grid < cut
    assert np.array_equal(again.equity["equity"].to_numpy()[known], simulation.equity["equity"].to_numpy()[known])


def test_opens_are_carried_over_holes_and_positions_stay() -> None:
    rows = [(100 + i, 101 + i, 99 + i, 100 + i) for i in range(8)]
    holed = bars_from(rows).filter(pl.int_range(8).is_in([0, 3]).not_())
    market = {"A": bars_from(rows), "B": holed}
    simulation = simulate(
        market, decide(("B", 1, 1), distance=50.0), costs=Costs(slippage_bps=0.0), start=0, end=8 * HOUR_MS
    )
    assert simulation.opens[1].tolist() == [101, 101, 102, 102, 104, 105, 106, 107]
    assert (simulation.position[1] > 0).tolist() == [False, False, True, True, True, True, False, False]
    assert simulation.equity["equity"][2] == simulation.equity["equity"][3]


def test_buy_and_hold_gives_each_symbol_an_equal_share_from_its_first_open() -> None:
    rows = [(100, 101, 99, 100), (100, 121, 99, 120), (120, 121, 119, 120)]
    market = {"A": bars_from(rows), "B": bars_from([QUIET] * 3)}
    held = buy_and_hold(market, 0, 3 * HOUR_MS, costs=Costs(taker_bps=0.0, slippage_bps=0.0))
    assert held.equity["equity"].to_list() == pytest.approx([10_000, 11_000, 11_000])


def test_symbols_of_different_intervals_are_refused() -> None:
    market = {"A": bars_from([QUIET] * 3), "B": bars_from([QUIET] * 3, step_ms=60_000)}
    with pytest.raises(DataError, match="bars of one interval"):
        buy_and_hold(market, 0, HOUR_MS)


def test_a_ruined_account_trades_no_more() -> None:
    rows = [QUIET, QUIET, (250, 251, 249, 250), QUIET, QUIET, QUIET, QUIET]
    simulation = simulate(
        {"A": bars_from(rows)},
        decide(("A", 0, -1), ("A", 2, 1)),
        costs=Costs(slippage_bps=0.0),
        start=0,
        end=7 * HOUR_MS,
    )
    assert (simulation.n_trades, simulation.not_taken["no room"]) == (1, 1)
    assert simulation.equity["equity"][-1] == 0
    assert simulation.equity["exposure"].is_finite().all()
    assert np.isfinite(simulation.daily).all()
