"""A file of updates in batches, so that a day of them needs no more memory than a few minutes of them."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from tradsys.core.defects import ROW
from tradsys.data.files import is_parquet, read_table
from tradsys.data.outside.book.rebuild import LAST
from tradsys.data.outside.book.snapshots import RECEIVED, received_ms

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
    earliest = [_earliest(lazy.select(time).slice(start, n_rows).collect(), str(path), lag) for start in starts]
    behind = np.minimum.accumulate([*earliest[1:], LAST][::-1])[::-1]
    for start, settled in zip(starts, behind, strict=True):
        yield lazy.slice(start, n_rows).collect(), int(settled)


def _earliest(times: pl.DataFrame, source: str, lag: timedelta) -> int:
    return int(received_ms(times, source, lag).min())
