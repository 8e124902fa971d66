"""Tables of a recorded book: whole states, or updates with sequence numbers, and what no venue can have meant."""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from tradsys.core.arrays import BoolArray, FloatArray, IntArray
from tradsys.core.defects import ROW
from tradsys.core.errors import DataError
from tradsys.core.time import interval_ms
from tradsys.data.files import numbers
from tradsys.data.outside.book.book import Book
from tradsys.data.times import settle_times

RECEIVED = "received_at"
"""Column of times of receipt; where there is none, a lag after `ts` stands for it."""

DEFAULT_LAG = timedelta(seconds=1)
"""From the venue's stamp to the receipt, where no receipt was recorded."""

MAX_SILENCE = timedelta(minutes=1)
"""After a longer silence a state does not continue the one before."""


SNAPSHOT_COLUMNS: Final = ("bid_px_1", "bid_sz_1", "ask_px_1", "ask_sz_1")
"""What tells whole states from updates."""


def book_from_snapshots(table: pl.DataFrame, source: str, *, lag: timedelta = DEFAULT_LAG) -> Book:
    """The book of such a table, in order of receipt.

    A state that cannot be (crossed, a price or size that is not positive, prices out of order) ends the book: nothing
    is known until the next one. A level without a price and size, and all behind it, is not known.
    """
    n_levels = levels_of(table.columns, source)
    received = received_ms(table, source, lag)
    order = np.argsort(received, kind="stable")
    received = received[order]
    bid_price, bid_size = _side(table, "bid", n_levels, source)[:, order]
    ask_price, ask_size = _side(table, "ask", n_levels, source)[:, order]
    reasons = _reasons(bid_price, bid_size, ask_price, ask_size)
    is_refused = np.logical_or.reduce(list(reasons.values()))
    for values in (bid_price, bid_size, ask_price, ask_size):
        values[is_refused] = np.nan
    silent = np.diff(received, prepend=received[:1]) > interval_ms(MAX_SILENCE)
    begins = silent | np.roll(is_refused, 1) | is_refused
    begins[:1] = True
    counts = {reason: int(rows.sum()) for reason, rows in reasons.items() if rows.any()}
    return Book(received, bid_price, bid_size, ask_price, ask_size, begins, counts)


def received_ms(table: pl.DataFrame, source: str, lag: timedelta) -> IntArray:
    """When each row was received, (n_rows,) ms UTC; a DataError where a row does not say when it was."""
    name = RECEIVED if RECEIVED in table.columns else "ts"
    if name not in table.columns:
        raise DataError(f"{source} has no column ts, found {', '.join(table.columns)}; a book without times is no data")
    ms = settle_times(table[name], source).ms
    if ms.null_count():
        raise DataError(f"{source}: {ms.null_count():,} rows have no {name}; drop them")
    return ms.to_numpy().astype(np.int64) + (0 if name == RECEIVED else round(lag / timedelta(milliseconds=1)))


def levels_of(columns: Sequence[str], source: str) -> int:
    """How many levels all four kinds of column have, which must be as many."""
    found = {kind: 0 for kind in ("bid_px", "bid_sz", "ask_px", "ask_sz")}
    for name in columns:
        if match := re.fullmatch(r"((?:bid|ask)_(?:px|sz))_\d+", name):
            found[match[1]] += 1
    n = found["bid_px"]
    wanted = [f"{kind}_{level}" for kind in found for level in range(1, n + 1)]
    if not n or set(found.values()) != {n} or not set(wanted) <= set(columns):
        shown = ", ".join(f"{count} {kind}" for kind, count in found.items())
        raise DataError(f"{source} must have each level's price and size on both sides, counted from 1; found {shown}")
    return n


def _side(table: pl.DataFrame, side: str, n_levels: int, source: str) -> FloatArray:
    """Prices and sizes, (2, n_rows, n_levels), NaN from the first level on that lacks one of them."""
    columns = [[f"{side}_{kind}_{level}" for level in range(1, n_levels + 1)] for kind in ("px", "sz")]
    values = np.stack([np.column_stack([_numbers(table[name], source) for name in row]) for row in columns])
    lacking = np.logical_or.accumulate(np.isnan(values).any(axis=0), axis=1)
    return np.where(lacking, np.nan, values)


