"""Books rebuilt from snapshots and differences with sequence numbers: a gap ends a book, it never bends it."""

from datetime import timedelta
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numba import njit

from tradsys.core.arrays import BoolArray, FloatArray, IntArray
from tradsys.core.errors import DataError
from tradsys.data.outside.book.book import Book
from tradsys.data.outside.book.snapshots import DEFAULT_LAG, received_ms

COLUMNS: Final = ("is_snapshot", "first_id", "last_id", "side", "price", "size")
PREVIOUS: Final = "previous_id"
"""`last_id` of the event before, on venues whose ids leave numbers out (Binance futures call it pu)."""

N_LEVELS: Final = 20


class _Events(NamedTuple):
    """What venue and receiver say of each event; its rows are `first_row[k]` up to `first_row[k + 1]`."""

    first_row: IntArray
    is_snapshot: BoolArray
    first_id: IntArray
    last_id: IntArray
    previous_id: IntArray


class _Rows(NamedTuple):
    """New sizes at prices, in order of receipt."""

    is_bid: BoolArray
    price: FloatArray
    size: FloatArray


class _Sides(NamedTuple):
    """Both sides from the best level on: bids (0) are kept under their negative price, asks (1) under their price."""

    keys: FloatArray
    sizes: FloatArray
    length: IntArray
    deepest: FloatArray


_REASONS: Final = ("sequence gap", "crossed", "no best bid or ask")
_GAP, _CROSSED, _EMPTY, _FINE = range(4)


def book_from_updates(
    table: pl.DataFrame, source: str, *, lag: timedelta = DEFAULT_LAG, n_levels: int = N_LEVELS
) -> Book:
    """The book that a snapshot and the differences after it tell, a state an event, in order of receipt.

    A row is a level: `ts` (or `received_at`), `is_snapshot`, `first_id`, `last_id`, `side` (bid, ask), `price` and
    `size`, the new size there, 0 for none. Rows of one event follow each other and share receipt and ids.

    A difference continues the book if it begins at the next number, or with `previous_id`, if that is the last one
    applied; older ones are passed over. Anything else, a crossed book or an empty side ends the book: its last state
    is without levels, and nothing is known until the next snapshot. Differences that overtook a snapshot on their way
    are applied when it comes. A snapshot does not tell what lies behind its deepest price: levels there are not known,
    even where a difference names one.
    """
    missing = [name for name in COLUMNS if name not in table.columns]
    if missing:
        raise DataError(f"{source} holds no updates of a book: needs {', '.join(missing)}")
    received = received_ms(table, source, lag)
    ids = {name: _whole(table, name, source) for name in ("first_id", "last_id")}
    previous = _whole(table, PREVIOUS, source) if PREVIOUS in table.columns else np.full(len(table), -1)
    is_bid = _is_bid(table["side"], source)
    price, size = (table[name].cast(pl.Float64).fill_null(np.nan).to_numpy() for name in ("price", "size"))
    bad = ~(np.isfinite(price) & np.isfinite(size) & (price > 0.0) & (size >= 0.0))
    if bad.any():
        raise DataError(
            f"{source}: {int(bad.sum()):,} levels have a price or size that cannot be, the first in row "
            f"{int(bad.argmax())}; drop the event that holds it, which ends the book there"
        )
    order = np.argsort(received, kind="stable")
    is_snapshot = _flags(table["is_snapshot"], source)
    keys = np.stack([received, ids["first_id"], ids["last_id"], is_snapshot])[:, order]
    first_row = np.append(np.flatnonzero(np.append(True, (np.diff(keys) != 0).any(axis=0))), len(order))
    if not len(order):
        first_row = first_row[:0]
    at = order[first_row[:-1]]
    events = _Events(first_row, is_snapshot[at], ids["first_id"][at], ids["last_id"][at], previous[at])
    rows = _Rows(is_bid[order], price[order], size[order])
    levels, begins, is_kept, ends = _replay(events, rows, n_levels, PREVIOUS in table.columns)
    kept = levels[:, is_kept]
    counts = {reason: int(n) for reason, n in zip(_REASONS, ends, strict=True) if n}
    return Book(received[at][is_kept], kept[0], kept[1], kept[2], kept[3], begins[is_kept], counts)


