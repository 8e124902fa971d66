"""Entries as limit orders: where one rests, for how long, and what entering costs."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.bounds import demand_number
from tradsys.core.costs import Costs
from tradsys.core.counts import check_counts
from tradsys.core.errors import ConfigError

type EntryKind = Literal["market", "limit"]
"""How a decision becomes a position: at the market at the next open, or by a limit order that rests in the book."""

MOST_BARS: Final = 1_000
"""More bars than any order rests, and so a slip."""

_TICK_SLACK = 1e-6
"""A price this little off a tick, in ticks, is on it: prices on a grid of ticks are off it in binary."""

_DECIMALS = 10
"""What a price on a tick is rounded to, as bars have it: 993 * 0.1 is above 99.3, and its touch would be a fill."""


@dataclass(frozen=True, slots=True)
class LimitEntry:
    """An entry that rests in the book from the next open on, and lapses when `bars` bars have closed without a fill.

    Its price is that open, less (for a long) `offset` of the distance to the stop: 0 rests at the open, 0.1 a tenth of
    the way to the stop inside it. Only a bar that trades through the price fills it, and at that price: at a touch
    others may have come first. It pays the maker fee and no slippage.
    """

    offset: float = 0.0
    bars: int = 1

    def __post_init__(self) -> None:
        demand_number("entry_offset", self.offset, "0 rests at the open, 0.1 a tenth of the way to the stop", least=0.0)
        if not self.offset < 1:
            raise ConfigError(
                f"entry_offset must be below 1, where the stop is, was {self.offset}; 0 rests at the open"
            )
        check_counts(entry_bars=self.bars)
        if self.bars > MOST_BARS:
            raise ConfigError(f"entry_bars must be at most {MOST_BARS}, was {self.bars}; 1 lapses with the next bar")

    def price(
        self,
        opened: FloatArray | float,
        side: IntArray | int,
        stop_distance: FloatArray | float,
        tick: FloatArray | float = 0.0,
    ) -> FloatArray:
        """Where orders rest, given the open they are sent at; on a tick, never nearer to the market than was asked.

        All broadcast against each other.

        >>> LimitEntry(offset=0.25).price(100.0, np.array([1, -1]), 2.0, 0.2)
        array([ 99.4, 100.6])
        """
        wanted = np.asarray(opened - side * (self.offset * np.asarray(stop_distance)), np.float64)
        step = np.where(np.asarray(tick) > 0, tick, 1.0)
        ticks = wanted / step
        whole = np.where(np.asarray(side) > 0, np.floor(ticks + _TICK_SLACK), np.ceil(ticks - _TICK_SLACK))
        return np.where(np.asarray(tick) > 0, np.round(whole * step, _DECIMALS), wanted)

    def rests_until(self, first: IntArray, last: IntArray) -> IntArray:
        """The last row in which orders sent at the opens of `first` rest: never beyond the trade's time limit."""
        return np.minimum(first + (self.bars - 1), last)


def entry_cost[S: (float, FloatArray)](entry: LimitEntry | None, costs: Costs, slippage: S) -> S:
    """What entering costs, a fraction of the notional: at the market the taker fee and slippage, resting the maker fee.

    Of the same shape as `slippage`.
    """
    return costs.taker + slippage if entry is None else costs.maker + 0.0 * slippage
