"""The store of market data: a Parquet file and a manifest for each year of each series, whole or not there at all.

    exchange=binance/market=spot/symbol=BTC%2FUSDT/interval=1h/year=2024/rows-<hash>.parquet
                                                                        /manifest.json

Rows are written under a name that says their content, then the manifest that points at them replaces the old one, then
the old rows are removed. A process killed anywhere in between leaves the old partition or the new one.
"""

import hashlib
import io
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from tradsys.core.bars import OHLCV, OPTIONAL, TS
from tradsys.core.errors import DataError
from tradsys.core.time import interval_ms, stamp, to_ms, ts_ms
from tradsys.data.store.manifest import NAME, Flaw, Origin, SeriesManifest, add_flaws, add_origin
from tradsys.data.store.merge import Merged, merge
from tradsys.data.store.places import Place, open_place
from tradsys.data.store.series import SeriesId

_N_READS = 5
"""A reader whose file a writer has just replaced looks at the manifest again, this many times."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a write did: rows that were not there, rows whose values changed, and the years written anew."""

    n_new: int
    n_changed: int
    years: tuple[int, ...]


class SeriesStore:
    """Series by name, under a folder or a URL."""

    def __init__(self, root: str | Path) -> None:
        self.place: Place = open_place(root)

    def series(self) -> list[SeriesId]:
        """Every series of which there is a year, sorted; one whose manifests are broken is told of when it is read."""
        found = [""]
        for _ in range(4):
            found = [f"{folder}/{name}".lstrip("/") for folder in found for name in self.place.folders(folder)]
        named = (SeriesId.from_folder(folder) for folder in found)
        return sorted(series for series in named if series is not None and self._has_years(series))

    def _has_years(self, series: SeriesId) -> bool:
        folders = (f"{series.folder}/{name}" for name in self.place.folders(series.folder) if name.startswith("year="))
        return any(NAME in self.place.files(folder) for folder in folders)

    def manifests(self, series: SeriesId) -> list[SeriesManifest]:
        """What is known of each year, oldest first; none for a series that is not there."""
        names = [name for name in self.place.folders(series.folder) if name.startswith("year=")]
        years = (self._manifest(f"{series.folder}/{name}") for name in names)
        return [manifest for manifest in years if manifest is not None]

    def read(
        self,
        series: SeriesId,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        columns: Sequence[str] | None = None,
    ) -> pl.DataFrame:
        """Rows with start <= ts < end in order, as they are kept: a column that some years lack is empty in those."""
        since, until = (None if when is None else to_ms(when) for when in (start, end))
        wanted = [
            manifest
            for manifest in self.manifests(series)
            if (since is None or manifest.last >= since) and (until is None or manifest.first < until)
        ]
        if not wanted:
            return pl.DataFrame(schema={"ts": TS, **dict.fromkeys(OHLCV, pl.Float64)} if series.is_bars else {"ts": TS})
        rows = _joined([self._file(series, manifest) for manifest in wanted], columns)
        if "ts" in rows.columns:
            rows = rows.with_columns(pl.col("ts").set_sorted())  # joins by time are then merges
        if start is not None:
            rows = rows.filter(pl.col("ts") >= start)
        return rows if end is None else rows.filter(pl.col("ts") < end)

    def write(
        self,
        series: SeriesId,
        rows: pl.DataFrame,
        origin: Origin,
        flaws: Iterable[Flaw] = (),
        *,
        at: datetime | None = None,
    ) -> Written:
        """Join rows to what is kept, a year at a time; rows that are there already change no byte.

        `rows` must be possible and closed (see `admit`), and bars open on the grid of those that are kept: a series has
        one, such as hours at half past, and a DataError keeps it so. `origin` says where all of them came from; `at` is
        the time that the manifests name, now by default.
        """
        when = (at or datetime.now(UTC)).isoformat(timespec="seconds")
        noted = tuple(flaws)
        years = rows["ts"].dt.year()
        written = Written(0, 0, ())
        with self.place.lock(series.folder):
            self._refuse_other_grid(series, rows)
            for year in sorted({*years.unique().to_list(), *(_year(flaw.rows[0]) for flaw in noted)}):
                mine = tuple(flaw for flaw in noted if _year(flaw.rows[0]) == year)
                merged = self._write_year(series, year, rows.filter(years == year), origin, mine, when)
                if merged is not None:
                    n_new, n_changed = written.n_new + merged.n_new, written.n_changed + merged.n_changed
                    written = Written(n_new, n_changed, (*written.years, year))
        return written

    def _refuse_other_grid(self, series: SeriesId, rows: pl.DataFrame) -> None:
        years = self.manifests(series) if series.is_bars else []
        if not years or rows.is_empty():
            return
        step = interval_ms(series.step)
        beside = rows.filter(pl.col("ts").dt.epoch("ms") % step != years[0].first % step)
        if len(beside):
            raise DataError(
                f"{series} holds bars that open as {stamp(years[0].first)} does, found {len(beside):,} rows beside "
                f"that grid, such as {stamp(int(ts_ms(beside)[0]))}; store them under another name, or delete it first"
            )

    def _write_year(
        self, series: SeriesId, year: int, rows: pl.DataFrame, origin: Origin, flaws: tuple[Flaw, ...], when: str
    ) -> Merged | None:
        """What was written of a year, None where nothing had to be."""
        folder = f"{series.folder}/year={year}"
        old = self._manifest(folder)
        if old is None and len(rows) == 0:
            return None  # nothing but refused rows: a year of none is no partition
        kept = pl.DataFrame(schema=rows.schema) if old is None else pl.read_parquet(io.BytesIO(self._file(series, old)))
        merged = merge(kept, rows, series.keys)
        defects = add_flaws(old.defects if old else (), (*merged.flaws, *flaws))
        if old is not None and merged.rows.equals(kept) and defects == old.defects and old.knows(origin):
            return None
        buffer = io.BytesIO()
        merged.rows.write_parquet(buffer, compression="zstd", statistics=True)
        data, origins = buffer.getvalue(), old.origins if old else ()
        sha256 = hashlib.sha256(data).hexdigest()
        times = merged.rows["ts"].dt.epoch("ms")
        first, last = int(times[0]), int(times[-1])
        manifest = SeriesManifest(
            series=str(series),
            year=year,
            file=f"rows-{sha256[:16]}.parquet",
            sha256=sha256,
            n_bytes=len(data),
            n_rows=len(merged.rows),
            first=first,
            last=last,
            n_missing=(last - first) // interval_ms(series.step) + 1 - len(times) if series.is_bars else 0,
            columns=tuple(merged.rows.columns),
            fetched_at=when,
            origins=add_origin(origins, _cut(origin, rows)) if len(rows) else origins,
            defects=defects,
        )
        self.place.write(f"{folder}/{manifest.file}", data)
        self.place.write(f"{folder}/{NAME}", manifest.to_bytes())
        for name in self.place.files(folder):  # the rows before, and what a killed process left
            if name not in (manifest.file, NAME):
                self.place.delete(f"{folder}/{name}")
        return merged

    def _manifest(self, folder: str) -> SeriesManifest | None:
        try:
            data = self.place.read(f"{folder}/{NAME}")
        except FileNotFoundError:
            return None
        return SeriesManifest.from_bytes(data, f"{self.place}/{folder}/{NAME}")

    def _file(self, series: SeriesId, manifest: SeriesManifest) -> bytes:
        folder = f"{series.folder}/year={manifest.year}"
        current: SeriesManifest | None = manifest
        for _ in range(_N_READS):
            if current is None:
                break
            try:
                data = self.place.read(f"{folder}/{current.file}")
            except FileNotFoundError:
                current = self._manifest(folder)
                continue
            if hashlib.sha256(data).hexdigest() != current.sha256:
                raise DataError(f"{self.place}/{folder}/{current.file} is not the file that was written; {_AGAIN}")
            return data
        raise DataError(f"{self.place}/{folder} has a manifest but no rows; {_AGAIN}")


