"""Books rebuilt from snapshots and differences with sequence numbers: a gap ends a book, it never bends it."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from tradsys.core.defects import ROW
from tradsys.data.files import is_parquet, read_table
from tradsys.data.outside.book.book import Book
from tradsys.data.outside.book.replay import OVERTAKEN, REASONS, no_book, replay
from tradsys.data.outside.book.tables import DEFAULT_LAG, PREVIOUS, RECEIVED, read_updates, received_ms

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