def is_updates(table: pl.DataFrame) -> bool:
    """Whether the columns are those of such a table."""
    return set(COLUMNS) <= set(table.columns)


def _whole(table: pl.DataFrame, name: str, source: str) -> IntArray:
    column = table[name].cast(pl.Int64, strict=False)
    if column.null_count() and name != PREVIOUS:
        raise DataError(f"{source}: {column.null_count():,} rows have no {name}, without which no gap can be seen")
    return column.fill_null(-1).to_numpy().astype(np.int64)


def _is_bid(column: pl.Series, source: str) -> BoolArray:
    other = column.filter(~column.cast(pl.String).is_in(["bid", "ask"]).fill_null(False))
    if len(other):
        raise DataError(f"{source}: a side is bid or ask, found {other[0]!r}")
    return np.asarray((column.cast(pl.String) == "bid").to_numpy())


def _flags(column: pl.Series, source: str) -> BoolArray:
    flags = (
        column
        if column.dtype == pl.Boolean
        else column.cast(pl.String)
        .str.to_lowercase()
        .replace_strict({"true": True, "1": True, "false": False, "0": False}, default=None, return_dtype=pl.Boolean)
    )
    if flags.null_count():
        raise DataError(f"{source}: is_snapshot is true or false, found neither in {flags.null_count():,} rows")
    return np.asarray(flags.to_numpy(), dtype=bool)


@njit(cache=True)
def _replay(
    events: _Events, rows: _Rows, n_levels: int, has_previous: bool
) -> tuple[FloatArray, BoolArray, BoolArray, IntArray]:
    """States (4, n_events, n_levels), whether each begins a book, whether it says something, and ends by reason."""
    n_events = len(events.is_snapshot)
    states = np.full((4, n_events, n_levels), np.nan)
    begins, is_kept = np.zeros(n_events, np.bool_), np.zeros(n_events, np.bool_)
    ends = np.zeros(3, np.int64)
    book = _Sides(np.empty((2, 1024)), np.empty((2, 1024)), np.zeros(2, np.int64), np.empty(2))
    known, is_open, is_fresh = np.int64(0), False, False
    for event in range(n_events):
        first = event
        if events.is_snapshot[event]:
            book.length[:] = 0
            book = _applied(book, events, rows, event)
            for side in range(2):
                n = book.length[side]
                book.deepest[side] = book.keys[side, n - 1] if n else -np.inf
            known, is_fresh, found = events.last_id[event], True, _state(book)
            while first > 0 and not events.is_snapshot[first - 1] and events.last_id[first - 1] > known:
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
        is_kept[event] = is_open or was_open
        begins[event] = events.is_snapshot[event] or not is_open
        if not is_open:
            ends[found] += 1
            continue
        for side in range(2):
            for k in range(min(n_levels, book.length[side])):
                if book.keys[side, k] > book.deepest[side]:
                    break
                states[2 * side, event, k] = abs(book.keys[side, k])
                states[2 * side + 1, event, k] = book.sizes[side, k]
    return states, begins, is_kept, ends


@njit(cache=True)
def _state(book: _Sides) -> int:
    """Whether there is a book that can be, or why not."""
    if book.length[0] == 0 or book.length[1] == 0:
        return _EMPTY
    if book.keys[0, 0] > book.deepest[0] or book.keys[1, 0] > book.deepest[1]:
        return _EMPTY
    return _CROSSED if -book.keys[0, 0] >= book.keys[1, 0] else _FINE


@njit(cache=True)
def _applied(book: _Sides, events: _Events, rows: _Rows, event: int) -> _Sides:
    """The book after an event: the same arrays, or wider ones."""
    for row in range(events.first_row[event], events.first_row[event + 1]):
        side = 0 if rows.is_bid[row] else 1
        key = -rows.price[row] if side == 0 else rows.price[row]
        n = book.length[side]
        at = np.searchsorted(book.keys[side, :n], key)
        is_there = at < n and book.keys[side, at] == key
        if rows.size[row] > 0.0:
            if not is_there:
                if n == book.keys.shape[1]:
                    book = _Sides(_wider(book.keys), _wider(book.sizes), book.length, book.deepest)
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