_AGAIN = "delete that year's folder and download it again"


def _cut(origin: Origin, rows: pl.DataFrame) -> Origin:
    """The origin of this year's rows alone."""
    times = rows["ts"].dt.epoch("ms")
    return replace(origin, first=int(times.min()), last=int(times.max()), n_rows=len(rows))  # type: ignore[arg-type]


def _year(ms: int) -> int:
    return datetime.fromtimestamp(ms / 1000, UTC).year


def _joined(files: list[bytes], columns: Sequence[str] | None) -> pl.DataFrame:
    """All years as one frame without seams, which joins and arrays read much faster than pieces.

    Two columns at a time, so that the rows of no more than two are there twice.
    """
    schemas = [pl.read_parquet_schema(io.BytesIO(data)) for data in files]
    kinds = {name: kind for schema in schemas for name, kind in schema.items()}
    years = list(zip(files, schemas, strict=True))

    def whole(name: str) -> pl.Series:
        parts = (_column(data, name, kinds[name], is_there=name in schema) for data, schema in years)
        return pl.concat(parts, rechunk=True)

    with ThreadPoolExecutor(2) as pool:
        return pl.DataFrame(pool.map(whole, kinds if columns is None else [c for c in columns if c in kinds]))


def _column(file: bytes, name: str, kind: pl.DataType, *, is_there: bool) -> pl.Series:
    """A column of a year, empty where that year lacks it."""
    if is_there:
        return pl.read_parquet(io.BytesIO(file), columns=[name]).to_series()
    n_rows = pl.scan_parquet(io.BytesIO(file)).select(pl.len()).collect().item()
    return pl.Series(name, [None], kind).new_from_index(0, n_rows)


def ordered(rows: pl.DataFrame) -> pl.DataFrame:
    """Bars with their columns in the store's order, empty optional ones left out."""
    optional = [name for name in OPTIONAL if name in rows.columns and rows[name].null_count() < len(rows)]
    return rows.select(pl.col("ts").cast(TS), *(pl.col(name).cast(pl.Float64) for name in (*OHLCV, *optional)))
