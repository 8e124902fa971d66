"""The barrier walk: one kernel from an entry to its exit, for labels and simulated trades alike."""

from typing import Literal, NamedTuple

import numpy as np
import polars as pl

from tradsys.core.arrays import BoolArray, FloatArray, IntArray
from tradsys.core.kernels import njit
from tradsys.core.traded import TradedBars

TARGET, STOP, TIME = 1, 2, 3
REASONS = ("target", "stop", "time")

PESSIMISTIC, STOP_FIRST, OHLC = 0, 1, 2
type Walk = Literal["pessimistic", "stop_first", "ohlc"]
WALKS: dict[Walk, int] = {"pessimistic": PESSIMISTIC, "stop_first": STOP_FIRST, "ohlc": OHLC}
"""How a bar is read.

A bar that holds both barriers is a stop, except to `ohlc`, which walks Open-High-Low-Close and so meets the high
first; it also fills a gapped target at its limit, as NautilusTrader does. `stop_first` is vectorbt's reading: it does
not watch the bar of the entry.
"""


class Prices(NamedTuple):
    """One symbol's bars, each (n_bars,)."""

    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray


class FineBars(NamedTuple):
    """Shorter bars, and for each bar its first and last row among them, (n_bars,); -1 where they do not cover it."""

    prices: Prices
    first: IntArray
    last: IntArray


class Exits(NamedTuple):
    """Outcome of each event, (n_events,)."""

    row: IntArray
    price: FloatArray
    reason: IntArray
    is_ambiguous: BoolArray


def no_fine_bars() -> FineBars:
    """Nothing to look into a bar with."""
    prices, rows = np.empty(0), np.empty(0, np.int64)
    return FineBars(Prices(prices, prices, prices, prices), rows, rows)


def reason_names(codes: IntArray) -> pl.Series:
    """The words for the reason codes 1, 2 and 3."""
    return pl.Series(REASONS).gather(codes - 1)


@njit(cache=True)
def walk(
    open_: FloatArray,
    high: FloatArray,
    low: FloatArray,
    close: FloatArray,
    first: int,
    last: int,
    side: int,
    target: float,
    stop: float,
    policy: int,
) -> tuple[int, float, int, bool]:
    """Exit row, exit price, reason and whether one bar held both barriers, for an entry at the open of row `first`.

    The time barrier is the close of row `last`. A later bar that opens at or beyond a barrier exits at its open.
    """
    above = target if side > 0 else stop
    below = stop if side > 0 else target
    row = first + 1 if policy == STOP_FIRST else first
    while row <= last and high[row] < above and low[row] > below:
        row += 1
    if row > last:
        return last, close[last], TIME, False
    opened, hits_above, hits_below = open_[row], high[row] >= above, low[row] <= below
    opens_beyond = (row > first) & ((opened >= above) | (opened <= below))  # the entry's own open is the entry price
    if opens_beyond:
        if (opened >= above) != (side > 0):
            return row, opened, STOP, False
        return row, target if policy == OHLC else opened, TARGET, False
    if hits_above & hits_below:
        if policy == OHLC and side > 0:
            return row, target, TARGET, True
        return row, stop, STOP, True
    is_target = hits_above == (side > 0)  # without a branch, which would be a coin toss to the processor: twice as fast
    return row, target if is_target else stop, TARGET if is_target else STOP, False


@njit(cache=True)
def walk_all(
    prices: Prices,
    fine: FineBars,
    first: IntArray,
    last: IntArray,
    side: IntArray,
    target: FloatArray,
    stop: FloatArray,
    policy: int,
) -> Exits:
    """`walk` for every event; all arguments of an event have shape (n_events,).

    A bar that holds both barriers is decided by the shorter bars inside it, where there are any
    and none of them holds both.
    """
    open_, high, low, close = prices
    fine_open, fine_high, fine_low, fine_close = fine.prices
    fine_first, fine_last = fine.first, fine.last
    n_events = first.size
    exit_row = np.empty(n_events, np.int64)
    exit_price = np.empty(n_events, np.float64)
    exit_reason = np.empty(n_events, np.int64)
    is_ambiguous = np.empty(n_events, np.bool_)
    for i in range(n_events):
        row, price, reason, is_both = walk(
            open_, high, low, close, first[i], last[i], side[i], target[i], stop[i], policy
        )
        if is_both and fine_first.size > 0 and fine_first[row] >= 0:
            a, b = fine_first[row], fine_last[row]
            _, fine_price, fine_reason, is_still_both = walk(
                fine_open, fine_high, fine_low, fine_close, a, b, side[i], target[i], stop[i], PESSIMISTIC
            )
            if fine_reason != TIME and not is_still_both:
                price, reason, is_both = fine_price, fine_reason, False
        exit_row[i], exit_price[i], exit_reason[i], is_ambiguous[i] = row, price, reason, is_both
    return Exits(exit_row, exit_price, exit_reason, is_ambiguous)


def only_traded(prices: Prices, is_traded: BoolArray) -> Prices:
    """The bars, with no high and no low where nobody traded, so that no barrier is met there."""
    if is_traded.all():
        return prices
    open_, high, low, close = prices
    return Prices(open_, np.where(is_traded, high, -np.inf), np.where(is_traded, low, np.inf), close)


def walk_traded(
    prices: Prices,
    traded: TradedBars,
    fine: FineBars,
    first: IntArray,
    last: IntArray,
    side: IntArray,
    target: FloatArray,
    stop: FloatArray,
    policy: int,
    until: IntArray,
) -> Exits:
    """`walk_all` where bars without trades fill nothing; each entry is filled in a traded bar.

    No barrier is met in a bar without trades, and whoever would leave by time at the close of one leaves at the next
    open that somebody traded at, no later than row `until` (n_events,): where none comes by then the exit is that row's
    close, a price that nobody offered.
    """
    if traded.is_traded.all():
        return walk_all(prices, fine, first, last, side, target, stop, policy)
    exits = walk_all(only_traded(prices, traded.is_traded), fine, first, last, side, target, stop, policy)
    row = np.where(exits.reason == TIME, np.minimum(traded.next[last], until), exits.row)
    late = np.where(traded.is_traded[row], prices.open[row], prices.close[row])
    return exits._replace(row=row, price=np.where(row > last, late, exits.price))
