"""Files that others wrote brought into the store: CSV, Feather, Parquet, freqtrade's folders, Nautilus catalogues."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Self
from urllib.parse import unquote

import numpy as np
import polars as pl

from tradsys.core.bars import OHLCV
from tradsys.core.defects import ROW
from tradsys.core.errors import ConfigError, DataError, NotEnoughBars
from tradsys.core.files import sha256_of
from tradsys.core.time import commonest_step, format_interval, interval_ms, ts_ms
from tradsys.data.clean import clean
from tradsys.data.columns import recognise
from tradsys.data.files import read_table
from tradsys.data.pairs import split_pair
from tradsys.data.reading import Reading
from tradsys.data.repairs import Repair
from tradsys.data.sources.source import utc_now
from tradsys.data.span import TimeSpan
from tradsys.data.store.admit import admit
from tradsys.data.store.manifest import Flaw, Origin
from tradsys.data.store.series import SeriesId
from tradsys.data.store.store import SeriesStore
from tradsys.data.suspects import settle_suspects

_FREQTRADE = re.compile(
    r"(?P<pair>[A-Za-z0-9]+_[A-Za-z0-9]+(?:_[A-Za-z0-9]+)?)-(?P<interval>\d+[smhdwMy])(?:-(?P<kind>[a-z_]+))?"
    r"\.(?:feather|parquet|json|json\.gz)"
)
_NAUTILUS = re.compile(
    r"(?P<symbol>[^.]+)\.(?P<venue>[A-Z0-9_]+)-(?P<n>\d+)-(?P<unit>SECOND|MINUTE|HOUR|DAY|WEEK|MONTH|YEAR)-LAST-(?:EXTERNAL|INTERNAL)"
)
_UNITS = {"SECOND": "s", "MINUTE": "m", "HOUR": "h", "DAY": "d", "WEEK": "w"}
_SCALES = {8: 1e9, 16: 1e16}
"""Nautilus keeps prices and sizes as whole numbers of 8 or 16 bytes, in units of 1e-9 or 1e-16."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of one file: the rows stored, what was repaired, what was refused.

    A file of a folder that could not be stored has no rows, and a repair of the kind `skipped` (it holds nothing that
    could be) or `refused` (it should have); `series` is None where its name is that of no series.
    """

    path: Path
    series: SeriesId | None
    n_new: int
    n_changed: int
    repairs: tuple[Repair, ...]
    flaws: tuple[Flaw, ...]

    @property
    def is_refused(self) -> bool:
        return any(repair.kind == "refused" for repair in self.repairs)

    @classmethod
    def without_rows(cls, path: Path, series: SeriesId | None, kind: str, why: str) -> Self:
        """A file of which nothing was stored, and why."""
        return cls(path, series, 0, 0, (Repair(kind, 0, (), why, changed=False),), ())


def import_path(
    store: SeriesStore,
    path: Path,
    *,
    series: SeriesId | None = None,
    exchange: str | None = None,
    span: TimeSpan | None = None,
    reading: Reading = Reading(),
) -> list[Imported]:
    """Store one file as `series`, or every file of a freqtrade folder or a Nautilus catalogue under its own name.

    freqtrade's folder is named after the exchange unless `exchange` is given. Files are cleaned as `load_bars` does it;
    `span` is when bars may be from, 1980 to now unless given; `reading` says of files what they do not say. A file of a
    folder that is empty or refused does not keep the others from being stored.
    """
    span = span or TimeSpan()
    if not path.exists():
        raise ConfigError(f"there is no {path}; name a file, a freqtrade data folder or a Nautilus catalogue")
    if path.is_file():
        if series is None:
            raise ConfigError(
                f"{path.name}: bars of what? give --as VENUE:SYMBOL:INTERVAL, e.g. --as binance:BTC/USDT:1h"
            )
        return [_import(store, path, series, *_from_file(path, span, reading), span)]
    found = [*_nautilus(path), *_freqtrade(path, exchange)]
    if series is not None:
        raise ConfigError(f"--as names one file, {path} is a folder; leave it out, the files' names say what they hold")
    if not found:
        raise DataError(
            f"{path} holds neither freqtrade's files (BTC_USDT-1h.feather) nor a Nautilus catalogue (data/bar/...); "
            "import other files one by one with --as"
        )
    return [_one_of_many(store, *one, span, reading) for one in found]


def _one_of_many(
    store: SeriesStore, path: Path, series: SeriesId | None, is_nautilus: bool, span: TimeSpan, reading: Reading
) -> Imported:
    if series is None:
        return Imported.without_rows(path, None, "skipped", "skipped: months and years differ in length; store days")
    try:
        rows = (_from_nautilus(path, series.step), ()) if is_nautilus else _from_file(path, span, reading)
        return _import(store, path, series, *rows, span)
    except NotEnoughBars as error:
        return Imported.without_rows(path, series, "skipped", f"skipped: {error}")
    except DataError as error:
        return Imported.without_rows(path, series, "refused", f"refused: {error}")


def _import(
    store: SeriesStore, path: Path, series: SeriesId, bars: pl.DataFrame, repairs: tuple[Repair, ...], span: TimeSpan
) -> Imported:
    if len(bars) > 1:
        found = timedelta(milliseconds=commonest_step(np.diff(ts_ms(bars))))
        if found != series.step:
            raise DataError(
                f"{path.name} holds bars of {format_interval(found)}, wanted {series.interval}; "
                "name the interval that it has"
            )
    bars, still_open = span.closed(bars, interval_ms(series.step), path.name)
    admitted = admit(series, bars)
    origin = Origin("import", path.name, sha256_of(path), 0, 0, 0, utc_now())
    written = store.write(series, admitted.rows, origin, admitted.flaws)
    return Imported(path, series, written.n_new, written.n_changed, (*repairs, *still_open), admitted.flaws)


def _from_file(path: Path, span: TimeSpan, reading: Reading) -> tuple[pl.DataFrame, tuple[Repair, ...]]:
    table, place = read_table(path)
    recognised, told = recognise(table, path.name, reading)
    bars, repairs = clean(recognised, path.name, place=place, span=span, tz=reading.tz)
    if "symbol" in bars.columns:
        if bars["symbol"].n_unique() > 1:
            raise DataError(
                f"{path.name} holds several symbols, wanted one; choose it with --symbol, or split the file"
            )
        bars = bars.drop("symbol")
    bars, suspects = settle_suspects(bars, place)
    return bars.drop(ROW), (*told, *repairs, *suspects)


def _freqtrade(folder: Path, exchange: str | None) -> Iterator[tuple[Path, SeriesId | None, bool]]:
    for path in sorted(folder.rglob("*")):
        match = _FREQTRADE.fullmatch(path.name)
        if match is None or match["kind"] not in (None, "futures"):
            continue  # mark prices and funding rates are no bars of trades
        base, quote, *settled = match["pair"].split("_")
        symbol = f"{base}/{quote}" + (f":{settled[0]}" if settled else "")
        if match["interval"][-1] in "My":
            yield path, None, False
            continue
        parent = path.parent.parent if path.parent.name == "futures" else path.parent
        yield path, SeriesId.parse(f"{exchange or parent.name.lower()}:{symbol}:{match['interval']}"), False


def _nautilus(folder: Path) -> Iterator[tuple[Path, SeriesId | None, bool]]:
    for path in sorted(folder.rglob("*.parquet")):
        match = _NAUTILUS.fullmatch(unquote(path.parent.name))
        if match is not None and match["unit"] not in _UNITS:
            yield path, None, True
        elif match is not None:
            interval = f"{match['n']}{_UNITS[match['unit']]}"
            yield path, SeriesId.parse(f"{match['venue'].lower()}:{_pair(match['symbol'])}:{interval}"), True


def _pair(symbol: str) -> str:
    """`BTCUSDT` as BTC/USDT and `BTCUSDT-PERP` as BTC/USDT:USDT; a pair with a slash is one already."""
    name = symbol.removesuffix("-PERP")
    pair = split_pair(name)
    if "/" in name or pair is None:
        return name
    return "/".join(pair) + (f":{pair[1]}" if symbol.endswith("-PERP") else "")


def _from_nautilus(path: Path, step: timedelta) -> pl.DataFrame:
    """Nautilus stamps a bar with its close; here it carries its open."""
    try:
        table = pl.read_parquet(path, hive_partitioning=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"{path.name} cannot be read as Parquet: {error}; write it again") from error
    absent = [name for name in (*OHLCV, "ts_event") if name not in table.columns]
    if absent:
        raise DataError(f"{path.name} is no Nautilus bar file: no column {', '.join(absent)}")
    opens = (table["ts_event"].cast(pl.Int64) // 1_000_000) - interval_ms(step)
    columns = {name: _decoded(table[name], path) for name in OHLCV}
    return pl.DataFrame({"ts": opens.cast(pl.Datetime("ms", "UTC")), **columns}).sort("ts")


def _decoded(column: pl.Series, path: Path) -> pl.Series:
    if column.dtype.is_integer():
        # NumPy's division is the nearest float; Polars multiplies by a rounded reciprocal
        return pl.Series(column.name, column.to_numpy() / _SCALES[8])
    if column.dtype != pl.Binary:
        return column.cast(pl.Float64)
    sizes = set(column.bin.size().to_list())
    size = sizes.pop() if len(sizes) == 1 else 0
    if size not in _SCALES:
        raise DataError(f"{path.name}: {column.name} is kept in neither 8 nor 16 bytes a value, as Nautilus keeps it")
    words = np.frombuffer(b"".join(column.to_list()), dtype="<u8").reshape(len(column), -1)
    if size == 8:
        return pl.Series(column.name, words[:, 0].astype(np.int64) / _SCALES[8])
    whole = [(int(high) << 64 | int(low)) / 10**16 for low, high in words]  # exact before the one division
    return pl.Series(column.name, whole, dtype=pl.Float64)
