"""Tables from files by their content: Parquet, Feather, CSV and JSON, packed or not; numbers from text."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import polars as pl

from tradsys.core.defects import ROW
from tradsys.core.errors import DataError
from tradsys.data.delimited import delimited
from tradsys.data.json_tables import is_json, json_table
from tradsys.data.unpack import unpacked

SUFFIXES = (
    ".parquet",
    ".feather",
    ".arrow",
    ".csv",
    ".gz",
    ".zst",
    ".zip",
    ".bz2",
    ".xz",
    ".txt",
    ".tsv",
    ".json",
    ".jsonl",
)
"""How files of tables end; what they are is told by their first bytes."""


def read_table(path: Path) -> tuple[pl.DataFrame, str]:
    """Every row and column after the row's place in the file (`__row`), and what a place is: a "line" or a "row".

    Lines of a CSV count from 1, rows of other files from 0. A CSV's cells stay text; without a header its columns are
    called `column_1` and so on, as are those of a JSON list of lists.
    """
    if path.is_dir():
        raise DataError(f"{path} is a folder, wanted a Parquet, Feather or CSV file; name one of the files in it")
    try:
        content = unpacked(path)
        if content.head.startswith(b"PAR1"):
            return pl.read_parquet(_source(content.data, path)).with_row_index(ROW), "row"
        if content.head.startswith(b"ARROW1"):
            return pl.read_ipc(_source(content.data, path)).with_row_index(ROW), "row"
        if is_json(content.head):
            data = path.read_bytes() if content.data is None else content.data
            return json_table(data, path).with_row_index(ROW), "row"
        return delimited(_source(content.data, path), content.head, path), "line"
    except (pl.exceptions.PolarsError, UnicodeDecodeError, OSError) as error:
        if "found more fields" in str(error):
            raise DataError(f"{path}: a line holds more cells than the header names; mend the header") from error
        raise DataError(f"{path} cannot be read as Parquet, Feather, CSV or JSON: {error}; fetch it again") from error


def _source(data: bytes | None, path: Path) -> BytesIO | Path:
    return path if data is None else BytesIO(data)


def columns_in(path: Path) -> list[str]:
    """The names of a file's columns; of Parquet, nothing else is read."""
    if path.is_file() and is_parquet(path):
        try:
            return list(pl.read_parquet_schema(path))
        except (pl.exceptions.PolarsError, OSError) as error:
            raise DataError(f"{path} cannot be read as Parquet: {error}; fetch it again") from error
    return read_table(path)[0].columns[1:]


def is_parquet(path: Path) -> bool:
    """Whether the file begins as Parquet does; such a file can be read part by part."""
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


_BLANK = ("", ".", "null", "NaN", "nan")
_N_SHOWN = 3


def numbers(column: pl.Series, source: Path | str, *, absent: Sequence[str] = ()) -> pl.Series:
    """Float64, null where a cell is empty or one of the `absent` words; `source` is for the error."""
    if column.dtype != pl.String:
        return column.cast(pl.Float64).fill_nan(None)
    text = column.str.strip_chars()
    is_blank = text.is_null() | text.is_in([*_BLANK, *absent])
    value = text.set(is_blank, None).cast(pl.Float64, strict=False)
    unread = text.filter(value.is_null() & ~is_blank)
    if len(unread):
        shown = ", ".join(repr(cell) for cell in unread[:_N_SHOWN])
        raise DataError(f"{source}: {len(unread):,} cells of {column.name} are no numbers, such as {shown}; mend them")
    return value
