"""The series of a store with their years, from manifests that are read again only where they changed."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from tradsys.core.errors import DataError, TradsysError
from tradsys.data.store.manifest import NAME, SeriesManifest
from tradsys.data.store.places import LocalFolder, Place, open_place
from tradsys.data.store.series import SeriesId

PATIENCE_S: Final = 8.0
"""How long a page waits for object storage before it says that it does not answer."""

_MOST: Final = 2**53


@dataclass(frozen=True, slots=True)
class StoredYear:
    """One year of a series, as its manifest has it."""

    year: int
    n_rows: int
    n_missing: int
    n_bytes: int
    first_ms: int
    last_ms: int
    fetched_at: str
    sha256: str
    sources: tuple[str, ...]
    flaws: tuple[tuple[str, int, str], ...]


@dataclass(frozen=True, slots=True)
class StoredSeries:
    """A series with its years, oldest first; `trouble` says what of it cannot be read."""

    series: SeriesId
    years: tuple[StoredYear, ...]
    trouble: str = ""

    @property
    def n_rows(self) -> int:
        return sum(one.n_rows for one in self.years)

    @property
    def n_missing(self) -> int:
        return sum(one.n_missing for one in self.years) + self._between

    @property
    def n_bytes(self) -> int:
        return sum(one.n_bytes for one in self.years)

    @property
    def n_defects(self) -> int:
        return sum(n_rows for one in self.years for _, n_rows, _ in one.flaws)

    @property
    def fetched_at(self) -> str:
        return max((one.fetched_at for one in self.years), default="")

    @property
    def sources(self) -> list[str]:
        return sorted({source for one in self.years for source in one.sources})

    @property
    def content(self) -> str:
        """Equal where every file of it is."""
        return " ".join(one.sha256 for one in self.years)

    @property
    def _between(self) -> int:
        """Bars that are missing between the last of a year and the first of the next, which no manifest counts."""
        if not self.series.is_bars:
            return 0
        step = round(self.series.step.total_seconds() * 1_000)
        pairs = zip(self.years, self.years[1:], strict=False)
        return sum(max(0, round((after.first_ms - before.last_ms) / step) - 1) for before, after in pairs)


@dataclass(slots=True)
class Catalogue:
    """One store, listed again and again by several threads."""

    root: str
    _known: dict[str, tuple[object, StoredYear]] = field(default_factory=dict)
    _asked: "_Asked | None" = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def name(self) -> str:
        """The store as it may be shown: without what stands before an @ in a URL."""
        if "://" not in self.root:
            return self.root
        parts = urlsplit(self.root)
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment=""))

    def listing(self, patience_s: float = PATIENCE_S) -> list[StoredSeries]:
        """Every series, sorted; a DataError where the store cannot be reached, or not in time."""
        if "://" not in self.root:
            return self._list()
        with self._lock:
            if self._asked is None or self._asked.is_over:
                self._asked = _Asked(self._list)
            asked = self._asked
        return asked.answer(patience_s, self.name)

    def _list(self) -> list[StoredSeries]:
        place = open_place(self.root)
        found = [""]
        for _ in range(4):
            found = [f"{folder}/{name}".lstrip("/") for folder in found for name in place.folders(folder)]
        named = {folder: SeriesId.from_folder(folder) for folder in found}
        there = (self._series(place, folder, series) for folder, series in named.items() if series is not None)
        return sorted((one for one in there if one.years or one.trouble), key=lambda one: one.series)

    def _series(self, place: Place, folder: str, series: SeriesId) -> StoredSeries:
        years, troubles = [], []
        for name in place.folders(folder):
            if not name.startswith("year="):
                continue
            try:
                year = self._year(place, f"{folder}/{name}/{NAME}")
            except DataError as error:
                troubles.append(str(error))
            else:
                years += [] if year is None else [year]
        return StoredSeries(series, tuple(sorted(years, key=lambda one: one.year)), "; ".join(troubles))

    def _year(self, place: Place, path: str) -> StoredYear | None:
        stamp = _stamp(place, path)
        if stamp is not None and path in self._known and self._known[path][0] == stamp:
            return self._known[path][1]
        try:
            data = place.read(path)
        except FileNotFoundError:
            return None
        manifest = SeriesManifest.from_bytes(data, f"{self.name}/{path}")
        try:
            year = _year_of(manifest)
        except (ValueError, TypeError, AttributeError) as error:
            raise DataError(f"{self.name}/{path} is not a manifest of the store ({error})") from None
        self._known[path] = (stamp, year)
        return year


class _Asked:
    """One question to a store that may take long, or never answer: asked once, whoever waits for it."""

    def __init__(self, ask: Callable[[], list[StoredSeries]]) -> None:
        self._ask, self._done = ask, threading.Event()
        self._found: Sequence[StoredSeries] = ()
        self._why = ""
        threading.Thread(target=self._run, daemon=True).start()

    @property
    def is_over(self) -> bool:
        return self._done.is_set()

    def answer(self, patience_s: float, name: str) -> list[StoredSeries]:
        if not self._done.wait(patience_s):
            raise DataError(f"the store at {name} did not answer within {patience_s:g} s; it is still being asked")
        if self._why:
            raise DataError(f"the store at {name} cannot be reached: {self._why}")
        return list(self._found)

    def _run(self) -> None:
        try:
            self._found = self._ask()
        except TradsysError as error:
            self._why = str(error)
        except Exception as error:  # noqa: BLE001 - what object storage raises is its library's, and shown as a sentence
            self._why = f"{type(error).__name__}: {error}"
        finally:
            self._done.set()


def _year_of(manifest: SeriesManifest) -> StoredYear:
    return StoredYear(
        year=_whole(manifest.year),
        n_rows=_whole(manifest.n_rows),
        n_missing=_whole(manifest.n_missing),
        n_bytes=_whole(manifest.n_bytes),
        first_ms=_whole(manifest.first),
        last_ms=_whole(manifest.last),
        fetched_at=str(manifest.fetched_at),
        sha256=str(manifest.sha256),
        sources=tuple(sorted({str(origin.source) for origin in manifest.origins})),
        flaws=tuple((str(flaw.kind), _whole(flaw.n_rows), str(flaw.sentence)) for flaw in manifest.defects),
    )


def _whole(value: int) -> int:
    """The number, a ValueError where it is none that rows, bytes or milliseconds are counted in."""
    found = int(value)
    if abs(found) >= _MOST:
        raise ValueError(f"a number of {len(str(abs(found)))} digits counts neither rows nor milliseconds")
    return found


def _stamp(place: Place, path: str) -> tuple[int, int] | None:
    """What changes with a file of this machine; None where only reading it tells."""
    if not isinstance(place, LocalFolder):
        return None
    try:
        found = Path(place.root, path).stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