_ABSENT: Final = ("n/a", "N/A", "na", "NA", "None", "none", "-", "#N/A")
"""Words for a level that is not there."""


def _numbers(column: pl.Series, source: str) -> FloatArray:
    """(n_rows,), NaN where a cell is empty."""
    return np.asarray(numbers(column, source, absent=_ABSENT).fill_null(np.nan).to_numpy(), dtype=np.float64)


def _reasons(bid: FloatArray, bid_size: FloatArray, ask: FloatArray, ask_size: FloatArray) -> dict[str, BoolArray]:
    """Why a row is no book: each reason's rows, a row under its first reason only."""
    found: dict[str, BoolArray] = {}
    taken = np.zeros(len(bid), bool)
    for reason, rows in (
        ("no best bid or ask", np.isnan(bid[:, 0]) | np.isnan(ask[:, 0])),
        ("a price or size that cannot be", _bad(bid) | _bad(bid_size) | _bad(ask) | _bad(ask_size)),
        ("crossed", bid[:, 0] >= ask[:, 0]),
        ("levels out of order", (np.diff(bid, axis=1) >= 0).any(axis=1) | (np.diff(ask, axis=1) <= 0).any(axis=1)),
    ):
        found[reason] = rows & ~taken
        taken |= rows
    return found


def _bad(values: FloatArray) -> BoolArray:
    return np.asarray(((values <= 0.0) | np.isinf(values)).any(axis=1))


UPDATE_COLUMNS: Final = ("is_snapshot", "first_id", "last_id", "side", "price", "size")
PREVIOUS: Final = "previous_id"
"""`last_id` of the event before, on venues whose ids leave numbers out (Binance futures call it pu)."""


class Events(NamedTuple):
    """What venue and receiver say of each event; its rows are `first_row[k]` up to `first_row[k + 1]`."""

    received: IntArray
    first_row: IntArray
    is_snapshot: BoolArray
    first_id: IntArray
    last_id: IntArray
    previous_id: IntArray


class Rows(NamedTuple):
    """New sizes at prices, in order of receipt; `place` is the row of the table."""

    place: IntArray
    is_bid: BoolArray
    price: FloatArray
    size: FloatArray


def read_updates(table: pl.DataFrame, source: str, lag: timedelta) -> tuple[Events, Rows]:
    """Events and their rows in order of receipt; a DataError where a row cannot be."""
    missing = [name for name in UPDATE_COLUMNS if name not in table.columns]
    if missing:
        raise DataError(f"{source} holds no updates of a book: needs {', '.join(missing)}")
    received = received_ms(table, source, lag)
    ids = {name: _whole(table, name, source) for name in ("first_id", "last_id")}
    previous = _whole(table, PREVIOUS, source) if PREVIOUS in table.columns else np.full(len(table), -1)
    is_bid = _is_bid(table["side"], source)
    price, size = (_numbers(table[name], source) for name in ("price", "size"))
    bad = ~(np.isfinite(price) & np.isfinite(size) & (price > 0.0) & (size >= 0.0))
    if bad.any():
        first = int(bad.argmax())
        row = table[ROW][first] if ROW in table.columns else first
        raise DataError(
            f"{source}: {int(bad.sum()):,} levels have a price or size that cannot be, the first in row "
            f"{row}; drop the event that holds it, which ends the book there"
        )
    is_snapshot = _flags(table["is_snapshot"], source)
    order = np.argsort(received, kind="stable")
    keys = np.stack([received, ids["first_id"], ids["last_id"], is_snapshot])[:, order]
    starts = np.flatnonzero(np.append(True, (np.diff(keys) != 0).any(axis=0)))[: len(order)]
    at = order[starts]
    events = Events(
        received[at],
        np.append(starts, len(order)),
        is_snapshot[at],
        ids["first_id"][at],
        ids["last_id"][at],
        previous[at],
    )
    return events, Rows(order, is_bid[order], price[order], size[order])


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
