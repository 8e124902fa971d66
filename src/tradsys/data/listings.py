"""When each symbol could be traded, from a table: what bars alone do not know."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from tradsys.core.errors import DataError
from tradsys.data.files import read_table

_COLUMNS = ("symbol", "listed", "delisted")


@dataclass(frozen=True, slots=True)
class Listing:
    """First and last moment of trading in ms, UTC; None where it is that of the bars."""

    listed_ms: int | None = None
    delisted_ms: int | None = None

    def __post_init__(self) -> None:
        if self.listed_ms is not None and self.delisted_ms is not None and self.listed_ms >= self.delisted_ms:
            raise DataError("a symbol is listed before it is delisted; are the two columns swapped?")


def read_listings(path: Path) -> dict[str, Listing]:
    """From a table with the columns symbol, listed and delisted; dates are ISO 8601, UTC, empty where unknown."""
    if not path.exists():
        raise DataError(f"no table of listings at {path}; leave the setting empty to take listings from the bars")
    table, _ = read_table(path)
    if missing := [name for name in _COLUMNS if name not in table.columns]:
        raise DataError(f"{path.name} needs the columns {', '.join(_COLUMNS)}, lacks {', '.join(missing)}")
    names = table["symbol"].cast(pl.String)
    if names.null_count() or names.is_duplicated().any():
        raise DataError(f"{path.name} must name every symbol once; drop the empty or repeated rows")
    listed, delisted = (_times(table[name], path.name) for name in _COLUMNS[1:])
    return {name: Listing(a, b) for name, a, b in zip(names.to_list(), listed, delisted, strict=True)}


def _times(column: pl.Series, source: str) -> list[int | None]:
    text = column.cast(pl.String).str.strip_chars().replace("", None)
    try:
        days = text.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=True)
        return days.cast(pl.Datetime("ms")).dt.epoch("ms").to_list()
    except pl.exceptions.InvalidOperationError as error:
        raise DataError(f"{source}: {column.name} must hold dates such as 2023-04-01 ({error})") from error
