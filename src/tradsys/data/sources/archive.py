"""Binance's public archive: klines in monthly files, daily ones for what those leave out, and other tables."""

import hashlib
import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar
from urllib.parse import urlsplit

import polars as pl

from tradsys.core.errors import DataError, SourceError
from tradsys.core.time import from_ms, to_ms
from tradsys.data.sources.http import Client
from tradsys.data.sources.klines import from_csv, ticker
from tradsys.data.sources.source import Batch, Range, utc_now
from tradsys.data.sources.tables import (
    depth_from_csv,
    funding_from_csv,
    liquidations_from_csv,
    metrics_from_csv,
    premium_from_csv,
)
from tradsys.data.store.manifest import Flaw, Origin, SeriesManifest
from tradsys.data.store.places import Place
from tradsys.data.store.series import DEPTH, FUNDING, LIQUIDATIONS, METRICS, PREMIUM, SeriesId

DIFFERS, UNCHECKED = "checksum differs", "no checksum"


@dataclass(frozen=True, slots=True)
class Zipped:
    """The one file in a zip, SHA-256 of the zip as received, and what is doubtful about it."""

    content: bytes
    sha256: str
    flags: tuple[str, ...] = ()


class Damaged(SourceError):
    """A zip that cannot be read, twice; `body` is what came."""

    def __init__(self, message: str, body: bytes) -> None:
        super().__init__(message)
        self.body = body


def fetch_zip(client: Client, url: str) -> Zipped | None:
    """The file, None where the archive has none.

    One that disagrees with its checksum is fetched once more. If it still does, it is Damaged unless the zip's own
    CRC holds: then the checksum is what is stale, and the file is taken with a flag.
    """
    body = client.get(url)
    if body is None:
        return None
    published = checksum(client, url)
    if published is not None and published != hashlib.sha256(body).hexdigest():
        body = client.get(url) or body
        published = checksum(client, url)
    sha256 = hashlib.sha256(body).hexdigest()
    flags = (UNCHECKED,) if published is None else (DIFFERS,) if published != sha256 else ()
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            return Zipped(archive.read(archive.namelist()[0]), sha256, flags)  # read() checks the CRC
    except (zipfile.BadZipFile, IndexError, EOFError, NotImplementedError, ValueError, OSError) as error:
        raise Damaged(f"{url} is no whole zip ({error})", body) from error


def checksum(client: Client, url: str) -> str | None:
    """The SHA-256 that the archive names for a file, None where it names none."""
    body = client.get(f"{url}.CHECKSUM")
    if body is None:
        return None
    word = body.split()[0].decode(errors="replace").lower() if body.split() else ""
    return word if len(word) == 64 and all(c in "0123456789abcdef" for c in word) else None


MONTHLY, DAILY = "monthly", "daily"
QUARANTINE = "quarantine"
_KLINES = ("klines", from_csv)
_TABLES = {
    FUNDING: ("fundingRate", funding_from_csv),
    DEPTH: ("bookDepth", depth_from_csv),
    METRICS: ("metrics", metrics_from_csv),
    PREMIUM: ("premiumIndexKlines", premium_from_csv),
    LIQUIDATIONS: ("liquidationSnapshot", liquidations_from_csv),
}
"""What the archive calls each table that is no bars, and how its files read."""

