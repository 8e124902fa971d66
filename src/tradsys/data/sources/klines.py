"""Binance's klines, from archive files and from JSON pages, as frames of bars."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from tradsys.core.bars import TS
from tradsys.core.errors import ConfigError, SourceError
from tradsys.data.files import KLINE
from tradsys.data.store.series import SeriesId

_MICROSECONDS = 10**14
"""Stamps from here on are microseconds: the spot archive's are since 2025."""
_COLUMNS = ("open", "high", "low", "close", "volume", "quote_volume", "taker_buy_volume", "n_trades")


def from_csv(data: bytes, where: str) -> pl.DataFrame:
    """Bars of an archive's CSV, with or without a header, in milliseconds or microseconds."""
    has_header = not data[:1].isdigit()
    try:
        table = pl.read_csv(data, has_header=has_header, new_columns=list(KLINE), infer_schema=False)
        return _bars(table)
    except (pl.exceptions.PolarsError, ValueError) as error:
        raise SourceError(f"{where} holds no klines ({error})") from error


def from_pages(rows: Sequence[Sequence[Any]], where: str) -> pl.DataFrame:
    """Bars of a JSON page."""
    if not isinstance(rows, list) or any(not isinstance(row, list) or len(row) != len(KLINE) for row in rows):
        raise SourceError(f"{where} answered no klines but {str(rows)[:200]}")
    table = pl.DataFrame(
        {name: [str(row[i]) for row in rows] for i, name in enumerate(KLINE)}, schema=dict.fromkeys(KLINE, pl.String)
    )
    return _bars(table)


def _bars(table: pl.DataFrame) -> pl.DataFrame:
    stamps = pl.col("open_time").cast(pl.Int64)
    ms = pl.when(stamps >= _MICROSECONDS).then(stamps // 1000).otherwise(stamps)
    return table.select(ms.cast(TS).alias("ts"), *(pl.col(name).cast(pl.Float64) for name in _COLUMNS))


def ticker(series: SeriesId) -> str:
    """Binance's name of a spot pair or a USD-M perpetual.

    >>> ticker(SeriesId.parse("binance:BTC/USDT:USDT:1h"))
    'BTCUSDT'
    """
    pair, _, settled = series.symbol.partition(":")
    base, _, quote = pair.partition("/")
    if not quote or (settled and settled != quote):
        raise ConfigError(
            f"{series.symbol} is neither a spot pair (BTC/USDT) nor a USD-M perpetual (BTC/USDT:USDT), which is all "
            "that Binance's archive is read for; give --source ccxt"
        )
    return base + quote
