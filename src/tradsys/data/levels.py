"""Tables with two levels of columns, price and ticker, as yfinance writes them: one row a bar and ticker."""

import ast
import re
from collections.abc import Mapping

import polars as pl

from tradsys.data.repairs import Repair

_LEVELS = {"price", "ticker", "tickers", "symbol", "symbols", "attributes"}
_N_HEADER = 2
_NOTHING = ("", "nan", "null", "none", "n/a")
_FIELDS = {"open", "high", "low", "close"}


def one_level(table: pl.DataFrame) -> tuple[pl.DataFrame, tuple[Repair, ...]]:
    """The table under the names of its prices, with a column `symbol` where it holds several tickers.

    Other tables stay as they are. A ticker's rows without any price, which stand there for the others' sake, are left
    out and told.
    """
    pairs = _pairs(table)
    if pairs is None:
        return table, ()
    is_first = "close" in {pair[0].lower() for pair in pairs.values()}
    if not is_first and "close" not in {pair[1].lower() for pair in pairs.values()}:
        return table, ()
    fields = {name: pair if is_first else pair[::-1] for name, pair in pairs.items()}
    tickers = list(dict.fromkeys(ticker for _, ticker in fields.values()))
    shared = [name for name in table.columns if name not in fields][:2]  # the row's place and its time
    if len(tickers) == 1:
        return _of(table, fields, tickers[0], shared), ()
    table = _without_header(table)
    parts, told = [], []
    for ticker in tickers:
        part = _of(table, fields, ticker, shared).with_columns(pl.lit(ticker).alias("symbol"))
        prices = [_is_empty(part[name]) for name in part.columns if name.lower() in _FIELDS]
        is_empty = part.select(pl.all_horizontal(prices)).to_series()
        if is_empty.any():
            sentence = f"{int(is_empty.sum()):,} rows hold no price of {ticker} and were left out of its bars"
            told.append(Repair("empty rows", int(is_empty.sum()), (), sentence))
        parts.append(part.filter(~is_empty))
    names = [name for name in parts[0].columns if all(name in part.columns for part in parts)]
    sentence = f"two levels of columns: read as bars of {', '.join(tickers)}"
    told.insert(0, Repair("two levels", len(table), (), sentence, changed=False))
    return pl.concat([part.select(names) for part in parts]), tuple(told)


def _is_empty(column: pl.Series) -> pl.Series:
    """Which cells hold nothing; text that is no number with a point may be one with a comma."""
    if column.dtype == pl.String:
        return column.fill_null("").str.strip_chars().str.to_lowercase().is_in(_NOTHING)
    return column.cast(pl.Float64, strict=False).fill_nan(None).is_null()


def _pairs(table: pl.DataFrame) -> Mapping[str, tuple[str, str]] | None:
    """Both levels of each column that has two; None where the table has one."""
    named = {name: pair for name in table.columns if (pair := _pair(name)) is not None}
    if named:
        return {name: pair for name, pair in named.items() if all(pair)}
    if table.width < 2:
        return None
    first, row = table.columns[1], table.row(0) if len(table) else ()
    is_text = table.schema[first] == pl.String and len(row) > 2
    if not is_text or first.strip().lower() not in _LEVELS or str(row[1]).strip().lower() not in _LEVELS:
        return None
    return {
        name: (re.sub(r"_duplicated_\d+$", "", name), str(value))
        for name, value in zip(table.columns[2:], row[2:], strict=True)
        if value
    }


def _pair(name: str) -> tuple[str, str] | None:
    """The tuple that pandas wrote as a column's name."""
    if not name.startswith("("):
        return None
    try:
        value = ast.literal_eval(name)
    except (ValueError, SyntaxError):
        return None
    is_pair = isinstance(value, tuple) and len(value) == 2 and all(isinstance(part, str) for part in value)
    return value if is_pair else None


def _of(table: pl.DataFrame, fields: Mapping[str, tuple[str, str]], ticker: str, shared: list[str]) -> pl.DataFrame:
    own = {name: field for name, (field, whose) in fields.items() if whose == ticker}
    time = {shared[1]: "Date"} if len(shared) > 1 else {}
    return table.select(*shared, *own).rename({**time, **own})


def _without_header(table: pl.DataFrame) -> pl.DataFrame:
    """Without the further lines of the header that a CSV has, of which the last names the times."""
    first = table.columns[1]
    if table.schema[first] != pl.String:
        return table
    words = table[first].fill_null("").str.strip_chars().str.to_lowercase()
    is_header = words.is_in([*_LEVELS, "date", "datetime", ""]) & (pl.Series(range(len(table))) < _N_HEADER)
    return table.filter(~is_header)
