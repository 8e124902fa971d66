"""The best levels of one symbol's order book, state after state as received, and measures of each state."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tradsys.core.arrays import BoolArray, FloatArray, IntArray

_ARRAYS = ("received", "bid_price", "bid_size", "ask_price", "ask_size", "begins")
"""The fields of a book that have a row a state."""


@dataclass(frozen=True, slots=True)
class Book:
    """States in the order in which they were received; levels run from the best on, NaN where none is known.

    `received` (n_states,) is in ms UTC; prices and sizes (base) have shape (n_states, n_levels). `begins` (n_states,)
    marks states that do not continue the one before: the first, and what follows an end. A state without a best bid and
    ask marks the end of a book; `ends` counts the reasons.
    """

    received: IntArray
    bid_price: FloatArray
    bid_size: FloatArray
    ask_price: FloatArray
    ask_size: FloatArray
    begins: BoolArray
    ends: dict[str, int]

    @property
    def n_levels(self) -> int:
        """Levels a side of a state."""
        return int(self.bid_price.shape[1])

    @property
    def is_known(self) -> BoolArray:
        """States in which there is a book, shape (n_states,)."""
        return np.isfinite(self.bid_price[:, 0]) & np.isfinite(self.ask_price[:, 0])

    def __getitem__(self, states: slice) -> "Book":
        """Some of the states, without the reasons why it ended."""
        return replace(self, ends={}, **{name: getattr(self, name)[states] for name in _ARRAYS})


def joined(pieces: Sequence[Book]) -> Book:
    """Pieces that follow each other as one book."""
    counts = sum((Counter(piece.ends) for piece in pieces), Counter[str]())
    whole = {name: np.concatenate([getattr(piece, name) for piece in pieces]) for name in _ARRAYS}
    return replace(pieces[0], ends=dict(counts), **whole)


SLOPE_LEVELS = 10
"""Levels a side through which the slope of depth is drawn, where there are as many."""

_BPS = 1e4


def imbalance(book: Book, n_levels: int) -> FloatArray:
    """(bids - asks) / (bids + asks) of the sizes of the best levels, (n_states,), in [-1, 1]; 1 where all are bids.

    NaN where one of the levels is not known: depth of fewer levels is another number.
    """
    bids, asks = book.bid_size[:, :n_levels].sum(axis=1), book.ask_size[:, :n_levels].sum(axis=1)
    return np.asarray((bids - asks) / (bids + asks))


def mid(book: Book) -> FloatArray:
    """Mean of best bid and ask, (n_states,)."""
    return np.asarray((book.bid_price[:, 0] + book.ask_price[:, 0]) / 2.0)


def spread_bps(book: Book) -> FloatArray:
    """Best ask less best bid over the mid, (n_states,)."""
    return np.asarray((book.ask_price[:, 0] - book.bid_price[:, 0]) / mid(book) * _BPS)


def microprice_bps(book: Book) -> FloatArray:
    """How far the microprice lies above the mid, (n_states,): best prices weighted by the size on the other side.

    Half the spread times the imbalance of the best level. Stoikov (2018), *The micro-price*, section 2 (the weighted
    mid).
    """
    return spread_bps(book) / 2.0 * imbalance(book, 1)


def depth_slope(book: Book) -> FloatArray:
    """How fast size adds up away from the mid, (n_states,): slope of log cumulative size on log distance, both sides.

    1 where the sizes are spread evenly over prices, less where most rests at the best ones. Least squares through up to
    ten levels of a side, averaged over the sides; NaN where one of them is not known.
    """
    n = min(SLOPE_LEVELS, book.n_levels)
    if n < 2:
        return np.full(len(book.received), np.nan)
    centre = mid(book)[:, None]
    sides = []
    for price, size in ((book.bid_price, book.bid_size), (book.ask_price, book.ask_size)):
        x, y = np.log(np.abs(price[:, :n] - centre)), np.log(np.cumsum(size[:, :n], axis=1))
        x -= x.mean(axis=1, keepdims=True)
        sides.append((x * y).sum(axis=1) / (x * x).sum(axis=1))
    return np.asarray((sides[0] + sides[1]) / 2.0)


def order_flow(book: Book) -> FloatArray:
    """What each state added to the bids and took from the asks at the best prices, (n_states,), in base units.

    A better price on a side counts its whole size, a worse one takes away the size that was there, an equal one counts
    the change. NaN where a state does not continue the one before.

    Cont, Kukanov & Stoikov (2014), *The price impact of order book events*, J. Financial Econometrics 12(1), eq. 2.

    >>> book = Book(*(np.array(x) for x in ([0, 1], [[9.0], [9.0]], [[2.0], [5.0]], [[10.0], [11.0]], [[3.0], [4.0]],
    ...             [True, False])), {})
    >>> order_flow(book)  # three more are bid, and the three that were asked are gone
    array([nan,  6.])
    """
    bid, bid_size = book.bid_price[:, 0], book.bid_size[:, 0]
    ask, ask_size = book.ask_price[:, 0], book.ask_size[:, 0]
    flow = np.full(len(bid), np.nan)
    flow[1:] = (
        np.where(bid[1:] >= bid[:-1], bid_size[1:], 0.0)
        - np.where(bid[1:] <= bid[:-1], bid_size[:-1], 0.0)
        - np.where(ask[1:] <= ask[:-1], ask_size[1:], 0.0)
        + np.where(ask[1:] >= ask[:-1], ask_size[:-1], 0.0)
    )
    flow[book.begins | ~book.is_known] = np.nan
    return flow


def top_depth(book: Book) -> FloatArray:
    """Mean size at the two best prices, (n_states,), in base units: what order flow is measured against."""
    return np.asarray((book.bid_size[:, 0] + book.ask_size[:, 0]) / 2.0)
