"""A venue as a download sees it: its clock, when a market was listed, and the sources to ask, in order."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from tradsys.core.errors import ConfigError
from tradsys.data.settings import DataSettings
from tradsys.data.sources.archive import DAILY, MONTHLY, Archive
from tradsys.data.sources.http import Client
from tradsys.data.sources.klines import BinanceRest
from tradsys.data.sources.source import Batch, Source
from tradsys.data.sources.tables import FundingRest
from tradsys.data.store.manifest import SeriesManifest
from tradsys.data.store.places import Place
from tradsys.data.store.series import DEPTH, FUNDING, LIQUIDATIONS, METRICS, PREMIUM, SeriesId

FIRST = {
    FUNDING: 1_567_296_000_000,
    DEPTH: 1_672_531_200_000,
    METRICS: 1_598_918_400_000,
    PREMIUM: 1_577_836_800_000,
    LIQUIDATIONS: 1_687_651_200_000,
}
"""Where the archive of what is no bars begins: 2019-09, 2023-01, 2020-09, 2020-01 and 2023-06-25."""

LAST = {LIQUIDATIONS: 1_711_929_600_000}
"""Where it ends for good: nothing was added of USD-M liquidations after 2024-03-31, and what was there went missing."""

type Choice = Literal["auto", "archive", "ccxt"]


class DownloadVenue(Protocol):
    """What a download needs to know besides the rows."""

    def now(self, series: SeriesId) -> int:
        """The venue's clock in milliseconds: it says which bars have closed."""

    def listed(self, series: SeriesId) -> int | None:
        """Open of the first bar (ms), None where the venue does not publish it."""

    def sources(self, series: SeriesId, now: int, place: Place, known: frozenset[str]) -> list[Source]:
        """Whom to ask, one after the other, for what is still missing."""

    def reissued(self, source: Source, series: SeriesId, manifests: list[SeriesManifest]) -> Iterator[Batch]:
        """Files that a source has issued again since they were fetched."""


@dataclass(frozen=True, slots=True)
class Binance:
    """Monthly files, daily files for what those leave out, REST for what no file holds."""

    client: Client

    def now(self, series: SeriesId) -> int:
        return BinanceRest(self.client).time(series)

    def listed(self, series: SeriesId) -> int | None:
        return FIRST[series.interval] if series.interval in FIRST else BinanceRest(self.client).listed(series)

    def sources(self, series: SeriesId, now: int, place: Place, known: frozenset[str]) -> list[Source]:
        if series.interval == FUNDING:
            return [Archive(self.client, place, now, MONTHLY, known), FundingRest(self.client)]
        if series.interval in (DEPTH, METRICS, LIQUIDATIONS):
            return [Archive(self.client, place, min(now, LAST.get(series.interval, now)), DAILY, known)]
        archives: list[Source] = [Archive(self.client, place, now, period, known) for period in (MONTHLY, DAILY)]
        return archives if series.interval == PREMIUM else [*archives, BinanceRest(self.client)]

    def reissued(self, source: Source, series: SeriesId, manifests: list[SeriesManifest]) -> Iterator[Batch]:
        return source.reissued(series, manifests) if isinstance(source, Archive) else iter(())


def venue_of(series: SeriesId, settings: DataSettings, choice: Choice = "auto") -> DownloadVenue:
    """Binance's archive for its spot and USD-M markets, ccxt for everything else or where it is asked for."""
    client = Client.of(settings)
    if series.interval == FUNDING and series.market != "swap":
        raise ConfigError(f"only perpetuals settle funding, such as {series.exchange}:BTC/USDT:USDT:{FUNDING}")
    pair, _, settled = series.symbol.partition(":")
    is_coin_margined = bool(settled) and not pair.endswith(f"/{settled}")
    has_archive = series.exchange == "binance" and series.market in ("spot", "swap") and not is_coin_margined
    is_archived = has_archive and series.market == "swap" and choice != "ccxt"
    if not series.is_bars and series.interval != FUNDING and not is_archived:
        raise ConfigError(
            f"{series.interval} is there of Binance's perpetuals alone, in its archive: "
            f"binance:BTC/USDT:USDT:{series.interval}"
        )
    if choice == "archive" and not has_archive:
        raise ConfigError(
            f"only Binance's spot and USD-M markets have an archive, {series} has none; leave --source out"
        )
    if has_archive and choice != "ccxt":
        return Binance(client)
    from tradsys.data.sources.exchange import Exchange

    return Exchange(client, series.exchange)
