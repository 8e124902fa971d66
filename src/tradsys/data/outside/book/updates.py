"""Updates of an order book as rows of a table: which rows make an event, and what no venue can have meant."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from tradsys.core.arrays import BoolArray, FloatArray, IntArray
from tradsys.core.defects import ROW
from tradsys.core.errors import DataError
from tradsys.data.outside.book.snapshots import received_ms

COLUMNS: Final = ("is_snapshot", "first_id", "last_id", "side", "price", "size")
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


def is_updates(columns: Sequence[str]) -> bool:
    """Whether the columns are those of such a table."""
    return set(COLUMNS) <= set(columns)


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
