"""Binance's tables that are no bars: how the archive's files of them read, and the REST tail of funding."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import polars as pl

from tradsys.core.bars import TS
from tradsys.core.errors import DataError, SourceError
from tradsys.data.headless import KLINE
from tradsys.data.sources.http import Client
from tradsys.data.sources.klines import ticker
from tradsys.data.sources.source import Batch, Range, page_batch, pages
from tradsys.data.store.admit import OPEN_INTEREST, RATIOS
from tradsys.data.store.series import SeriesId
from tradsys.data.times import settle_times

LIMIT = 1000
_FUNDING_PATH = "/fapi/v1/fundingRate"
_FUNDING = ("calc_time", "funding_interval_hours", "last_funding_rate")
_DEPTH = ("timestamp", "percentage", "depth", "notional")


def funding_from_csv(data: bytes, where: str) -> pl.DataFrame:
    """`ts` to the minute, since stamps of one event differ by ms, `funding_rate` (a fraction) and `interval_hours`."""
    table = _plain_table(data, _FUNDING, where)
    rows = table.select("ts", funding_rate="last_funding_rate", interval_hours="funding_interval_hours")
    return rows.with_columns(pl.col("ts").dt.round("1m"))


def depth_from_csv(data: bytes, where: str) -> pl.DataFrame:
    """`ts`, `percentage` from the mid, `depth` (base) and `notional` (quote) between the mid and there."""
    return _plain_table(data, _DEPTH, where)


def _plain_table(data: bytes, columns: Sequence[str], where: str) -> pl.DataFrame:
    has_header = not data[:1].isdigit()
    try:
        text = pl.read_csv(data, has_header=has_header, new_columns=list(columns), infer_schema=False)
        ms = settle_times(text[columns[0]], where).ms
        numbers = text.select(pl.col(columns[1:]).cast(pl.Float64))
    except (pl.exceptions.PolarsError, DataError, ValueError) as error:
        raise SourceError(f"{where} holds no {', '.join(columns)} ({error})") from error
    return numbers.select(ms.cast(TS).alias("ts"), pl.all())


@dataclass(frozen=True, slots=True)
class FundingRest:
    """Funding rates of the days that no monthly file holds yet."""

    client: Client
    name: str = "binance rest"
    is_paged: bool = True

    def fetch(self, series: SeriesId, ranges: Sequence[Range]) -> Iterator[Batch]:
        for start, end in ranges:
            page = partial(self._page, series, end)
            for rows in pages(page, start, end, 1, end - start):  # nothing follows a page without a settlement
                yield page_batch(rows, self.name, _FUNDING_PATH)

    def _page(self, series: SeriesId, end: int, start: int) -> pl.DataFrame:
        url = self.client.settings.futures_url + _FUNDING_PATH
        query = {"symbol": ticker(series), "startTime": start, "endTime": end - 1, "limit": LIMIT}
        return funding_from_page(self.client.get_json(url, query), "fundingTime", url)


def funding_from_page(answered: object, time: str, where: str) -> pl.DataFrame:
    """`ts` to the minute and `funding_rate` of a JSON page whose rows keep their time in `time`."""
    try:
        pairs = [(int(row[time]), float(row["fundingRate"])) for row in answered]  # type: ignore[attr-defined]
    except (TypeError, KeyError, ValueError) as error:
        raise SourceError(f"{where} answered no funding rates but {str(answered)[:200]}") from error
    rows = pl.DataFrame(pairs, schema={"ts": pl.Int64, "funding_rate": pl.Float64}, orient="row")
    return rows.with_columns(pl.col("ts").cast(TS).dt.round("1m"))


_METRICS = ("create_time", "symbol", *OPEN_INTEREST, *RATIOS)
_ORDERS = (
    "time",
    "side",
    "order_type",
    "time_in_force",
    "original_quantity",
    "price",
    "average_price",
    "order_status",
    "last_fill_quantity",
    "accumulated_fill_quantity",
)
_SIDES = {"BUY": "buy", "SELL": "sell"}


def metrics_from_csv(data: bytes, where: str) -> pl.DataFrame:
    """A row in five minutes: `ts` to the minute, `sum_open_interest` (base), its value (quote), and four ratios.

    Rows come in any order and often twice; a ratio may be empty.
    """
    numbers = [pl.col(name).cast(pl.Float64) for name in _METRICS[2:]]
    return _table(data, _METRICS, _METRICS, numbers, where).with_columns(pl.col("ts").dt.round("1m"))


def premium_from_csv(data: bytes, where: str) -> pl.DataFrame:
    """Premium of the perpetual over its index as bars: `ts` (the open), `open, high, low, close`, fractions."""
    return _table(data, KLINE, KLINE[:5], [pl.col(name).cast(pl.Float64) for name in KLINE[1:5]], where)


def liquidations_from_csv(data: bytes, where: str) -> pl.DataFrame:
    """An order a row: `ts`, `side` ("sell" ends a long), average `price`, `size_base` filled, and its `status`.

    At most one order a second and symbol is there, and each is written twice: equal rows are one order.
    """
    wanted = ("time", "side", "average_price", "accumulated_fill_quantity", "order_status")
    values = [
        pl.col("side").str.to_uppercase().replace_strict(_SIDES, default=None, return_dtype=pl.String).alias("side"),
        pl.col("average_price").cast(pl.Float64).alias("price"),
        pl.col("accumulated_fill_quantity").cast(pl.Float64).alias("size_base"),
        pl.col("order_status").str.to_lowercase().alias("status"),
    ]
    return _table(data, _ORDERS, wanted, values, where)


def _table(
    data: bytes, columns: Sequence[str], wanted: Sequence[str], values: Sequence[pl.Expr], where: str
) -> pl.DataFrame:
    """`ts` from the first column, and the values: by name where there is a header, else in the archive's order."""
    has_header = not data[:1].isdigit()
    try:
        text = pl.read_csv(data, has_header=has_header, infer_schema=False)
        if not has_header:
            text = text.rename(dict(zip(text.columns, columns, strict=True)))
        lacking = [name for name in wanted if name not in text.columns]
        if lacking:
            raise ValueError(f"found no column {', '.join(lacking)}")
    except (pl.exceptions.PolarsError, ValueError) as error:
        raise SourceError(f"{where} holds no {', '.join(wanted)} ({error})") from error
    try:
        return text.select(settle_times(text[columns[0]], where).ms.cast(TS).alias("ts"), *values)
    except (pl.exceptions.PolarsError, DataError, ValueError) as error:
        raise SourceError(f"{where} cannot be read ({error})") from error
