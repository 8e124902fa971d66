"""Times of a column in UTC: zoned ones, dates, numbers since 1970, and those without a zone, which are told."""

from typing import Final

import polars as pl

from tradsys.core.errors import DataError
from tradsys.core.time import stamp
from tradsys.core.told import tell

EPOCH_UNITS: Final = (
    ("s", 3e8, 1e11, 1e3),
    ("ms", 1e11, 1e14, 1.0),
    ("us", 1e14, 1e17, 1e-3),
    ("ns", 1e17, 1e19, 1e-6),
)
"""Epoch units by size: name, smallest, largest, milliseconds in one; they do not overlap between 1980 and 5000."""
_UTC = pl.Datetime("ms", "UTC")


def utc_times(column: pl.Series, wanted_by: str) -> pl.Series:
    """The column as Datetime("ms", "UTC"), shape (n_bars,); a DataError for text, empty cells and numbers of no epoch.

    Times without a zone, dates included, are taken as UTC, which a line on the standard error stream says.
    """
    if column.null_count():
        rows = column.is_null().arg_true()
        raise DataError(
            f"{wanted_by} wants a time in every row, found {len(rows):,} without one in {column.name!r}, first row "
            f"{rows[0]}; mend or drop them"
        )
    dtype = column.dtype
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        return column.dt.convert_time_zone("UTC").dt.cast_time_unit("ms")
    if isinstance(dtype, pl.Datetime) or dtype == pl.Date:
        times = column.cast(pl.Datetime("ms")).dt.replace_time_zone("UTC")
        if len(times):
            tell_no_zone(wanted_by, column.name, int(times.dt.epoch("ms")[0]))
        return times
    if dtype.is_integer() or dtype.is_float():
        return _since_1970(column, wanted_by)
    found = f"{dtype}, such as {column[0]!r}" if len(column) else str(dtype)
    raise DataError(
        f"{wanted_by} wants times in {column.name!r}, found {found}; load_bars(frame) reads text, or convert it: "
        "pandas.to_datetime(..., utc=True)"
    )


def epoch_ms(number: float) -> int | None:
    """Milliseconds of a time in s, ms, us or ns since 1970, told by its size; None for what is no such time."""
    for _, low, high, scale in EPOCH_UNITS:
        if low <= number < high:
            return round(number * scale) if scale >= 1 else int(number) // round(1 / scale)
    return None


def _since_1970(column: pl.Series, wanted_by: str) -> pl.Series:
    if column.is_empty():
        return column.cast(pl.Int64).cast(_UTC)
    for _, low, high, scale in EPOCH_UNITS:
        if bool(column.is_between(low, high, "left").all()):
            ms = (column * scale).round() if scale >= 1 else column.cast(pl.Int64) // round(1 / scale)
            return ms.cast(pl.Int64).cast(_UTC)
    raise DataError(
        f"{wanted_by} wants times in {column.name!r}, found numbers such as {column[0]!r} that are not all s, ms, us "
        "or ns since 1970; give datetimes, or load_bars(frame), which reads each by its size"
    )


def tell_no_zone(wanted_by: str, name: str, first_ms: int | None = None) -> None:
    """Say, once for the same times, that they name no zone and are UTC for us."""
    first = "" if first_ms is None else f", the first as {stamp(first_ms)}"
    tell(f"{wanted_by}: times in {name!r} name no zone and are taken as UTC{first}; zoned times leave no doubt")
