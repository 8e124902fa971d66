"""What every source of outside columns offers, and how its columns are joined to bars by when they were known."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, Self, cast

import polars as pl

from tradsys.data.market import Market
from tradsys.data.settings import DataSettings


@dataclass(frozen=True, slots=True)
class BarRange:
    """The bars that outside columns are wanted for: whose, how long each, from the first open to the last close.

    `data` says where stores and hosts are.
    """

    symbols: tuple[str, ...]
    interval: timedelta
    opens: datetime
    closes: datetime
    data: DataSettings = DataSettings()

    @classmethod
    def of(cls, bars: pl.DataFrame, interval: timedelta, symbols: tuple[str, ...], data: DataSettings) -> Self:
        """Of bars of these symbols, at least one bar."""
        first, last = (cast(datetime, value) for value in (bars["ts"].min(), bars["ts"].max()))
        return cls(symbols, interval, first, last + interval, data)


class OutsideColumns(Protocol):
    """What was read for one symbol."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns that bars get, in their order; the same for all symbols that were read together."""

    @property
    def sentence(self) -> str:
        """Where the columns come from and what was found there; complete once they have been joined."""

    def join(self, bars: pl.DataFrame, interval: timedelta) -> pl.DataFrame:
        """The symbol's bars, row for row, with `columns`: Float64, as known at each close, NaN where nothing was."""


class OutsideSource(Protocol):
    """One source as the settings write it: a frozen value that keeps nothing of what it reads."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """What a line of the settings says; a ConfigError where it cannot be."""

    @classmethod
    def read(cls, sources: Sequence[Self], bars: BarRange) -> dict[str, OutsideColumns]:
        """What all these sources hold for the symbols of the bars; a symbol of which they know nothing is left out."""


def join_outside[S: OutsideSource](
    bars: pl.DataFrame,
    sources: Sequence[S],
    *,
    interval: timedelta,
    symbol: str,
    data: DataSettings = DataSettings(),
) -> pl.DataFrame:
    """One symbol's bars with the columns of sources of one kind; as they are where there is no source or no bar."""
    if not sources or bars.is_empty():
        return bars
    read = type(sources[0]).read(sources, BarRange.of(bars, interval, (symbol,), data))
    return read[symbol].join(bars, interval)


def attach_outside[S: OutsideSource](
    market: Market, sources: Sequence[S], data: DataSettings = DataSettings()
) -> Market:
    """The market with the columns of sources of one kind, a new fingerprint, and sentences that say where from.

    A symbol without a source has NaN in those columns.
    """
    if not sources or market.bars.is_empty():
        return market
    read = type(sources[0]).read(sources, BarRange.of(market.bars, market.interval, market.symbols, data))
    columns = next(iter(read.values())).columns

    def joined(symbol: str, bars: pl.DataFrame) -> pl.DataFrame:
        if symbol in read:
            return read[symbol].join(bars, market.interval).select(*bars.columns, *columns)
        return bars.with_columns(pl.lit(float("nan")).alias(name) for name in columns)

    bars = market.by_symbol(joined)
    return market.attached(bars, "; ".join(dict.fromkeys(one.sentence for one in read.values())))
