"""Target weights as a portfolio: filled at the next opens, marked at every close, each stretch on one side a trade."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from tradsys.backtest.charges import Charges
from tradsys.backtest.decisions import UNSOLD
from tradsys.backtest.grid import Grid
from tradsys.backtest.margin_spec import LIQUIDATION, MarginSpec
from tradsys.backtest.rebalance_loop import LAST_BAR, LIQUIDATED, RebalancedPath, run_targets
from tradsys.backtest.simulate import Simulation, accounted
from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.bounds import demand_number
from tradsys.core.costs import Costs, Instrument
from tradsys.core.counts import check_counts
from tradsys.core.errors import DataError
from tradsys.core.frames import as_market
from tradsys.core.tables import Table
from tradsys.core.traded import NoVolume
from tradsys.labels.barriers import check_no_volume


@dataclass(frozen=True, slots=True)
class Targets:
    """Shares of equity with their side, `weights` (n_times, n_symbols), as decided at `times` (n_times,), ms."""

    symbols: tuple[str, ...]
    times: IntArray
    weights: FloatArray

    def __post_init__(self) -> None:
        if self.weights.shape != (len(self.times), len(self.symbols)) or not np.isfinite(self.weights).all():
            raise DataError("targets need a finite weight for every time and symbol; 0 holds nothing")
        if (np.diff(self.times) <= 0).any():
            raise DataError("targets must be in order of time, each time once")


def simulate_targets(
    market: Mapping[str, Table],
    targets: Targets,
    *,
    costs: Costs,
    start: int,
    end: int,
    instrument: Instrument = Instrument(),
    cash_quote: float = 10_000.0,
    margin: MarginSpec = MarginSpec(),
    delay: int = 0,
    no_volume: NoVolume = "lapse",
) -> Simulation:
    """Bring a portfolio to its targets at the first opens after each decision, inside [start, end) ms.

    Every change of a position pays the taker fee and slippage on what is traded, and what stays is only resized. What a
    symbol still holds at its last bar, because it was delisted or the time ends, is sold at that bar's close. A trade
    is a stretch on one side, which pays what `core.carry` says: its returns are fractions of the notional at its entry,
    whatever was added since. `margin` says when all is liquidated. With `delay` each rebalance comes so many bars of
    the grid later.

    In a bar without volume nothing is filled (`core.traded`): a symbol keeps what it held until the next decision, or
    with `no_volume="wait"` until its next bar with trades. What it holds at its last bar and nobody bought there is
    valued at that close, as reason `unsold`.
    """
    check_no_volume(no_volume)
    check_counts(0, delay=delay)
    demand_number("cash_quote", cash_quote, "10000 is the default", above=0.0)
    market = as_market(market, "simulate_targets")
    grid = Grid.of(market, start, end)
    if grid.symbols != targets.symbols:
        raise DataError(f"targets are for {', '.join(targets.symbols)}, the bars are of {', '.join(grid.symbols)}")
    inside = (targets.times >= start) & (targets.times <= grid.times[-1])
    times, weights = targets.times[inside], targets.weights[inside]
    place = np.searchsorted(grid.times, times) + delay
    in_time = place < len(grid.times)
    place, times, weights = place[in_time], times[in_time], weights[in_time]
    order_at = np.full(len(grid.times), -1)
    order_at[place] = np.arange(len(times))  # of several before one bar the last counts
    charges = Charges.on_grid(market, costs, grid, [instrument] * len(grid.symbols))
    path = run_targets(
        weights,
        order_at,
        grid.row_at,
        np.where(grid.window[:, 1] > grid.window[:, 0], grid.window[:, 1] - 1, -1),
        grid.prices,
        grid.traded.is_traded,
        no_volume == "wait",
        np.full(len(grid.symbols), instrument.lot),
        np.full(len(grid.symbols), instrument.min_notional),
        charges.carry,
        costs.taker,
        charges.slippage,
        cash_quote,
        margin.maintenance,
        margin.liquidation_fee,
    )
    not_taken = {"no volume": path.n_no_volume, "too small": path.n_too_small}
    return replace(
        accounted(grid, costs, cash_quote, path, _trades(path, grid, times), not_taken), n_orders=path.n_orders
    )


def _trades(path: RebalancedPath, grid: Grid, times: IntArray) -> pl.DataFrame:
    held = path.holdings
    order = np.lexsort((held.symbol, grid.ts[held.entry_row]))
    symbol, entry_row, exit_row = held.symbol[order], held.entry_row[order], held.exit_row[order]
    is_last, is_liquidated = held.reason[order] == LAST_BAR, held.reason[order] == LIQUIDATED
    left = np.where(is_liquidated, grid.times[held.liquidated[order]], grid.ts[exit_row])
    ends_after = is_last | is_liquidated  # inside its bar or at the close of it, not at an open
    notional = np.abs(held.size_base[order]) * held.entry_price[order]
    fees, slippage, funding = held.fees[order], held.slippage[order], held.funding[order]
    borrow, pnl = held.borrow[order], held.pnl[order]
    return pl.DataFrame(
        {
            "symbol": pl.Series(grid.symbols, dtype=pl.String).gather(symbol),
            "side": np.sign(held.size_base[order]).astype(np.int8),
            "decided": times[held.order[order]],
            "entry_ts": grid.ts[entry_row],
            "exit_ts": left + np.where(ends_after, grid.bar_ms, 0),
            "entry_price": held.entry_price[order],
            "exit_price": held.exit_price[order],
            "reason": np.select(
                [is_liquidated, is_last & ~grid.traded.is_traded[exit_row], is_last],
                [LIQUIDATION, UNSOLD, "last bar"],
                "rebalanced",
            ),
            "ambiguous": np.zeros(len(order), bool),
            "size_base": np.abs(held.size_base[order]),
            "notional_quote": notional,
            "gross_return": (pnl + fees + slippage + funding + borrow) / notional,
            "fees_quote": fees,
            "slippage_quote": slippage,
            "funding_quote": funding,
            "borrow_quote": borrow,
            "pnl_quote": pnl,
            "net_return": pnl / notional,
            "bars_held": exit_row - entry_row + ends_after,
        }
    ).with_columns(pl.lit(None, pl.Float64).alias("target"), pl.lit(None, pl.Float64).alias("stop"))
