"""Which symbols one could have chosen at the time: listed long enough, traded most, and not yet known to end."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.lib.stride_tricks import sliding_window_view

from tradsys.core.arrays import BoolArray, FloatArray, IntArray
from tradsys.core.bars import TS
from tradsys.core.errors import ConfigError, DataError
from tradsys.core.time import DAY_MS, ts_ms
from tradsys.data.files import read_table
from tradsys.data.panel import PricePanel

_COLUMNS = ("symbol", "listed", "delisted")


@dataclass(frozen=True, slots=True)
class Listing:
    """First and last moment of trading in ms, UTC; None where it is that of the bars."""

    listed_ms: int | None = None
    delisted_ms: int | None = None

    def __post_init__(self) -> None:
        if self.listed_ms is not None and self.delisted_ms is not None and self.listed_ms >= self.delisted_ms:
            raise DataError("a symbol is listed before it is delisted; are the two columns swapped?")


def read_listings(path: Path) -> dict[str, Listing]:
    """From a table with the columns symbol, listed and delisted; dates are ISO 8601, UTC, empty where unknown."""
    if not path.exists():
        raise DataError(f"no table of listings at {path}; leave the setting empty to take listings from the bars")
    table, _ = read_table(path)
    if missing := [name for name in _COLUMNS if name not in table.columns]:
        raise DataError(f"{path.name} needs the columns {', '.join(_COLUMNS)}, lacks {', '.join(missing)}")
    names = table["symbol"].cast(pl.String)
    if names.null_count() or names.is_duplicated().any():
        raise DataError(f"{path.name} must name every symbol once; drop the empty or repeated rows")
    listed, delisted = (_times(table[name], path.name) for name in _COLUMNS[1:])
    return {name: Listing(a, b) for name, a, b in zip(names.to_list(), listed, delisted, strict=True)}


def _times(column: pl.Series, source: str) -> list[int | None]:
    text = column.cast(pl.String).str.strip_chars().replace("", None)
    try:
        days = text.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=True)
        return days.cast(pl.Datetime("ms")).dt.epoch("ms").to_list()
    except pl.exceptions.InvalidOperationError as error:
        raise DataError(f"{source}: {column.name} must hold dates such as 2023-04-01 ({error})") from error


@dataclass(frozen=True, slots=True)
class UniverseSpec:
    """The `size` symbols with the largest median quote volume a day over the last `volume_days`.

    Chosen anew every `rebalance_days` at 00:00 UTC, counted from 1970, among those listed for `min_listed_days` that
    traded on the day before; a day without bars is a day without volume.
    """

    size: int = 30
    min_listed_days: int = 30
    volume_days: int = 30
    rebalance_days: int = 7

    def __post_init__(self) -> None:
        if self.size < 2 or self.min_listed_days < 0 or min(self.volume_days, self.rebalance_days) < 1:
            raise ConfigError(
                "a universe needs size >= 2, min_listed_days >= 0 and volume_days and rebalance_days >= 1, were "
                f"{self.size}, {self.min_listed_days}, {self.volume_days} and {self.rebalance_days}"
            )

    def choose(
        self, frames: Mapping[str, pl.DataFrame], bar_ms: int, listings: Mapping[str, Listing] = {}
    ) -> "Universe":
        """The members at every rebalance, from one frame of bars a symbol.

        A symbol is listed since its first bar, or since what `listings` say where that is earlier; from its delisting
        on it is no member, but nothing before knows of it. All that decides at a time is in bars that had closed.
        """
        if DAY_MS % bar_ms:
            raise ConfigError("a universe is chosen at midnight, so bars must fit into a day; resample them")
        panel = PricePanel.of(frames, bar_ms)
        _check(panel, frames, listings)
        step = self.rebalance_days * DAY_MS
        first, last = -(-int(panel.times[0]) // step), int(panel.times[-1]) // step
        times = step * np.arange(first, last + 1)
        median, traded = self._volume(panel, frames, times)
        eligible = traded & (median > 0)
        for s, (symbol, bars) in enumerate(frames.items()):
            listing = listings.get(symbol, Listing())
            since = int(ts_ms(bars)[0]) if len(bars) else int(panel.times[-1])
            since = since if listing.listed_ms is None else min(since, listing.listed_ms)
            eligible[:, s] &= times - since >= self.min_listed_days * DAY_MS
            if listing.delisted_ms is not None:
                eligible[:, s] &= times < listing.delisted_ms
        return Universe(panel.symbols, times, _largest(np.where(eligible, median, -1.0), panel.symbols, self.size))

    def _volume(
        self, panel: PricePanel, frames: Mapping[str, pl.DataFrame], times: IntArray
    ) -> tuple[FloatArray, BoolArray]:
        """Median quote volume a day, and whether there was a bar on the last day; each (n_times, n_symbols)."""
        bars_day = (panel.times - 1) // DAY_MS
        n_days = int(bars_day[-1] - bars_day[0]) + 1
        quote = np.nan_to_num(panel.spread({symbol: _quote_volume(bars) for symbol, bars in frames.items()}))
        volume = np.zeros((self.volume_days + n_days, len(panel.symbols)))  # nothing before the first bar
        n_bars = np.zeros(volume.shape, np.int64)
        np.add.at(volume, bars_day - bars_day[0] + self.volume_days, quote)
        np.add.at(n_bars, bars_day - bars_day[0] + self.volume_days, panel.is_there)
        before = times // DAY_MS - int(bars_day[0])  # days of bars that had ended by then
        windows = sliding_window_view(volume, self.volume_days, axis=0)[before]
        return np.median(windows, axis=-1), np.asarray(n_bars[before + self.volume_days - 1] > 0, dtype=bool)


@dataclass(frozen=True, slots=True)
class Universe:
    """Members at every rebalance: `times` (n_rebalances,) in ms and `member` (n_rebalances, n_symbols)."""

    symbols: tuple[str, ...]
    times: IntArray
    member: BoolArray

    def at(self, times: IntArray) -> BoolArray:
        """Who was a member at each time, by the last rebalance until then, (n_times, n_symbols)."""
        last = np.searchsorted(self.times, times, side="right") - 1
        return np.asarray(self.member[last] & (last >= 0)[:, None], dtype=bool)

    def frame(self) -> pl.DataFrame:
        """A row a member and rebalance: `ts` and `symbol`."""
        when, who = np.nonzero(self.member)
        symbols = pl.Series("symbol", self.symbols, dtype=pl.String).gather(who)
        return pl.DataFrame([pl.Series("ts", self.times[when]).cast(TS), symbols])


def _quote_volume(bars: pl.DataFrame) -> FloatArray:
    if "quote_volume" in bars.columns:
        return bars["quote_volume"].to_numpy().astype(np.float64)
    return np.asarray(bars["volume"].to_numpy() * bars["close"].to_numpy(), dtype=np.float64)


def _largest(volume: FloatArray, symbols: tuple[str, ...], size: int) -> BoolArray:
    """The `size` largest of each row that are not negative; of equal ones the first by name."""
    by_name = np.argsort(np.array(symbols), kind="stable")
    order = by_name[np.argsort(-volume[:, by_name], axis=1, kind="stable")][:, :size]
    member = np.zeros(volume.shape, bool)
    np.put_along_axis(member, order, True, axis=1)
    return np.asarray(member & (volume >= 0), dtype=bool)


def _check(panel: PricePanel, frames: Mapping[str, pl.DataFrame], listings: Mapping[str, Listing]) -> None:
    if unknown := sorted(listings.keys() - frames.keys()):
        raise DataError(
            f"listings name {', '.join(unknown)}, which have no bars: load them, or the universe is chosen "
            "among those that are left"
        )
    for symbol, listing in listings.items():
        last = int(ts_ms(frames[symbol])[-1]) + panel.bar_ms if len(frames[symbol]) else 0
        if listing.delisted_ms is not None and last > listing.delisted_ms:
            raise DataError(f"{symbol} has bars after its delisting; mend the listings, or cut the bars there")
