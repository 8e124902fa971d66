"""Columns of bars that come without names: Binance's klines, Kraken's and ccxt's lists, known by what they hold."""

import re
from collections.abc import Sequence

import polars as pl

from tradsys.core.defects import ROW
from tradsys.core.errors import DataError
from tradsys.data.repairs import Repair

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
_PRICES = ("open", "high", "low", "close")
_MOST = 3
"""With more columns behind the prices, whole numbers may be anything, as a flag of OKX."""
_MEANT = 0.01
"""Share of the price by which a turnover may lie outside of what the volume cost at the lowest and highest price."""


def is_headless(table: pl.DataFrame) -> bool:
    """Whether the file named none of its columns."""
    names = [name for name in table.columns if name != ROW]
    return bool(names) and all(re.fullmatch(r"column_\d+", name) for name in names)


def with_names(table: pl.DataFrame, source: str) -> tuple[pl.DataFrame, tuple[Repair, ...]]:
    """The table with names for its columns, and what was guessed; a DataError where they are bars in no usual order."""
    found = [name for name in table.columns if name != ROW]
    names = _names(table, found)
    if names is None or not _are_prices(named := table.rename(dict(zip(found, names, strict=True)))):
        raise DataError(
            f"{source} has no header, and its {len(found)} columns are not time, open, high, low, close, volume in "
            "this order; add a header line, or say what is where with --columns open=column_2"
        )
    if tuple(names) == KLINE:
        return named, ()
    sentence = f"no header; the columns were read as {', '.join(names)}"
    return named, (Repair("no header", len(table), (), sentence, changed=False),)


def _names(table: pl.DataFrame, found: Sequence[str]) -> list[str] | None:
    if len(found) == len(KLINE):
        return list(KLINE)
    has_clock = len(found) > 5 and str(table[found[1]].drop_nulls().head(1).to_list()[:1]).count(":") > 0
    lead = ["date", "time"] if has_clock else ["time"]
    rest = found[len(lead) + len(_PRICES) :]
    if len(found) < len(lead) + len(_PRICES) or len(rest) > 4:
        return None
    numbers = table.select(pl.col(name).cast(pl.Float64, strict=False) for name in found[len(lead) :])
    low, high = (numbers[found[len(lead) + i]] for i in (2, 1))
    names = [*lead, *_PRICES]
    for i, name in enumerate(rest):
        column = numbers[name]
        if i == 0 and len(rest) > 1 and bool(((column >= low) & (column <= high)).all()):
            names.append("vwap")
        elif "volume" not in names:
            names.append("volume")
        elif "quote_volume" not in names and _is_turnover(column, numbers[found[names.index("volume")]], low, high):
            names.append("quote_volume")
        elif "n_trades" not in names and len(rest) <= _MOST and bool((column == column.round()).all()):
            names.append("n_trades")
        else:
            names.append(f"other_{i}")
    return names


def _is_turnover(column: pl.Series, volume: pl.Series, low: pl.Series, high: pl.Series) -> bool:
    least, most = volume * low * (1 - _MEANT), volume * high * (1 + _MEANT)
    return bool(((column >= least) & (column <= most)).all())


def _are_prices(table: pl.DataFrame) -> bool:
    """Whether highs are highest and lows lowest in nearly every row; single wrong rows are named later."""
    o, h, low, c = (table[name].cast(pl.Float64, strict=False) for name in _PRICES)
    are = (h >= o) & (h >= c) & (low <= o) & (low <= c)
    return int(are.fill_null(False).sum()) > 0.9 * len(table)
