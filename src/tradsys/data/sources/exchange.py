"""Any exchange that ccxt speaks to: its bars, its clock, and which of its failures are worth another attempt."""

import difflib
import time
from collections.abc import Callable, Iterator, Sequence
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import polars as pl

from tradsys.core.bars import OHLCV, TS
from tradsys.core.errors import ConfigError, SourceError
from tradsys.core.time import interval_ms, to_ms
from tradsys.data.sources.http import Again, Client, host_of, retry_after_s
from tradsys.data.sources.source import Batch, Page, Range, Source, page_batch, pages
from tradsys.data.sources.tables import funding_from_page
from tradsys.data.store.manifest import SeriesManifest
from tradsys.data.store.places import Place
from tradsys.data.store.series import SeriesId

LIMIT, WINDOW = 1000, 100
"""Bars asked for a page; and how many a page surely spans, of exchanges that give fewer."""
FUNDING_STEP, FUNDING_WINDOW = 60_000, 30 * 24 * 60
"""Funding has no grid: the next page begins a minute after the last settlement, or 30 days on where there is none."""
_BEGINNING = 946_684_800_000
"""2000-01-01, before any market: 0 means "the latest" to many exchanges."""


class Exchange:
    """One exchange through ccxt; every request waits for its host's turn, that of other processes included."""

    is_paged = True

    def __init__(self, client: Client, exchange: str) -> None:
        import ccxt  # two seconds

        if exchange not in ccxt.exchanges:
            hint = _nearest(exchange, ccxt.exchanges) or "ccxt.exchanges lists them"
            raise ConfigError(f"ccxt knows no exchange {exchange!r}; {hint}")
        self.client = client
        self.name = f"ccxt {exchange}"
        timeout_ms = int(client.settings.timeout_s * 1000)
        self._ccxt = ccxt
        self._api: Any = getattr(ccxt, exchange)({"enableRateLimit": False, "timeout": timeout_ms})
        if client.settings.ccxt_url:
            self._api.urls["api"] = moved(self._api.urls["api"], client.settings.ccxt_url)
            self._api.has["fetchCurrencies"] = False
        self._host = exchange
        self._send = self._api.fetch
        self._api.fetch = self._paced

    def now(self, series: SeriesId) -> int:
        """The exchange's own clock, else the Date of its answer, else ours."""
        self._market(series)
        if self._api.has.get("fetchTime"):
            return int(self._call(self._api.fetch_time))
        date = (self._api.last_response_headers or {}).get("Date")
        return to_ms(parsedate_to_datetime(date)) if date else int(time.time() * 1000)

    def listed(self, series: SeriesId) -> int | None:
        """The first row of the page that begins before any market did, None where the exchange refuses or is empty."""
        try:
            rows = self._ask(series)(_BEGINNING)
        except SourceError as error:
            if isinstance(error.__cause__, self._ccxt.ExchangeError):
                return None  # too long ago for it
            raise
        return int(rows["ts"].dt.epoch("ms").min()) if len(rows) else None  # type: ignore[arg-type]

    def sources(self, series: SeriesId, now: int, place: Place, known: frozenset[str]) -> list[Source]:
        return [self]

    def reissued(self, source: Source, series: SeriesId, manifests: list[SeriesManifest]) -> Iterator[Batch]:
        return iter(())

    def fetch(self, series: SeriesId, ranges: Sequence[Range]) -> Iterator[Batch]:
        for start, end in ranges:
            step, window = (interval_ms(series.step), WINDOW) if series.is_bars else (FUNDING_STEP, FUNDING_WINDOW)
            for rows in pages(self._ask(series), start, end, step, window):
                asked = "fetch_ohlcv" if series.is_bars else "fetch_funding_rate_history"
                yield page_batch(rows, self.name, asked)

    def _ask(self, series: SeriesId) -> Page:
        return partial(self._page if series.is_bars else self._funding, series)

    def _funding(self, series: SeriesId, since: int) -> pl.DataFrame:
        answered = self._call(partial(self._api.fetch_funding_rate_history, series.symbol, since, LIMIT))
        return funding_from_page(answered, "timestamp", self.name)

    def _page(self, series: SeriesId, since: int) -> pl.DataFrame:
        answered = self._call(partial(self._api.fetch_ohlcv, series.symbol, series.venue_interval, since, LIMIT))
        schema = {"ts": pl.Int64, **dict.fromkeys(OHLCV, pl.Float64)}
        try:
            rows = pl.DataFrame([row[:6] for row in answered], schema=schema, orient="row", strict=False)
        except (TypeError, pl.exceptions.PolarsError) as error:
            raise SourceError(f"{self.name} answered no bars but {str(answered)[:200]}") from error
        return rows.drop_nulls("ts").with_columns(pl.col("ts").cast(TS))

    def _market(self, series: SeriesId) -> None:
        """Check symbol and interval against what the exchange offers."""
        markets = self._call(self._api.load_markets)
        if series.symbol not in markets:
            hint = _nearest(series.symbol, list(markets)) or "perpetuals are written BTC/USDT:USDT"
            raise ConfigError(f"{series.exchange} has no market {series.symbol}; {hint}")
        if not series.is_bars:
            if not self._api.has.get("fetchFundingRateHistory"):
                raise ConfigError(f"ccxt knows no history of funding of {series.exchange}; import a file instead")
            return
        offered = self._api.timeframes or {}
        if series.venue_interval not in offered:
            raise ConfigError(f"{series.exchange} has no {series.interval} bars, it has {', '.join(offered)}")

    def _call[T](self, ask: Callable[[], T]) -> T:
        """The answer; ccxt's OperationFailed family is what another attempt may cure, its other errors are not."""

        def once() -> T:
            try:
                return ask()
            except self._ccxt.OperationFailed as error:
                after_s = retry_after_s((self._api.last_response_headers or {}).get("Retry-After"))
                raise Again(f"{type(error).__name__}: {error}", after_s, self._host) from error
            except self._ccxt.BaseError as error:
                raise SourceError(f"{self.name}: {type(error).__name__}: {error}; retrying would not help") from error

        return self.client.patiently(self._host, once, is_paced=True)

    def _paced(self, url: str, *args: Any, **kwargs: Any) -> Any:
        self._host = host_of(url)
        # ccxt's pause is for real hosts; a host given by hand is asked at the pace of the settings alone
        least_s = 0.0 if self.client.settings.ccxt_url else self._api.rateLimit / 1000
        self.client.pace.wait(self._host, least_s=least_s)
        self._api.last_response_headers = None
        answer = self._send(url, *args, **kwargs)
        if isinstance(answer, str):
            raise Again("the answer is no whole JSON", host=self._host)
        return answer


def _nearest(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(near)}?" if near else ""


def moved(urls: Any, base: str) -> Any:
    """The same paths on another host, however deep the table of URLs is."""
    if isinstance(urls, dict):
        return {name: moved(url, base) for name, url in urls.items()}
    return base + urlsplit(urls).path if isinstance(urls, str) else urls
