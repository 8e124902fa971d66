"""What it costs to hold a position: funding settled on the way and borrowing by the time, for labels and trades alike.

Who entered at an open has left the settlement at that very time to others, and whoever leaves at a close is gone before
the one at that close; an open that is reached while holding has been held through, even if the position ends in that
bar. Where a barrier ends it somewhere inside a bar, the settlements inside that bar count if they cost and do not if
they pay. Notional is taken at the open of the bar that pays. Borrowing runs from the entry's open to the close of the
exit's bar.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import polars as pl

from tradsys.core.arrays import BoolArray, FloatArray, IntArray
from tradsys.core.costs import Costs
from tradsys.core.funding import funding_of
from tradsys.core.time import YEAR_MS, ts_ms


class Carry(NamedTuple):
    """Quote that one unit of the base costs in each bar, (n_rows,): up to its open (`due`), and after it (`within`).

    Funding is what a long pays and a short receives; borrowing is what a short pays.
    """

    funding_due: FloatArray
    funding_within: FloatArray
    borrow_due: FloatArray
    borrow_within: FloatArray


def carry_of(bars: pl.DataFrame, costs: Costs, bar_ms: int) -> Carry:
    """One symbol's carry, from its funding columns or the constant of the costs, and the costs' rate of borrowing."""
    funding = funding_of(bars, costs, bar_ms)
    ts, price = ts_ms(bars), bars["open"].to_numpy().astype(np.float64)
    per_ms = costs.borrow_bps_per_year / 1e4 / YEAR_MS
    waited = np.append(0, np.diff(ts) - bar_ms)[: len(ts)]
    return Carry(funding.due * price, funding.within * price, per_ms * waited * price, per_ms * bar_ms * price)


def end_to_end(carries: Iterable[Carry]) -> Carry:
    """Several symbols' carry, one after the other."""
    return Carry(*(np.concatenate(parts) for parts in zip(*carries, strict=True)))


def held(
    carry: Carry, side: int | IntArray, first: IntArray, last: IntArray, is_inside: BoolArray
) -> tuple[FloatArray, FloatArray]:
    """Funding and borrowing in quote per unit of base, (n_positions,) each, from the open of row `first` on.

    Positions end in row `last`: at its close, or inside it where `is_inside`. Negative funding was received.
    """
    funding = side * (_between(carry.funding_due, carry.funding_within, first, last))
    inside = side * carry.funding_within[last]
    funding = funding + np.where(is_inside, np.maximum(inside, 0.0), inside)
    borrow = _between(carry.borrow_due, carry.borrow_within, first, last) + carry.borrow_within[last]
    return funding, np.where(np.asarray(side) < 0, borrow, 0.0)


def _between(due: FloatArray, within: FloatArray, first: IntArray, last: IntArray) -> FloatArray:
    """What is paid after the open of row `first` and up to the open of row `last`."""
    cumulative = np.cumsum(due) + np.append(0.0, np.cumsum(within)[:-1])
    return np.asarray(cumulative[last] - cumulative[first], dtype=np.float64)
