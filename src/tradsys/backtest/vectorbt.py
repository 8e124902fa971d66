"""A second opinion: the kernel's trades as a vectorbt portfolio, for its accounting, `stats()` and plots.

Needs the `[vectorbt]` extra. Research only: nothing else imports this file.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from tradsys.backtest.grid import Grid
from tradsys.backtest.simulate import Simulation
from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.costs import Costs
from tradsys.core.errors import ConfigError
from tradsys.core.limit_entry import entry_cost
from tradsys.core.slippage import slippage_of
from tradsys.core.time import DAY_MS, DAYS_A_YEAR, to_ms

if TYPE_CHECKING:
    from vectorbt import Portfolio

_AMPLE = 1e3
"""Cash while filling, in multiples of the capital: vectorbt knows no margin and refuses what cash cannot buy."""


def portray(simulation: Simulation, market: Mapping[str, pl.DataFrame]) -> "Portfolio":
    """The simulation's trades through `vectorbt.Portfolio.from_orders`, one group that shares its cash.

    Every bar becomes two rows, its open and its close, so that a trade may begin and end within one bar: entries fill
    at the open's row, exits at the close's row at the price of the exit. Fees go leg by leg; funding and
    borrowing are booked with the exit. `market` is that of the simulation.
    """
    try:
        import pandas as pd  # type: ignore[import-untyped]  # ships no types; comes with vectorbt
        from vectorbt import Portfolio
    except ImportError as error:
        raise ConfigError(
            "portraying trades needs vectorbt, which is not installed; uv pip install 'tradsys[vectorbt]' adds it"
        ) from error
    trades, costs = simulation.trades, simulation.costs
    opens = simulation.equity["ts"]
    own = {symbol: market[symbol] for symbol in simulation.symbols}
    grid = Grid.of(own, to_ms(opens[0]), to_ms(opens[-1]) + simulation.bar_ms)
    numbers = dict(zip(grid.symbols, range(len(grid.symbols)), strict=True))
    column = trades["symbol"].replace_strict(numbers, return_dtype=pl.Int64).to_numpy()
    entry_row = 2 * _row(grid, trades["entry_ts"], 0)
    exit_row = 2 * _row(grid, trades["exit_ts"], grid.bar_ms) + 1
    signed_size = (trades["side"] * trades["size_base"]).to_numpy()
    at_exit = (trades["size_base"] * trades["exit_price"]).to_numpy()
    entry_fee = entry_cost(simulation.entry, costs, _slippage_at_entry(trades, own, costs))
    paid = (trades["fees_quote"] + trades["slippage_quote"]).to_numpy()
    at_entry = trades["notional_quote"].to_numpy()
    exit_fee = np.divide(paid - entry_fee * at_entry, at_exit, out=np.zeros(len(paid)), where=at_exit > 0)

    def table(at_entry: FloatArray | float, at_exit: FloatArray, elsewhere: float) -> FloatArray:
        values = np.full((2 * len(grid.times), len(grid.symbols)), elsewhere)
        values[entry_row, column], values[exit_row, column] = at_entry, at_exit
        return values

    marks = np.stack([grid.forward_filled(grid.prices.open), grid.forward_filled(grid.prices.close)], axis=2)
    index = pd.to_datetime(np.stack([grid.times, grid.times + grid.bar_ms - 1], axis=1).ravel(), unit="ms", utc=True)
    portfolio = Portfolio.from_orders(
        close=pd.DataFrame(marks.reshape(len(grid.symbols), -1).T, index=index, columns=list(grid.symbols)),
        size=table(signed_size, -signed_size, np.nan),
        price=table(trades["entry_price"].to_numpy(), trades["exit_price"].to_numpy(), np.nan),
        fees=table(entry_fee, exit_fee, 0.0),
        fixed_fees=table(0.0, (trades["funding_quote"] + trades["borrow_quote"]).to_numpy(), 0.0),
        init_cash=_AMPLE * simulation.cash_quote,
        cash_sharing=True,
        group_by=True,
        raise_reject=True,
        allow_partial=False,
        freq=pd.Timedelta(milliseconds=grid.bar_ms) / 2,
    )
    return portfolio.replace(init_cash=np.array([simulation.cash_quote]))


def _slippage_at_entry(trades: pl.DataFrame, market: Mapping[str, pl.DataFrame], costs: Costs) -> FloatArray:
    """What each trade's entry paid beside its fee, a fraction of its notional, (n_trades,)."""
    known = pl.concat(
        bars.select("ts", symbol=pl.lit(symbol), slippage=pl.Series(slippage_of(bars, costs)))
        for symbol, bars in market.items()
    )
    entered = trades.join(
        known, left_on=["symbol", "entry_ts"], right_on=["symbol", "ts"], how="left", maintain_order="left"
    )
    return entered["slippage"].to_numpy()


def sharpe_sentence(simulation: Simulation, portfolio: "Portfolio") -> str:
    """Why vectorbt's Sharpe ratio is another one than ours, and that the equity behind both is the same."""
    value = np.append(simulation.cash_quote, portfolio.value().to_numpy()[1::2])
    day = simulation.equity["ts"].dt.epoch("ms").to_numpy() // DAY_MS
    ends = value[np.searchsorted(day, simulation.days, side="right")]
    before = np.append(simulation.cash_quote, ends[:-1])
    theirs = sharpe_ratio(np.divide(ends, before, out=np.ones(len(ends)), where=before > 0) - 1.0)
    ours = sharpe_ratio(simulation.daily)
    return (
        "vectorbt's Sharpe and Sortino ratios are of the returns of every half bar, the kernel's of whole days: of "
        f"daily returns vectorbt's equity has a Sharpe ratio of {theirs:.2f}, the kernel's {ours:.2f}"
    )


def sharpe_ratio(daily: FloatArray) -> float:
    """Of daily returns, a year of 365 days; NaN where they do not vary."""
    deviation = float(daily.std(ddof=1)) if len(daily) > 1 else 0.0
    return float(daily.mean()) / deviation * float(np.sqrt(DAYS_A_YEAR)) if deviation > 0 else float("nan")


def _row(grid: Grid, times: pl.Series, offset_ms: int) -> IntArray:
    return np.searchsorted(grid.times, times.dt.epoch("ms").to_numpy() - offset_ms)
