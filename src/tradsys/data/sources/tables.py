"""Binance's funding rates and book depth: how their files and pages read, and the REST tail of funding."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from tradsys.core.bars import TS
from tradsys.core.errors import DataError, SourceError
from tradsys.core.time import from_ms
from tradsys.data.sources.http import Client
from tradsys.data.sources.klines import ticker
from tradsys.data.sources.source import Batch, Range, utc_now
from tradsys.data.store.manifest import Origin
from tradsys.data.store.series import SeriesId
from tradsys.data.times import settle_times

LIMIT = 1000
_FUNDING = ("calc_time", "funding_interval_hours", "last_funding_rate")
_DEPTH = ("timestamp", "percentage", "depth", "notional")


def funding_from_csv(data: bytes, where: str) -> pl.DataFrame:
    """`ts` to the minute, since stamps of one event differ by ms, `funding_rate` (a fraction) and `interval_hours`."""
    table = _table(data, _FUNDING, where)
    rows = table.select("ts", funding_rate="last_funding_rate", interval_hours="funding_interval_hours")
    return rows.with_columns(pl.col("ts").dt.round("1m"))


def depth_from_csv(data: bytes, where: str) -> pl.DataFrame:
    """`ts`, `percentage` from the mid, `depth` (base) and `notional` (quote) between the mid and there."""
    return _table(data, _DEPTH, where)


def _table(data: bytes, columns: Sequence[str], where: str) -> pl.DataFrame:
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
        """Page after page from each start on."""
        url = f"{self.client.settings.futures_url}/fapi/v1/fundingRate"
        for start, end in ranges:
            cursor = start
            while cursor < end:
                query = {"symbol": ticker(series), "startTime": cursor, "endTime": end - 1, "limit": LIMIT}
                rows = _funding_from_page(self.client.get_json(url, query), url)
                rows = rows.filter(pl.col("ts").is_between(from_ms(cursor), from_ms(end), closed="left")).sort("ts")
                if rows.is_empty():
                    break
                first, last = int(rows["ts"].dt.epoch("ms")[0]), int(rows["ts"].dt.epoch("ms")[-1])
                yield Batch(rows, Origin(self.name, "/fapi/v1/fundingRate", "", first, last, len(rows), utc_now()))
                cursor = last + 1


def _funding_from_page(answered: object, where: str) -> pl.DataFrame:
    try:
        pairs = [(int(row["fundingTime"]), float(row["fundingRate"])) for row in answered]  # type: ignore[attr-defined]
    except (TypeError, KeyError, ValueError) as error:
        raise SourceError(f"{where} answered no funding rates but {str(answered)[:200]}") from error
    rows = pl.DataFrame(pairs, schema={"ts": pl.Int64, "funding_rate": pl.Float64}, orient="row")
    return rows.with_columns(pl.col("ts").cast(TS).dt.round("1m"))
