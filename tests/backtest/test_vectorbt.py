"""The kernel's account against vectorbt's, to the cent; runs where the extra is installed."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.backtest.markets import ragged_market, random_decisions
from tests.backtest.test_no_volume import rarely_traded
from tests.labels.hand_made import HOUR_MS

from tradsys.backtest import PortfolioSpec
from tradsys.backtest.margin_spec import MarginSpec
from tradsys.backtest.simulate import Simulation, simulate
from tradsys.backtest.vectorbt import portray, sharpe_sentence
from tradsys.core.costs import Costs, Instrument
from tradsys.core.limit_entry import LimitEntry
from tradsys.core.traded import NoVolume
from tradsys.labels import BarrierSpec

pytest.importorskip("vectorbt", reason="the [vectorbt] extra is not installed")

CENT = 0.005


def side_by_side(simulation: Simulation, market: Mapping[str, pl.DataFrame]) -> tuple[Any, pl.DataFrame, pl.DataFrame]:
    """vectorbt's portfolio, its trades, and ours."""
    portfolio = portray(simulation, market)
    theirs = pl.from_dicts(portfolio.trades.records.to_dict("records")).sort("entry_idx", "col")
    return portfolio, theirs, simulation.trades


@pytest.mark.slow
@pytest.mark.parametrize("funding", [0.0, 2.0])
def test_every_trade_and_the_final_value_agree_to_the_cent(funding: float) -> None:
    market = ragged_market()
    simulation = simulate(
        market,
        random_decisions(market, 3),
        costs=Costs(slippage_bps=0.5, funding_bps_per_8h=funding),
        instrument=Instrument(tick=0.25, lot=0.01),
        portfolio=PortfolioSpec(fraction=0.7, cap=1.6),
        barriers=BarrierSpec(horizon=6),
        start=100 * HOUR_MS,
        end=900 * HOUR_MS,
    )
    portfolio, theirs, ours = side_by_side(simulation, market)
    assert len(theirs) == len(ours) > 250
    assert (ours["bars_held"] == 1).sum() > 10  # entered and left within one bar
    assert np.abs(theirs["pnl"] - ours["pnl_quote"]).max() < CENT
    paid = ours["fees_quote"] + ours["slippage_quote"] + ours["funding_quote"]
    assert np.abs(theirs["entry_fees"] + theirs["exit_fees"] - paid).max() < CENT
    assert float(portfolio.final_value()) == pytest.approx(simulation.equity["equity"][-1], abs=CENT)
    if not funding:  # vectorbt books it with the exit, the kernel when it is settled
        value = portfolio.value().to_numpy()[1::2]
        assert np.abs(value - simulation.equity["equity"].to_numpy()).max() < CENT
    assert float(portfolio.init_cash) == 10_000
    theirs, ours = re.findall(r"-?\d+\.\d\d", sharpe_sentence(simulation, portfolio))
    assert float(theirs) == pytest.approx(float(ours), abs=0.011)


@pytest.mark.slow
@pytest.mark.parametrize("no_volume", ["lapse", "wait"])
def test_trades_on_bars_that_are_rarely_traded_agree_to_the_cent(no_volume: NoVolume) -> None:
    market = {name: rarely_traded(900, seed, 0.4) for seed, name in enumerate(("A", "B"))}
    simulation = simulate(
        market,
        random_decisions(market, 3),
        costs=Costs(slippage_bps=0.5),
        portfolio=PortfolioSpec(fraction=0.7, cap=1.6, no_volume=no_volume),
        barriers=BarrierSpec(horizon=6),
        start=100 * HOUR_MS,
        end=900 * HOUR_MS,
    )
    portfolio = portray(simulation, market)
    theirs = pl.from_dicts(portfolio.trades.records.to_dict("records")).sort("entry_idx", "col")
    assert len(theirs) == simulation.n_trades > 150
    assert np.abs(theirs["pnl"] - simulation.trades["pnl_quote"]).max() < CENT
    assert (simulation.trades["bars_held"] > 6).any()  # left by time later than its horizon
    assert float(portfolio.final_value()) == pytest.approx(simulation.equity["equity"][-1], abs=CENT)


def test_liquidated_trades_and_a_ruin_agree_to_the_cent_too() -> None:
    market = ragged_market()
    simulation = simulate(
        market,
        random_decisions(market, 3),
        costs=Costs(slippage_bps=0.5),
        portfolio=PortfolioSpec(fraction=40.0, cap=120.0, margin=MarginSpec(liquidation_fee_bps=10.0)),
        barriers=BarrierSpec(horizon=6),
        start=100 * HOUR_MS,
        end=900 * HOUR_MS,
    )
    assert simulation.ruin is not None
    portfolio = portray(simulation, market)
    theirs = pl.from_dicts(portfolio.trades.records.to_dict("records")).sort("entry_idx", "col")
    assert (simulation.trades["reason"] == "liquidation").any()
    assert np.abs(theirs["pnl"] - simulation.trades["pnl_quote"]).max() < CENT
    assert float(portfolio.final_value()) == pytest.approx(0.0, abs=CENT)


def test_trades_that_were_entered_by_limit_orders_agree_to_the_cent() -> None:
    market = ragged_market()
    simulation = simulate(
        market,
        random_decisions(market, 3),
        costs=Costs(slippage_bps=0.5),
        portfolio=PortfolioSpec(fraction=0.3, entry=LimitEntry(0.2, 2)),
        barriers=BarrierSpec(horizon=6),
        start=100 * HOUR_MS,
        end=900 * HOUR_MS,
    )
    portfolio, theirs, ours = side_by_side(simulation, market)
    assert len(theirs) == len(ours) > 150
    assert np.abs(theirs["pnl"] - ours["pnl_quote"]).max() < CENT
    assert float(portfolio.final_value()) == pytest.approx(simulation.equity["equity"][-1], abs=CENT)
