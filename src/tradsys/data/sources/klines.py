"""Binance's klines, from archive files and from JSON pages, as frames of bars."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import polars as pl

from tradsys.core.bars import TS
from tradsys.core.errors import ConfigError, SourceError
from tradsys.core.time import interval_ms
from tradsys.data.headless import KLINE
from tradsys.data.sources.http import Client
from tradsys.data.sources.source import Batch, Range, page_batch, pages
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


LIMIT = 1000


@dataclass(frozen=True, slots=True)
class BinanceRest:
    """Klines of spot and USD-M with all their columns."""

    client: Client
    name: str = "binance rest"
    is_paged: bool = True

    def fetch(self, series: SeriesId, ranges: Sequence[Range]) -> Iterator[Batch]:
        for start, end in ranges:
            page = partial(self._page, series, end)
            for rows in pages(page, start, end, interval_ms(series.step), LIMIT):
                yield page_batch(rows, self.name, self._path(series))

    def time(self, series: SeriesId) -> int:
        """The venue's clock (ms): it, not ours, says which bar has closed."""
        url = self._base(series) + self._path(series, "time")
        answer = self.client.get_json(url)
        if not isinstance(answer, dict) or not isinstance(answer.get("serverTime"), int):
            raise SourceError(f"{url} answered no time but {str(answer)[:100]}")
        return int(answer["serverTime"])

    def listed(self, series: SeriesId) -> int | None:
        """Open of the first bar there ever was (ms), None where there is none."""
        rows = self._klines(series, startTime=0, limit=1)
        return int(rows["ts"].dt.epoch("ms")[0]) if len(rows) else None

    def _page(self, series: SeriesId, end: int, start: int) -> pl.DataFrame:
        return self._klines(series, startTime=start, endTime=end - 1, limit=LIMIT)

    def _klines(self, series: SeriesId, **asked: int) -> pl.DataFrame:
        url = self._base(series) + self._path(series)
        query = {"symbol": ticker(series), "interval": series.venue_interval, **asked}
        return from_pages(self.client.get_json(url, query), url)

    def _base(self, series: SeriesId) -> str:
        settings = self.client.settings
        return settings.spot_url if series.market == "spot" else settings.futures_url

    def _path(self, series: SeriesId, what: str = "klines") -> str:
        return f"/api/v3/{what}" if series.market == "spot" else f"/fapi/v1/{what}"
