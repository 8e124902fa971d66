"""Numbers in text with decimal commas or separated thousands, told apart by all cells together."""

from collections.abc import Sequence

import polars as pl

from tradsys.core.errors import DataError
from tradsys.data.repairs import Repair

_DECIMAL_COMMA = r"^[+-]?(\d+|\d{1,3}(\.\d{3})+),(\d{1,2}|\d{4,})$|^[+-]?(\d{1,3}(\.\d{3})+|0|\d{4,}),\d+$"
"""61000,5 and 61.000,50 and 0,125 cannot be otherwise."""
_THOUSANDS = r"^[+-]?\d{1,3}(,\d{3})+\.\d*$|^[+-]?\d{1,3}(,\d{3}){2,}$"
"""61,000.5 and 1,000,000 neither."""
_DECIMAL_POINT = r"^[+-]?(\d+\.(\d{1,2}|\d{4,})|(0|\d{4,})\.\d+)$"
_SPACED = r"^([+-]?\d+)[ '’\x{00a0}\x{202f}](\d{3})"
_N_GROUPS = 4
"""Thousands that blanks or apostrophes may part: up to a quadrillion."""


def with_points(table: pl.DataFrame, names: Sequence[str], source: str) -> tuple[pl.DataFrame, tuple[Repair, ...]]:
    """The table with points for decimal commas in these columns of text, and without separators of thousands.

    A DataError where a comma may be either (61,000), or is both.
    """
    text = [name for name in names if table.schema[name] == pl.String]
    if not text:
        return table, ()
    table, spaced = _without_blanks(table, text)
    commas = _cells(table, text, ",")
    if commas.is_empty():
        return table, spaced
    decimal, thousands = (commas.filter(commas.str.contains(pattern)) for pattern in (_DECIMAL_COMMA, _THOUSANDS))
    if thousands.is_empty():
        thousands = _cells(table, text, _DECIMAL_POINT)
    if len(decimal) and len(thousands):
        raise DataError(
            f"{source}: numbers have commas and points for decimals, such as {decimal[0]!r} and {thousands[0]!r}; "
            "write them in one way"
        )
    if len(decimal):
        points = pl.col(text).str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
        is_written_so = pl.col(text).str.contains(r",|^\d{1,3}(\.\d{3})+$")
        table = table.with_columns(pl.when(is_written_so).then(points).otherwise(pl.col(text)).name.keep())
        return table, (*spaced, _told("decimal commas", "decimal commas", decimal[0], len(table)))
    are_numbers = commas.str.contains(r"^[+-]?\d{1,3}(,\d{3})+(\.\d*)?$")
    if not are_numbers.all():
        return table, spaced  # named later, as cells that are no numbers
    if thousands.is_empty():
        raise DataError(
            f"{source}: {commas[0]!r} may be a thousand or a decimal comma; write numbers with a point alone"
        )
    table = table.with_columns(pl.col(text).str.replace_all(",", "", literal=True))
    return table, (*spaced, _told("thousands", "commas between thousands", commas[0], len(table)))


def _cells(table: pl.DataFrame, names: Sequence[str], pattern: str) -> pl.Series:
    """The cells of these columns that a pattern is found in."""
    return pl.concat([table[name].filter(table[name].str.contains(pattern)).alias("x") for name in names])


def _without_blanks(table: pl.DataFrame, text: Sequence[str]) -> tuple[pl.DataFrame, tuple[Repair, ...]]:
    spaced = _cells(table[:100], text, _SPACED)
    if spaced.is_empty():
        return table, ()
    for _ in range(_N_GROUPS):
        table = table.with_columns(pl.col(text).str.replace(_SPACED, "$1$2"))
    return table, (_told("thousands", "blanks or apostrophes between thousands", spaced[0], len(table)),)


def _told(kind: str, what: str, example: str, n_rows: int) -> Repair:
    sentence = f"numbers are written with {what}, such as {example}, and were read so"
    return Repair(kind, n_rows, (), sentence, changed=False)
