"""Numbers from a column of anybody's file: text is read, empty cells stay empty, and what is no number is refused."""

from pathlib import Path

import polars as pl

from tradsys.core.errors import DataError

_BLANK = ("", ".", "null", "NaN", "nan")
_N_SHOWN = 3


def numbers(column: pl.Series, source: Path | str) -> pl.Series:
    """Float64, null where a cell is empty; `source` is for the error."""
    if column.dtype != pl.String:
        return column.cast(pl.Float64).fill_nan(None)
    text = column.str.strip_chars()
    is_blank = text.is_null() | text.is_in(_BLANK)
    value = text.set(is_blank, None).cast(pl.Float64, strict=False)
    unread = text.filter(value.is_null() & ~is_blank)
    if len(unread):
        shown = ", ".join(repr(cell) for cell in unread[:_N_SHOWN])
        raise DataError(f"{source}: {len(unread):,} cells of {column.name} are no numbers, such as {shown}; mend them")
    return value
