"""One source of positions as the settings write it: `BTCUSDT=positions.parquet?lag_s=300`, or a market of the store."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Self

from tradsys.core.errors import ConfigError, DataError
from tradsys.data.outside.positions.files import positions_from_file, positions_from_store
from tradsys.data.outside.positions.table import PositionColumns, PositionTable, columns_of
from tradsys.data.outside.source import BarRange, OutsideColumns, by_symbol, split_place
from tradsys.data.store.store import SeriesStore

_OPTIONS = ("lag_s", "tolerance_s", "every_s")
_MARKET = re.compile(r"[a-z][a-z0-9_-]*:[^:\s]+/[^:\s]+(:[^:\s]+)?")


@dataclass(frozen=True, slots=True)
class PositionSource:
    """A file, or what the store holds of `binance:BTC/USDT:USDT`, for one symbol, empty for the only one.

    Options that are None are the source's own: `positions_from_file` and `positions_from_store` say which.
    """

    symbol: str
    place: str
    lag: timedelta | None = None
    tolerance: timedelta | None = None
    step: timedelta | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """What `[SYMBOL=]FILE[?lag_s=..&tolerance_s=..&every_s=..]` or `[SYMBOL=]VENUE:SYMBOL[?..]` describes.

        >>> PositionSource.parse("ETHUSDT=eth.parquet?lag_s=300").lag
        datetime.timedelta(seconds=300)
        """
        wanted = (
            "a source of positions is FILE, SYMBOL=FILE or a market of the store, such as BTCUSDT=positions.parquet or "
            "binance:BTC/USDT:USDT"
        )
        symbol, place, given = split_place(text, "a source of positions", wanted, _OPTIONS)
        return cls(symbol, place, *(given.get(name) for name in _OPTIONS))

    @classmethod
    def read(cls, sources: Sequence[Self], bars: BarRange) -> dict[str, OutsideColumns]:
        """The columns of every symbol that has a source; it may have several, each of other columns."""
        tables = {
            symbol: [table for source in own for table in source._tables(bars)]
            for symbol, own in by_symbol(sources, bars.symbols, "positions").items()
        }
        for symbol, own_tables in tables.items():
            names = Counter(name for table in own_tables for name in (*table.levels, *table.amounts))
            twice = [name for name, n in names.items() if n > 1]
            if twice:
                raise ConfigError(
                    f"{', '.join(twice)} of {symbol} comes from two sources; two are never mixed, give one"
                )
        columns = columns_of([one for own_tables in tables.values() for one in own_tables])
        if not columns:
            raise DataError(
                f"nothing is stored of the time of these bars for {', '.join(one.place for one in sources)}; fetch it "
                "with tradsys data download, or leave --positions out"
            )
        return {symbol: PositionColumns(symbol, tuple(own), columns) for symbol, own in tables.items()}

    @property
    def is_stored(self) -> bool:
        """Whether it names a market of the store rather than a file."""
        return _MARKET.fullmatch(self.place) is not None and not self.path.exists()

    @property
    def path(self) -> Path:
        """The file that it names."""
        return Path(self.place).expanduser()

    @property
    def own_symbol(self) -> str:
        """The symbol that a market of the store is of, empty for a file."""
        return self.place.partition(":")[2] if self.is_stored else ""

    def _tables(self, bars: BarRange) -> list[PositionTable]:
        if not self.is_stored:
            return [positions_from_file(self.path, lag=self.lag, tolerance=self.tolerance, step=self.step)]
        return positions_from_store(
            SeriesStore(bars.data.root),
            self.place,
            start=bars.opens,
            end=bars.closes,
            lag=self.lag,
            tolerance=self.tolerance,
        )