PREMIUM_INTERVAL = "5m"
"""Of the premium index's klines these are fetched: as fine as open interest."""

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Archive:
    """Files of one period, `monthly` or `daily`; a damaged one is kept aside under `quarantine/` and named.

    By `now` (ms) is decided which files can exist: a month's or a day's is there some time after its end. `known` are
    the paths of those whose rows are stored.
    """

    client: Client
    place: Place
    now: int
    period: str = MONTHLY
    known: frozenset[str] = frozenset()

    is_paged: ClassVar = False

    @property
    def name(self) -> str:
        return f"binance archive, {self.period}"

    def fetch(self, series: SeriesId, ranges: Sequence[Range]) -> Iterator[Batch]:
        """The rows of every file that overlaps the ranges and was not fetched before."""
        for first in sorted({first for start, end in ranges for first in self._periods(start, end)}):
            url = self.url(series, first)
            batch = None if urlsplit(url).path in self.known else self._batch(series, url, first)
            if batch is not None:
                yield batch

    def reissued(self, series: SeriesId, manifests: list[SeriesManifest]) -> Iterator[Batch]:
        """Files whose checksum in the archive is no longer that of what was fetched."""
        base = self.client.settings.archive_url
        for origin in (o for manifest in manifests for o in manifest.origins if o.source == self.name):
            if checksum(self.client, base + origin.item) not in (None, origin.sha256):
                batch = self._batch(series, base + origin.item, from_ms(origin.first))
                if batch is not None and batch.origin.sha256 != origin.sha256:
                    yield batch

    def url(self, series: SeriesId, first: datetime) -> str:
        """Where the file that begins at a time lies."""
        market = "spot" if series.market == "spot" else "futures/um"
        name, when = ticker(series), f"{first:%Y-%m}" if self.period == MONTHLY else f"{first:%Y-%m-%d}"
        table, _ = _TABLES.get(series.interval, _KLINES)
        interval = PREMIUM_INTERVAL if series.interval == PREMIUM else series.venue_interval if series.is_bars else ""
        path = f"{table}/{name}/{interval}".rstrip("/")
        file = f"{name}-{interval or table}-{when}.zip"
        return f"{self.client.settings.archive_url}/data/{market}/{self.period}/{path}/{file}"

    def _periods(self, start: int, end: int) -> Iterator[datetime]:
        """First moments of the periods that overlap the range and have ended."""
        first = self._first(from_ms(start))
        while to_ms(first) < end:
            if to_ms(self._following(first)) <= self.now:
                yield first
            first = self._following(first)

    def _first(self, when: datetime) -> datetime:
        day = when.replace(hour=0, minute=0, second=0, microsecond=0)
        return day.replace(day=1) if self.period == MONTHLY else day

    def _following(self, first: datetime) -> datetime:
        if self.period == DAILY:
            return first + _DAY
        return datetime(first.year + first.month // 12, first.month % 12 + 1, 1, tzinfo=UTC)

    def _batch(self, series: SeriesId, url: str, first: datetime) -> Batch | None:
        item, (_, parse) = urlsplit(url).path, _TABLES.get(series.interval, _KLINES)
        try:
            zipped = fetch_zip(self.client, url)
            if zipped is None:
                return None
            rows = self._inside(series, parse(zipped.content, item), first)
        except Damaged as error:
            return self._damaged(error, item, first)
        except SourceError as error:
            if not isinstance(error.__cause__, (pl.exceptions.PolarsError, DataError, ValueError)):
                raise  # the host failed, not the file
            return self._damaged(Damaged(str(error), b""), item, first)
        times = rows["ts"].dt.epoch("ms").sort()
        ends = (int(times[0]), int(times[-1])) if len(rows) else (0, 0)
        origin = Origin(self.name, item, zipped.sha256, *ends, len(rows), utc_now(), zipped.flags)
        doubts = (Flaw(flag, 1, (to_ms(first),), f"{item} was taken although: {flag}") for flag in zipped.flags)
        return Batch(rows, origin, tuple(doubts))

    def _inside(self, series: SeriesId, rows: pl.DataFrame, when: datetime) -> pl.DataFrame:
        """Only the period's own rows: a file may begin or end with a bar of its neighbours.

        Days of open interest begin at midnight or end with the next one, by the year: both are kept.
        """
        first = self._first(when)
        end = self._following(first)
        is_before = pl.col("ts") <= end if series.interval == METRICS else pl.col("ts") < end
        return rows.filter(is_before & (pl.col("ts") >= first))

    def _damaged(self, error: Damaged, item: str, first: datetime) -> Batch:
        if error.body:
            self.place.write(f"{QUARANTINE}/{item.rpartition('/')[2]}", error.body)
        flaw = Flaw("quarantined file", 1, (to_ms(first),), f"{error}; kept aside under {QUARANTINE}/, not used")
        return Batch(pl.DataFrame(), Origin(self.name, item, "", 0, 0, 0, utc_now()), (flaw,))
