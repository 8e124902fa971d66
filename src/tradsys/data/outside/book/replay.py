"""The kernel that keeps a book: events in, states out, and all that it has to remember between two batches of them."""

from typing import Final, NamedTuple

import numpy as np
from numba import njit

from tradsys.core.arrays import BoolArray, FloatArray, IntArray
from tradsys.data.outside.book.tables import Events, Rows

OVERTAKEN: Final = 4096
"""How many of the last events may have overtaken a snapshot on their way: seven minutes of one every 100 ms."""

REASONS: Final = ("sequence gap", "crossed", "no best bid or ask")
_GAP, _CROSSED, _EMPTY, _FINE = range(4)


class Sides(NamedTuple):
    """Both sides with the best level last: bids (0) are kept under their price, asks (1) under their negative price.

    Changes are most often near the best price, where few levels must then move. `deepest` is the key behind which the
    snapshot held nothing; `known` the last id, whether there is a book, and whether it is the snapshot's own.
    """

    keys: FloatArray
    sizes: FloatArray
    length: IntArray
    deepest: FloatArray
    known: IntArray


def no_book() -> Sides:
    """Nothing known yet."""
    return Sides(np.empty((2, 1024)), np.empty((2, 1024)), np.zeros(2, np.int64), np.empty(2), np.zeros(3, np.int64))


@njit(cache=True)
def replay(
    book: Sides, events: Events, rows: Rows, begin: int, end: int, n_levels: int, has_previous: bool
) -> tuple[Sides, FloatArray, BoolArray, BoolArray, IntArray]:
    """The book after the events [begin, end), and their states; the ones before are those that may have overtaken.

    States (4, n_events, n_levels), whether each begins a book, whether it is known, and ends by reason.
    """
    n_events = end - begin
    states = np.full((4, n_events, n_levels), np.nan)
    begins, is_kept = np.zeros(n_events, np.bool_), np.zeros(n_events, np.bool_)
    ends = np.zeros(3, np.int64)
    known, is_open, is_fresh = book.known[0], book.known[1] != 0, book.known[2] != 0
    for event in range(begin, end):
        first, row = event, event - begin
        if events.is_snapshot[event]:
            book.length[:] = 0
            book = _applied(book, events, rows, event)
            for side in range(2):
                book.deepest[side] = book.keys[side, 0] if book.length[side] else np.inf
            known, is_fresh, found = events.last_id[event], True, _state(book)
            while (
                first > max(0, event - OVERTAKEN)
                and not events.is_snapshot[first - 1]
                and events.last_id[first - 1] > known
            ):
                first -= 1
        elif is_open:
            found = _FINE
        else:
            continue
        for k in range(first, event + 1):
            if found != _FINE or events.is_snapshot[k] or events.last_id[k] <= known:
                continue
            follows = events.first_id[k] <= known + 1
            if has_previous and not is_fresh:
                follows = events.previous_id[k] == known
            if not follows:
                found = _GAP
                continue
            book = _applied(book, events, rows, k)
            known, is_fresh, found = events.last_id[k], False, _state(book)
        was_open, is_open = is_open, found == _FINE
        is_kept[row] = is_open or was_open
        begins[row] = events.is_snapshot[event] or not is_open
        if not is_open:
            ends[found] += 1
            continue
        for side in range(2):
            best = book.length[side] - 1
            for k in range(min(n_levels, book.length[side])):
                if book.keys[side, best - k] < book.deepest[side]:
                    break
                states[2 * side, row, k] = abs(book.keys[side, best - k])
                states[2 * side + 1, row, k] = book.sizes[side, best - k]
    book.known[0], book.known[1], book.known[2] = known, is_open, is_fresh
    return book, states, begins, is_kept, ends


@njit(cache=True)
def _state(book: Sides) -> int:
    """Whether there is a book that can be, or why not."""
    if book.length[0] == 0 or book.length[1] == 0:
        return _EMPTY
    bid, ask = book.keys[0, book.length[0] - 1], book.keys[1, book.length[1] - 1]
    if bid < book.deepest[0] or ask < book.deepest[1]:
        return _EMPTY
    return _CROSSED if bid >= -ask else _FINE


@njit(cache=True)
def _applied(book: Sides, events: Events, rows: Rows, event: int) -> Sides:
    """The book after an event: the same arrays, or wider ones."""
    for row in range(events.first_row[event], events.first_row[event + 1]):
        side = 0 if rows.is_bid[row] else 1
        key = rows.price[row] if side == 0 else -rows.price[row]
        n = book.length[side]
        at = np.searchsorted(book.keys[side, :n], key)
        is_there = at < n and book.keys[side, at] == key
        if rows.size[row] > 0.0:
            if not is_there:
                if n == book.keys.shape[1]:
                    book = Sides(_wider(book.keys), _wider(book.sizes), book.length, book.deepest, book.known)
                for k in range(n, at, -1):
                    book.keys[side, k] = book.keys[side, k - 1]
                    book.sizes[side, k] = book.sizes[side, k - 1]
                book.keys[side, at] = key
                book.length[side] = n + 1
            book.sizes[side, at] = rows.size[row]
        elif is_there:
            for k in range(at, n - 1):
                book.keys[side, k] = book.keys[side, k + 1]
                book.sizes[side, k] = book.sizes[side, k + 1]
            book.length[side] = n - 1
    return book


@njit(cache=True)
def _wider(values: FloatArray) -> FloatArray:
    both = np.empty((2, 2 * values.shape[1]))
    both[:, : values.shape[1]] = values
    return both
