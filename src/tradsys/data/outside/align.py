"""Publications joined to bars: each bar carries the last one that was out when it closed, and how old that was."""

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tradsys.core.arrays import IntArray
from tradsys.core.bars import TS
from tradsys.core.errors import DataError
from tradsys.core.kernels import njit
from tradsys.core.time import interval_ms, ts_ms

AVAILABLE = "available_at"
"""When a row of publications could first be read; nothing later may order rows."""


def attach(
    bars: pl.DataFrame,
    published: pl.DataFrame,
    *,
    interval: timedelta,
    columns: Sequence[str],
    tolerance: timedelta,
    age: str | None = None,
) -> pl.DataFrame:
    """The bars with `columns` of `published` as they were known at each bar's close, NaN beyond the tolerance.

    `published` has a row a publication: `available_at` (Datetime ms UTC) and the columns (Float64). A bar that closes
    exactly then knows the row. Of several rows available at one time the last is known, and a revision is a row of its
    own with its own time. `age` names a column for the age of what is known, in hours. Rows keep their order.
    """
    _check(published, columns)
    rows = published.select(AVAILABLE, *columns).sort(AVAILABLE, maintain_order=True)
    close, available = ts_ms(bars) + interval_ms(interval), rows[AVAILABLE].dt.epoch("ms").to_numpy()
    last = pl.Series(_last_known(close, available, tolerance // timedelta(milliseconds=1)))
    values = [_or_nan(rows[name]).gather(last) for name in columns]
    if age is not None:
        since = _or_nan(rows[AVAILABLE].dt.epoch("ms").alias(age)).gather(last)
        values.append((pl.Series(close) - since).alias(age) / 3.6e6)
    return bars.with_columns(values)


@njit(cache=True)
def _last_known(close: IntArray, available: IntArray, tolerance: int) -> NDArray[np.uint32]:
    """The last row out by each close, of equal times the last, and one behind all rows where none is known.

    `available` is in order. Bars in order are walked along it once; where bars step back, it is searched anew.
    """
    last = np.empty(len(close), np.uint32)
    n_out = 0
    for bar in range(len(close)):
        if bar and close[bar] < close[bar - 1]:
            n_out = np.searchsorted(available, close[bar], side="right")
        while n_out < len(available) and available[n_out] <= close[bar]:
            n_out += 1
        is_known = n_out > 0 and close[bar] - available[n_out - 1] <= tolerance
        last[bar] = n_out - 1 if is_known else len(available)
    return last


def _or_nan(column: pl.Series) -> pl.Series:
    """The column as Float64, NaN where it is empty, and NaN once more behind its end."""
    filled = column.cast(pl.Float64).fill_null(np.nan)
    return filled.extend(pl.Series([np.nan]))


def _check(published: pl.DataFrame, columns: Sequence[str]) -> None:
    missing = [name for name in (AVAILABLE, *columns) if name not in published.columns]
    if missing:
        raise DataError(f"publications need {', '.join(missing)}, found {', '.join(published.columns)}")
    if published.schema[AVAILABLE] != TS:
        raise DataError(
            f"{AVAILABLE} must be Datetime(ms, UTC), is {published.schema[AVAILABLE]}; a time without a zone is no time"
        )
    if published[AVAILABLE].null_count():
        raise DataError(f"{published[AVAILABLE].null_count()} publications do not say when they were out; drop them")
