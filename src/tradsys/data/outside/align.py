"""Publications joined to bars: each bar carries the last one that was out when it closed, and how old that was."""

from collections.abc import Sequence
from datetime import timedelta

import polars as pl

from tradsys.core.bars import TS
from tradsys.core.errors import DataError
from tradsys.core.time import interval_ms

AVAILABLE = "available_at"
"""When a row of publications could first be read; two rows may never be told apart by anything later."""

_CLOSE = "__close"


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
    rows = rows.filter((pl.col(AVAILABLE) != pl.col(AVAILABLE).shift(-1)).fill_null(True))
    close = (pl.col("ts") + timedelta(milliseconds=interval_ms(interval))).alias(_CLOSE)
    keyed = bars.select(close).with_row_index("__row").sort(_CLOSE, maintain_order=True)
    known = keyed.join_asof(
        rows, left_on=_CLOSE, right_on=AVAILABLE, strategy="backward", tolerance=tolerance, coalesce=False
    ).sort("__row")
    values = [known[name].fill_null(float("nan")) for name in columns]
    if age is not None:
        hours = (known[_CLOSE] - known[AVAILABLE]).dt.total_milliseconds() / 3.6e6
        values.append(hours.fill_null(float("nan")).alias(age))
    return bars.with_columns(values)


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
