"""Books rebuilt from snapshots and differences with sequence numbers: a gap ends a book, it never bends it."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from tradsys.core.arrays import BoolArray, FloatArray, IntArray
from tradsys.core.defects import ROW
from tradsys.core.kernels import njit
from tradsys.data.files import is_parquet, read_table
from tradsys.data.outside.book.book import Book
from tradsys.data.outside.book.tables import DEFAULT_LAG, PREVIOUS, RECEIVED, Events, Rows, read_updates, received_ms

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


N_LEVELS: Final = 20
LAST: Final = np.iinfo(np.int64).max
"""Up to when a batch is settled that nothing follows."""


def books_from_updates(
    batches: Iterable[tuple[pl.DataFrame, int]],
    source: str,
    *,
    lag: timedelta = DEFAULT_LAG,
    n_levels: int = N_LEVELS,
) -> Iterator[Book]:
    """The book of a snapshot and the differences after it, a state an event, in order of receipt; a piece a batch.

    A batch is a table and the time (ms) that no later table goes behind; all rows in one have `LAST`. A row is a level:
    `ts` (or `received_at`), `is_snapshot`, `first_id`, `last_id`, `side` (bid, ask), `price` and `size`, the new size
    there, 0 for none. Rows of one event follow each other and share receipt and ids.

    A difference continues the book if it begins at the next number, or with `previous_id`, if that is the last one
    applied; older ones are passed over. Anything else, a crossed book or an empty side ends the book: its last state
    is without levels, and nothing is known until the next snapshot. Differences that overtook a snapshot on their way
    are applied when it comes. A snapshot does not hold what lies behind its deepest price: levels there are not known,
    even where a difference names one.

    What is kept from one batch to the next: the book, rows not settled yet, and the last events, `OVERTAKEN` of them.
    """
    book, n_past = no_book(), 0
    waiting: list[pl.DataFrame] = []
    for batch, settled in batches:
        table = pl.concat([*waiting, batch])
        events, rows = read_updates(table, source, lag)
        end = len(events.received)
        if settled != LAST:  # the last event may go on in the next batch
            end = max(n_past, min(int(np.searchsorted(events.received, settled, side="right")), end - 1))
        book, levels, begins, is_kept, ends = replay(
            book, events, rows, n_past, end, n_levels, PREVIOUS in table.columns
        )
        kept = levels if is_kept.all() else levels[:, is_kept]
        counts = {reason: int(n) for reason, n in zip(REASONS, ends, strict=True) if n}
        yield Book(events.received[n_past:end][is_kept], kept[0], kept[1], kept[2], kept[3], begins[is_kept], counts)
        if settled == LAST:
            return
        first = max(0, end - OVERTAKEN)
        waiting, n_past = [table[rows.place[events.first_row[first] :]]], end - first


N_ROWS: Final = 200_000
"""Levels that a batch holds."""


def batches(path: Path, lag: timedelta, *, n_rows: int = N_ROWS) -> Iterator[tuple[pl.DataFrame, int]]:
    """Parts of the file, each with the time of receipt (ms) that no later part goes behind.

    A Parquet file is read twice: first its times alone, since rows may lie in another order than they were received.
    Other files are read whole.
    """
    lazy = pl.scan_parquet(path).with_row_index(ROW) if is_parquet(path) else read_table(path)[0].lazy()
    n = lazy.select(pl.len()).collect().item()
    time = RECEIVED if RECEIVED in lazy.collect_schema() else "ts"
    starts = range(0, n, n_rows)
    times = (lazy.select(time).slice(start, n_rows).collect() for start in starts)
    earliest = [int(received_ms(part, str(path), lag).min()) for part in times]
    behind = np.minimum.accumulate([*earliest[1:], LAST][::-1])[::-1]
    for start, settled in zip(starts, behind, strict=True):
        yield lazy.slice(start, n_rows).collect(), int(settled)
