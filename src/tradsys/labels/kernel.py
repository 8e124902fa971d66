"""The barrier walk: one kernel from an entry to its exit, for labels and simulated trades alike."""

from typing import Literal, NamedTuple

import numpy as np
import polars as pl

from tradsys.core.arrays import BoolArray, FloatArray, IntArray
from tradsys.core.kernels import njit
from tradsys.core.traded import TradedBars
from tradsys.labels.limit_fill import filled_row, since_fill

TARGET, STOP, TIME, MISSED = 1, 2, 3, 4
REASONS = ("target", "stop", "time", "missed")
"""How trades end, by codes from 1 on; a missed one never began: its limit order was not filled."""

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


class LimitOrders(NamedTuple):
    """Entries that rest in the book, (n_events,): at what price, and the last row in which they do."""

    price: FloatArray
    until: IntArray


class Exits(NamedTuple):
    """Outcome of each event, (n_events,): the row that it was entered in, and how it ended.

    A limit order that was missed has the last row in which it rested as both, and its own price.
    """

    entry: IntArray
    row: IntArray
    price: FloatArray
    reason: IntArray
    is_ambiguous: BoolArray


def no_fine_bars() -> FineBars:
    """Nothing to look into a bar with."""
    prices, rows = np.empty(0), np.empty(0, np.int64)
    return FineBars(Prices(prices, prices, prices, prices), rows, rows)


def reason_names(codes: IntArray) -> pl.Series:
    """The words for the reason codes."""
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
    # the entry's own open is the entry price
    price, reason, is_both = _met(open_[row], high[row], low[row], row > first, side, target, stop, policy)
    return row, price, reason, is_both


@njit(cache=True)
def _met(
    opened: float, high: float, low: float, is_later: bool, side: int, target: float, stop: float, policy: int
) -> tuple[float, int, bool]:
    """Price, reason and whether both were held, of the barrier that a bar met which held one at least.

    `is_later` says that the trade stood before the bar opened, which may then have opened beyond a barrier.
    """
    above = target if side > 0 else stop
    below = stop if side > 0 else target
    hits_above, hits_below = high >= above, low <= below
    opens_beyond = is_later & ((opened >= above) | (opened <= below))
    if opens_beyond:
        if (opened >= above) != (side > 0):
            return opened, STOP, False
        return target if policy == OHLC else opened, TARGET, False
    if hits_above & hits_below:
        if policy == OHLC and side > 0:
            return target, TARGET, True
        return stop, STOP, True
    is_target = hits_above == (side > 0)  # without a branch, which would be a coin toss to the processor: twice as fast
    return target if is_target else stop, TARGET if is_target else STOP, False


@njit(cache=True)
def walk_from_fill(
    open_: FloatArray,
    high: FloatArray,
    low: FloatArray,
    close: FloatArray,
    row: int,
    last: int,
    is_gap: bool,
    side: int,
    price: float,
    target: float,
    stop: float,
) -> tuple[int, float, int, bool]:
    """As `walk`, the worse case taken, for a limit order that bar `row` filled at its price; see `since_fill`."""
    opened, above, below = since_fill(side, is_gap, open_[row], high[row], low[row], close[row], price)
    if (above >= target or below <= stop) if side > 0 else (below <= target or above >= stop):
        left, reason, is_both = _met(opened, above, below, is_gap, side, target, stop, PESSIMISTIC)
        return row, left, reason, is_both
    return walk(open_, high, low, close, row, last, side, target, stop, STOP_FIRST)  # from the next bar on


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
    n_events = first.size
    exit_row = np.empty(n_events, np.int64)
    exit_price = np.empty(n_events, np.float64)
    exit_reason = np.empty(n_events, np.int64)
    is_ambiguous = np.empty(n_events, np.bool_)
    for i in range(n_events):
        row, price, reason, is_both = walk(
            open_, high, low, close, first[i], last[i], side[i], target[i], stop[i], policy
        )
        if is_both:
            price, reason, is_both = _looked_into(fine, row, price, reason, side[i], target[i], stop[i])
        exit_row[i], exit_price[i], exit_reason[i], is_ambiguous[i] = row, price, reason, is_both
    return Exits(first, exit_row, exit_price, exit_reason, is_ambiguous)


