"""Limit entries that nobody filled, and what they would have earned: the price of waiting for a better one.

Orders are missed where the price runs away in the direction that was forecast, so that what is filled is worse than
what was decided (adverse selection). Whoever shows the fees that are saved must show this beside them.
"""

import numpy as np
import polars as pl

from tradsys.backtest.charges import Charges
from tradsys.backtest.decisions import Orders
from tradsys.backtest.grid import Grid
from tradsys.core.arrays import IntArray
from tradsys.core.bars import TS
from tradsys.core.carry import held
from tradsys.core.costs import Costs
from tradsys.labels.kernel import PESSIMISTIC, TARGET, TIME, no_fine_bars, walk_traded


def missed_trades(grid: Grid, orders: Orders, chosen: IntArray, costs: Costs, charges: Charges) -> pl.DataFrame:
    """What the chosen orders would have earned at the market: entered at the open that they were sent at.

    A row an order: `symbol, side, decided, exit_ts, gross_return, net_return`, fractions of the notional at entry; the
    barriers stand at the same distances from that open, and a market order's fee and slippage are paid.
    """
    symbol, side, first, last = (rows[chosen] for rows in (orders.symbol, orders.side, orders.first, orders.last))
    price, target, stop = (prices[chosen] for prices in (orders.entry, orders.target, orders.stop))
    opened = grid.prices.open[first]
    moved = opened - price
    until = grid.window[symbol, 1] - 1
    exits = walk_traded(
        grid.prices, grid.traded, no_fine_bars(), first, last, side, target + moved, stop + moved, PESSIMISTIC, until
    )
    is_unsold = (exits.reason == TIME) & ~grid.traded.is_traded[exits.row]
    is_inside = (exits.reason != TIME) | ((exits.row > last) & ~is_unsold)
    funding, borrow = held(charges.carry, side, first, exits.row, is_inside)
    at_market = costs.taker + charges.slippage
    gross = side * (exits.price / opened - 1.0)
    leaving = np.where(exits.reason == TARGET, costs.maker, at_market[exits.row]) * (exits.price / opened)
    return pl.DataFrame(
        {
            "symbol": pl.Series(grid.symbols, dtype=pl.String).gather(symbol),
            "side": side.astype(np.int8),
            "decided": orders.decided[chosen],
            "exit_ts": grid.ts[exits.row] + grid.bar_ms,
            "gross_return": gross,
            "net_return": gross - at_market[first] - leaving - (funding + borrow) / opened,
        }
    ).with_columns(pl.col("decided", "exit_ts").cast(TS))
