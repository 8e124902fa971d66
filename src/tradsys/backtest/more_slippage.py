"""What a simulation's trades would have made at more slippage, and at how much more they would have made nothing."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from tradsys.backtest.block_sums import circular_block_sums, percentile_interval
from tradsys.backtest.decisions import UNSOLD
from tradsys.backtest.margin_spec import LIQUIDATION
from tradsys.backtest.metrics import BLOCK_DAYS, N_BOOTSTRAP, Measured
from tradsys.backtest.simulate import Simulation
from tradsys.core.arrays import FloatArray
from tradsys.core.costs import Costs
from tradsys.core.time import DAY_MS

MORE_BPS = (1.0, 2.0, 5.0)
"""Basis points a market order more than was charged."""


@dataclass(frozen=True, slots=True)
class SlippageLevel:
    """The trades at `more_bps` above what was charged: profit in quote at the sizes traded, and the mean net return."""

    more_bps: float
    profit: float
    net: Measured


@dataclass(frozen=True, slots=True)
class MoreSlippage:
    """`break_even_bps` more a market order leave nothing of the profit (negative: there is none as it is)."""

    break_even_bps: Measured
    levels: tuple[SlippageLevel, ...]


def at_market(trades: pl.DataFrame, costs: Costs, *, has_resting_entries: bool = False) -> FloatArray:
    """What each trade bought and sold with market orders, quote, (n_trades,).

    No entries where those rested in the book (`has_resting_entries`).

    A target rests in the book, and a liquidation is the venue's. What was resized on the way follows from its fees.
    """
    exits = (trades["size_base"] * trades["exit_price"]).to_numpy()
    left = np.where(trades["reason"].is_in(["target", LIQUIDATION]), 0.0, exits)
    if has_resting_entries:
        return left
    ends = trades["notional_quote"].to_numpy() + left
    if costs.taker == 0:
        return np.asarray(ends)
    is_resized = trades["reason"].is_in(["rebalanced", "last bar", UNSOLD]).to_numpy()
    return np.where(is_resized, trades["fees_quote"].to_numpy() / costs.taker, ends)


def more_slippage(simulation: Simulation, *, seed: int) -> MoreSlippage | None:
    """None where nothing was traded at the market.

    Sizes stay as they were traded. Intervals are percentiles of a circular block bootstrap of days, in which a trade
    belongs to the day of its exit.
    """
    trades = simulation.trades
    taken = at_market(trades, simulation.costs, has_resting_entries=simulation.entry is not None)
    if taken.sum() <= 0:
        return None
    pnl, net = trades["pnl_quote"].to_numpy(), trades["net_return"].to_numpy()
    share = taken / trades["notional_quote"].to_numpy()
    day = (trades["exit_ts"].dt.epoch("ms").to_numpy() - 1) // DAY_MS - simulation.days[0]
    columns = (np.ones(len(pnl)), pnl, taken, net, share)
    sums = np.column_stack([np.bincount(day, weights=one, minlength=len(simulation.days)) for one in columns])
    drawn = circular_block_sums(sums, block_days=BLOCK_DAYS, n_draws=N_BOOTSTRAP, seed=seed)
    n, profit, turnover, earned, shares = drawn.T

    def measured(value: float, draws: FloatArray) -> Measured:
        return Measured(value, len(pnl), *percentile_interval(draws))

    with np.errstate(divide="ignore", invalid="ignore"):
        even = measured(float(pnl.sum() / taken.sum()) * 1e4, profit / turnover * 1e4)
        levels = tuple(
            SlippageLevel(
                more_bps=more,
                profit=float(pnl.sum() - more / 1e4 * taken.sum()),
                net=measured(float((net - more / 1e4 * share).mean()), (earned - more / 1e4 * shares) / n),
            )
            for more in MORE_BPS
        )
    return MoreSlippage(even, levels)
