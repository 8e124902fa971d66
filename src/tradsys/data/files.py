"""Tables from files: Parquet, Feather and CSV, recognised by their content."""

from pathlib import Path

import polars as pl

from tradsys.core.defects import ROW
from tradsys.core.errors import DataError

KLINE = (
    "open_time",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "close_time",
    "quote_volume",
    "n_trades",
    "taker_buy_volume",
    "taker_buy_quote_volume",
    "ignore",
)
_SEPARATORS = (",", ";", "\t", "|")


def read_table(path: Path) -> tuple[pl.DataFrame, str]:
    """Every row and column after the row's place in the file (`__row`), and what a place is: a "line" or a "row".

    Lines of a CSV count from 1, rows of other files from 0. A CSV's cells stay text.
    """
    if path.is_dir():
        raise DataError(f"{path} is a folder, wanted a Parquet, Feather or CSV file; name one of the files in it")
    with path.open("rb") as file:
        head = file.read(8)
    if not head:
        raise DataError(f"{path} is empty, wanted bars; fetch it again")
    try:
        if head.startswith(b"PAR1"):
            return pl.read_parquet(path).with_row_index(ROW), "row"
        if head.startswith(b"ARROW1"):
            return pl.read_ipc(path).with_row_index(ROW), "row"
        return _read_csv(path), "line"
    except (pl.exceptions.PolarsError, UnicodeDecodeError, OSError) as error:
        raise DataError(f"{path} cannot be read as Parquet, Feather or CSV: {error}; fetch it again") from error


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


def _read_csv(path: Path) -> pl.DataFrame:
    """Text cells; lines before the header that hold no separator are skipped, and a headless kline archive is named."""
    with path.open("rb") as file:
        packed = file.read(4)
    text = packed[:2] != b"\x1f\x8b" and packed != b"\x28\xb5\x2f\xfd"
    if packed[:2] == b"PK" or (text and b"\x00" in packed):
        raise DataError(f"{path} is neither Parquet, Feather nor CSV (it begins with {packed!r}); unpack or convert it")
    lines = _first_lines(path) if text else [","]
    separator = max(_SEPARATORS, key=lambda mark: max(line.count(mark) for line in lines))
    skip = next((i for i, line in enumerate(lines) if separator in line), None)
    if skip is None:
        raise DataError(f"{path} has no columns in its first {len(lines)} lines, wanted a CSV with a header")
    cells = lines[skip].split(separator)
    is_headless = len(cells) == len(KLINE) and all(_is_number(cell) for cell in cells)
    table = pl.read_csv(
        path,
        separator=separator,
        skip_lines=skip,
        has_header=not is_headless,
        new_columns=list(KLINE) if is_headless else None,
        infer_schema=False,
        truncate_ragged_lines=False,
    )
    return table.with_row_index(ROW, offset=skip + (1 if is_headless else 2))


def _first_lines(path: Path, n: int = 20) -> list[str]:
    with path.open(encoding="utf-8-sig") as file:
        return [line.rstrip("\n") for _, line in zip(range(n), file, strict=False)]


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
