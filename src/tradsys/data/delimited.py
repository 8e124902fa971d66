"""Tables from delimited text: separator, banners before the header, and text without a header are told by the lines."""

import re
from collections import Counter
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import polars as pl

from tradsys.core.defects import ROW
from tradsys.core.errors import DataError
from tradsys.data.unpack import N_HEAD

N_LINES = 60
MIN_HEADLESS = 5
"""Fewer columns without a header are no bars."""
_SEPARATORS = (";", "\t", "|", ",")
_QUOTED = re.compile(r'"[^"]*"')
_NUMBER = re.compile(r"[+-]?[\d.,' ]*\d[\d.,]*([eE][+-]?\d+)?")
_TIME = re.compile(r"\d[\d\-/.:T +Z]*([AaPp][Mm])?")
_EMPTY = ("", "nan", "null", "none")


class Dialect(NamedTuple):
    """What separates cells, the line (from 0) of the header or else of the first row, and whether it is a header."""

    separator: str
    first: int
    has_header: bool


def delimited(source: BytesIO | Path, head: bytes, path: Path) -> pl.DataFrame:
    """Cells as text without the blanks around them, each row after its line in the file (from 1)."""
    lines = _lines(head)
    dialect = dialect_of(lines, path)
    table = pl.read_csv(
        source,
        separator=dialect.separator,
        skip_lines=dialect.first,
        has_header=dialect.has_header,
        infer_schema=False,
        truncate_ragged_lines=False,
    )
    separator = re.escape(dialect.separator)
    if re.search(rf'{separator}[ "]*[ ]|[ ]{separator}|[ ]$', "\n".join(lines), re.MULTILINE):
        table = table.with_columns(pl.all().str.strip_chars(" ").str.strip_chars('"').str.strip_chars(" "))
    return table.with_row_index(ROW, offset=dialect.first + (2 if dialect.has_header else 1))


def dialect_of(lines: list[str], path: Path) -> Dialect:
    """How the lines are to be read: most of them hold as many separators, and the first that does is the header.

    A line that names open and close is it before any other.

    >>> dialect_of(["# made by x, 2024", "a;b;c", "1;2,5;3", "1;2,5;3"], Path("x.csv"))
    Dialect(separator=';', first=1, has_header=True)
    """
    best = (0, 0, 0, ",")
    for preference, separator in enumerate(reversed(_SEPARATORS)):
        counts = Counter(n for line in lines if (n := _count(line, separator)))
        if counts:
            n_cells, n_lines = max(counts.items(), key=lambda one: (one[1], one[0]))
            best = max(best, (n_lines, n_cells, preference, separator))
    n_lines, n_cells, _, separator = best
    if not n_lines:
        raise DataError(f"{path} has no columns in its first {len(lines)} lines, wanted a CSV with a header")
    names = (row for row, line in enumerate(lines) if _names_prices(line, separator))
    usual = (row for row, line in enumerate(lines) if _count(line, separator) == n_cells)
    first, named = next(usual), next(names, None)
    if named is not None and not _begins_levels(lines[first], separator):
        first = named
    cells = [cell.strip(' "') for cell in lines[first].split(separator)]
    return Dialect(separator, first, not _is_data(cells))


def _names_prices(line: str, separator: str) -> bool:
    """A header, though it may name one cell more or fewer than there are."""
    return {"open", "close"} <= {cell.strip(' "<>').lower() for cell in line.split(separator)}


def _begins_levels(line: str, separator: str) -> bool:
    """The first of two levels of columns, as yfinance writes them."""
    return line.split(separator)[0].strip(' "').lower() in ("ticker", "price")


def _is_data(cells: list[str]) -> bool:
    if len(cells) < MIN_HEADLESS or not _TIME.fullmatch(cells[0]):
        return False
    rest = [cell for cell in cells[1:] if cell.lower() not in _EMPTY]
    return len(rest) >= MIN_HEADLESS - 1 and all(_NUMBER.fullmatch(one) or _TIME.fullmatch(one) for one in rest)


def _count(line: str, separator: str) -> int:
    return _QUOTED.sub("", line).count(separator)


def _lines(head: bytes) -> list[str]:
    """The first lines of the text, without one that was cut off."""
    cut = head.rfind(b"\n") if len(head) >= N_HEAD else -1
    text = head[: cut if cut > 0 else None].decode("utf-8-sig", errors="replace")
    return [line.rstrip("\r") for line in text.split("\n")[:N_LINES]]