@njit(cache=True)
def _looked_into(
    fine: FineBars, row: int, price: float, reason: int, side: int, target: float, stop: float
) -> tuple[float, int, bool]:
    """Price, reason and whether that is still a guess, for a bar that held both barriers, by the bars inside it."""
    if fine.first.size > 0 and fine.first[row] >= 0:
        open_, high, low, close = fine.prices
        _, fine_price, fine_reason, is_both = walk(
            open_, high, low, close, fine.first[row], fine.last[row], side, target, stop, PESSIMISTIC
        )
        if fine_reason != TIME and not is_both:
            return fine_price, fine_reason, False
    return price, reason, True


@njit(cache=True)
def walk_limits(
    prices: Prices,
    fine: FineBars,
    first: IntArray,
    last: IntArray,
    side: IntArray,
    target: FloatArray,
    stop: FloatArray,
    orders: LimitOrders,
) -> Exits:
    """`walk_all`, the worse case taken, for entries that rest from the opens of `first` on until a bar fills them.

    Barriers lie where the order's price puts them, the time barrier where the decision put it. In the bar of the fill
    the shorter bars inside it say when that was and what came after.
    """
    open_, high, low, _ = prices
    n_events = first.size
    entry_row = np.empty(n_events, np.int64)
    exit_row = np.empty(n_events, np.int64)
    exit_price = np.empty(n_events, np.float64)
    exit_reason = np.empty(n_events, np.int64)
    is_ambiguous = np.zeros(n_events, np.bool_)
    for i in range(n_events):
        price = orders.price[i]
        filled = filled_row(high, low, first[i], orders.until[i], side[i], price)
        if filled < 0:
            entry_row[i], exit_row[i], exit_price[i], exit_reason[i] = orders.until[i], orders.until[i], price, MISSED
            continue
        is_gap = filled > first[i] and side[i] * (open_[filled] - price) < 0.0
        row, left, reason, is_both = _walk_filled(
            prices, fine, filled, last[i], is_gap, filled > first[i], side[i], price, target[i], stop[i]
        )
        if is_both and row > filled:
            left, reason, is_both = _looked_into(fine, row, left, reason, side[i], target[i], stop[i])
        entry_row[i], exit_row[i], exit_price[i], exit_reason[i] = filled, row, left, reason
        is_ambiguous[i] = is_both
    return Exits(entry_row, exit_row, exit_price, exit_reason, is_ambiguous)


@njit(cache=True)
def _walk_filled(
    prices: Prices,
    fine: FineBars,
    filled: int,
    last: int,
    is_gap: bool,
    has_rested: bool,
    side: int,
    price: float,
    target: float,
    stop: float,
) -> tuple[int, float, int, bool]:
    """`walk_from_fill`, with the bars inside the one that filled the order where there are any.

    `has_rested` says that the order was there before the bar opened.
    """
    open_, high, low, close = prices
    if fine.first.size > 0 and fine.first[filled] >= 0:
        fine_open, fine_high, fine_low, fine_close = fine.prices
        a, b = fine.first[filled], fine.last[filled]
        part = filled_row(fine_high, fine_low, a, b, side, price)
        if part >= 0:
            is_part_gap = (part > a or has_rested) and side * (fine_open[part] - price) < 0.0
            _, left, reason, is_both = walk_from_fill(
                fine_open, fine_high, fine_low, fine_close, part, b, is_part_gap, side, price, target, stop
            )
            if reason != TIME:
                return filled, left, reason, is_both
            return walk(open_, high, low, close, filled, last, side, target, stop, STOP_FIRST)
    return walk_from_fill(open_, high, low, close, filled, last, is_gap, side, price, target, stop)


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
    orders: LimitOrders | None = None,
) -> Exits:
    """`walk_all` where bars without trades fill nothing; each entry is filled in a traded bar.

    No barrier is met in a bar without trades, and whoever would leave by time at the close of one leaves at the next
    open that somebody traded at, no later than row `until` (n_events,): where none comes by then the exit is that row's
    close, a price that nobody offered. With `orders` entries rest from the open of `first` on, as in `walk_limits`.
    """
    is_traded = traded.is_traded
    known = only_traded(prices, is_traded)
    if orders is None:
        exits = walk_all(known, fine, first, last, side, target, stop, policy)
    else:
        exits = walk_limits(known, fine, first, last, side, target, stop, orders)
    if is_traded.all():
        return exits
    row = np.where(exits.reason == TIME, np.minimum(traded.next[last], until), exits.row)
    late = np.where(is_traded[row], prices.open[row], prices.close[row])
    return exits._replace(row=row, price=np.where(row > last, late, exits.price))
