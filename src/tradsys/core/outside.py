"""Columns of bars from outside the symbol's own trades, as they were known when each bar closed."""

from typing import Final

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray
from tradsys.core.errors import DataError

FAMILIES: Final = ("macro", "book", "flow", "rank", "funding")
"""A column is called `<family>_<what>`: of another market, the order book, positions (`flow`), the other symbols."""

_BEGINNINGS = tuple(f"{family}_" for family in FAMILIES)


def outside_columns(bars: pl.DataFrame) -> tuple[str, ...]:
    """Their names, in the order of the frame; each holds Float64, NaN where nothing was known."""
    return tuple(filter(starts_outside, bars.columns))


def starts_outside(name: str) -> bool:
    """Whether a column of this name comes from outside."""
    return name.startswith(_BEGINNINGS)


def outside_values(bars: pl.DataFrame, name: str) -> FloatArray:
    """One such column, shape (n_bars,); a DataError where the bars come without it."""
    if name not in bars.columns:
        there = outside_columns(bars)
        raise DataError(
            f"wanted bars with a column {name}, found {', '.join(there) if there else 'none from outside'}; "
            f"attach the {_called(name)} data before features are computed, or leave the feature out"
        )
    return np.ascontiguousarray(bars[name].fill_null(np.nan).to_numpy(), dtype=np.float64)


def _called(column: str) -> str:
    """The family of a column as settings and options call it."""
    family = column.partition("_")[0]
    return "positions" if family == "flow" else family
