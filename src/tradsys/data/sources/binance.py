"""Binance's REST klines: what the archive does not have yet, or never had."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import polars as pl

from tradsys.core.errors import SourceError
from tradsys.core.time import interval_ms
from tradsys.data.sources.http import Client
from tradsys.data.sources.klines import from_pages, ticker
from tradsys.data.sources.paging import pages
from tradsys.data.sources.source import Batch, Range, utc_now
from tradsys.data.store.manifest import Origin
from tradsys.data.store.series import SeriesId

LIMIT = 1000


@dataclass(frozen=True, slots=True)
class BinanceRest:
    """Klines of spot and USD-M with all their columns."""

    client: Client
    name: str = "binance rest"
    is_paged: bool = True

    def fetch(self, series: SeriesId, ranges: Sequence[Range]) -> Iterator[Batch]:
        """Page after page from each start on."""
        for start, end in ranges:
            page = partial(self._page, series, end)
            for rows in pages(page, start, end, interval_ms(series.step), LIMIT):
                times = rows["ts"].dt.epoch("ms")
                origin = Origin(self.name, self._path(series), "", int(times[0]), int(times[-1]), len(rows), utc_now())
                yield Batch(rows, origin)

    def time(self, series: SeriesId) -> int:
        """The venue's clock (ms): it, not ours, says which bar has closed."""
        url = f"{self._base(series)}{'/api/v3' if series.market == 'spot' else '/fapi/v1'}/time"
        answer = self.client.get_json(url)
        if not isinstance(answer, dict) or not isinstance(answer.get("serverTime"), int):
            raise SourceError(f"{url} answered no time but {str(answer)[:100]}")
        return int(answer["serverTime"])

    def listed(self, series: SeriesId) -> int | None:
        """Open of the first bar there ever was (ms), None where there is none."""
        url = self._base(series) + self._path(series)
        query = {"symbol": ticker(series), "interval": series.venue_interval, "startTime": 0, "limit": 1}
        rows = from_pages(self.client.get_json(url, query), url)
        return int(rows["ts"].dt.epoch("ms")[0]) if len(rows) else None

    def _page(self, series: SeriesId, end: int, start: int) -> pl.DataFrame:
        url = self._base(series) + self._path(series)
        query = {"symbol": ticker(series), "interval": series.venue_interval, "startTime": start, "endTime": end - 1}
        return from_pages(self.client.get_json(url, {**query, "limit": LIMIT}), url)

    def _base(self, series: SeriesId) -> str:
        settings = self.client.settings
        return settings.spot_url if series.market == "spot" else settings.futures_url

    def _path(self, series: SeriesId) -> str:
        return "/api/v3/klines" if series.market == "spot" else "/fapi/v1/klines"
