"""What the costs come to on a grid of bars: of holding a position, and of a market order beside its fee."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, Self

import numpy as np
import polars as pl

from tradsys.backtest.decisions import Orders
from tradsys.backtest.grid import Grid
from tradsys.core.arrays import FloatArray
from tradsys.core.carry import Carry, carry_of, end_to_end
from tradsys.core.costs import Costs, Instrument
from tradsys.core.slippage import slippage_of
from tradsys.labels.kernel import TARGET, Exits


class Charges(NamedTuple):
    """In the rows of a grid, symbol after symbol: the carry, and slippage as a fraction of the notional, (n_rows,)."""

    carry: Carry
    slippage: FloatArray

    @classmethod
    def on_grid(
        cls, market: Mapping[str, pl.DataFrame], costs: Costs, grid: Grid, instruments: Sequence[Instrument]
    ) -> Self:
        """Of the bars that the grid was made of; slippage that is estimated knows each symbol's tick."""
        ticks = (max(costs.tick, one.tick) for one in instruments)
        return cls(
            end_to_end(carry_of(bars, costs, grid.bar_ms) for bars in market.values()),
            np.concatenate(
                [slippage_of(bars, replace(costs, tick=t)) for bars, t in zip(market.values(), ticks, strict=True)]
            ),
        )


class SlippageOfOrders(NamedTuple):
    """Slippage of entering and of leaving, fractions of the notional there, (n_orders,) each."""

    entry: FloatArray
    exit: FloatArray

    @classmethod
    def of(cls, orders: Orders, exits: Exits, slippage: FloatArray) -> Self:
        """That of the bars in which an order is filled and left; what rests in the book pays none."""
        entered = np.zeros(len(orders)) if orders.rests_until is not None else slippage[exits.entry]
        return cls(entered, np.where(exits.reason == TARGET, 0.0, slippage[exits.row]))
