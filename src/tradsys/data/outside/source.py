"""What every source of outside columns offers, how the settings write it, and how its columns are joined to bars."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple, Protocol, Self, cast
from urllib.parse import parse_qsl

import polars as pl

from tradsys.core.errors import ConfigError, DataError
from tradsys.core.time import stamp, ts_ms
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
    return _joined(read[symbol], bars, interval, symbol)


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
            return _joined(read[symbol], bars, market.interval, symbol).select(*bars.columns, *columns)
        return bars.with_columns(pl.lit(float("nan")).alias(name) for name in columns)

    bars = market.by_symbol(joined)
    return market.attached(bars, "; ".join(dict.fromkeys(one.sentence for one in read.values())))


def _joined(one: OutsideColumns, bars: pl.DataFrame, interval: timedelta, symbol: str) -> pl.DataFrame:
    """The bars with these columns; a DataError where none of their values was known at any bar, however old."""
    joined = one.join(bars, interval)
    values = [name for name in one.columns if _AGE not in name]
    if not joined.select(pl.any_horizontal(pl.col(values).is_finite().any())).item():
        first, last = (stamp(ms) for ms in ts_ms(bars)[[0, -1]].tolist())
        raise DataError(
            f"{one.sentence}; nothing of it was known at any of the {len(bars):,} bars of {symbol} ({first} to "
            f"{last}); give one of their time, or leave it out"
        )
    return joined


_AGE: Final = "_age_"
"""In names of columns that say how old a value is, which they do however old."""


class SymbolPlace(NamedTuple):
    """The symbol, empty where none is named, the place, and the options that were given."""

    symbol: str
    place: str
    options: Mapping[str, timedelta]


class Placed(Protocol):
    """A source that lies in one place and belongs to one symbol."""

    @property
    def symbol(self) -> str:
        """The symbol that was named, empty for the only one there is."""

    @property
    def place(self) -> str:
        """A file or a name in the store."""

    @property
    def own_symbol(self) -> str:
        """The symbol that the place itself is about, empty for a file."""


def split_place(text: str, what: str, wanted: str, options: Sequence[str] = ()) -> SymbolPlace:
    """The parts of `text`; `what` it is about and what is `wanted` are for the error.

    Options are times in seconds: `lag_s` may be 0, the others must be positive.

    >>> split_place("ETH=eth.parquet?lag_s=300", "positions", "FILE", ["lag_s"]).options
    {'lag_s': datetime.timedelta(seconds=300)}
    """
    named, _, query = text.strip().partition("?")
    symbol, equals, place = named.rpartition("=")
    if not place.strip() or (equals and not symbol.strip()):
        raise ConfigError(f"{wanted}; found {text!r}")
    given = dict(parse_qsl(query, keep_blank_values=True))
    unknown = sorted(given.keys() - set(options))
    if unknown:
        raise ConfigError(f"{text!r} sets {', '.join(unknown)}; options of {what} are {', '.join(options) or 'none'}")
    seconds = {key: _seconds(text, key, value) for key, value in given.items()}
    return SymbolPlace(symbol.strip(), place.strip(), seconds)


def by_symbol[P: Placed](sources: Iterable[P], symbols: Sequence[str], what: str) -> dict[str, list[P]]:
    """The sources of each symbol that has any; `what` they are of is for the error."""
    found: dict[str, list[P]] = {}
    only = symbols[0] if len(symbols) == 1 else ""
    for source in sources:
        # the symbol that was named, the only one there is, or the one that the place is about
        symbol = source.symbol or only or source.own_symbol
        if symbol not in symbols:
            raise ConfigError(
                f"{source.place} holds the {what} of {symbol or 'no symbol'}; say which with SYMBOL=FILE, one of "
                f"{', '.join(symbols)}"
            )
        found.setdefault(symbol, []).append(source)
    return found


def one_each[P: Placed](sources: Iterable[P], symbols: Sequence[str], what: str, whats: str) -> dict[str, P]:
    """The same where a symbol may have no more than one."""
    found = by_symbol(sources, symbols, what)
    for symbol, several in found.items():
        if len(several) > 1:
            raise ConfigError(f"{symbol} has two {whats}, {several[0].place} and {several[1].place}; give one")
    return {symbol: one for symbol, (one,) in found.items()}


def _seconds(text: str, key: str, value: str) -> timedelta:
    try:
        seconds = float(value)
    except ValueError:
        raise ConfigError(f"{key} of {text!r} cannot be {value!r}; give seconds") from None
    if not (seconds > 0 or (seconds == 0 and key == "lag_s")):
        raise ConfigError(f"{key} must {'not be negative' if key == 'lag_s' else 'be positive'} in {text!r}")
    return timedelta(seconds=seconds)
