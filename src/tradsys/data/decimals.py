"""Numbers in text with decimal commas or separated thousands, told apart by all cells together."""

from collections.abc import Sequence

import polars as pl

from tradsys.core.errors import DataError
from tradsys.data.repairs import Repair

_DECIMAL_COMMA = r"^[+-]?(\d+|\d{1,3}(\.\d{3})+),(\d{1,2}|\d{4,})$|^[+-]?(\d{1,3}(\.\d{3})+|0|\d{4,}),\d+$"
"""61000,5 and 61.000,50 and 0,125 cannot be otherwise."""
_THOUSANDS = r"^[+-]?\d{1,3}(,\d{3})+\.\d*$|^[+-]?\d{1,3}(,\d{3}){2,}$"
"""61,000.5 and 1,000,000 neither."""


def with_points(table: pl.DataFrame, names: Sequence[str], source: str) -> tuple[pl.DataFrame, tuple[Repair, ...]]:
    """The table with points for decimal commas in these columns of text, and without separators of thousands.

    A DataError where a comma may be either (61,000), or is both.
    """
    text = [name for name in names if table.schema[name] == pl.String]
    commas = (
        pl.concat([table[name].filter(table[name].str.contains(",", literal=True)).alias("x") for name in text])
        if (text)
        else pl.Series("x", [], dtype=pl.String)
    )
    commas = commas.str.strip_chars()
    if commas.is_empty():
        return table, ()
    decimal, thousands = (commas.filter(commas.str.contains(pattern)) for pattern in (_DECIMAL_COMMA, _THOUSANDS))
    if len(decimal) and len(thousands):
        raise DataError(
            f"{source}: a comma is both a decimal point ({decimal[0]!r}) and between thousands ({thousands[0]!r}); "
            "write numbers in one way"
        )
    if not len(decimal) and not len(thousands):
        if not commas.str.contains(r"^[+-]?\d{1,3},\d{3}$").all():
            return table, ()  # no numbers at all: named as such later
        raise DataError(
            f"{source}: {commas[0]!r} may be a thousand or a decimal comma; write numbers with a point alone"
        )
    points = pl.col(text).str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
    if len(decimal):
        is_written_so = pl.col(text).str.contains(",", literal=True) | pl.col(text).str.contains(r"^\d{1,3}(\.\d{3})+$")
        table = table.with_columns(pl.when(is_written_so).then(points).otherwise(pl.col(text)).name.keep())
        sentence = f"numbers are written with decimal commas, such as {decimal[0]}, and were read so"
        return table, (Repair("decimal commas", len(table), (), sentence, changed=False),)
    sentence = f"numbers are written with commas between thousands, such as {thousands[0]}, and were read so"
    table = table.with_columns(pl.col(text).str.replace_all(",", "", literal=True))
    return table, (Repair("thousands", len(table), (), sentence, changed=False),)
