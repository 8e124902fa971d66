"""Where a table lies that belongs to a symbol, as the settings write it: `[SYMBOL=]PLACE[?option_s=SECONDS&...]`."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple, Protocol
from urllib.parse import parse_qsl

from tradsys.core.errors import ConfigError


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
    for source in sources:
        found.setdefault(_symbol_of(source, symbols, what), []).append(source)
    return found


def one_each[P: Placed](sources: Iterable[P], symbols: Sequence[str], what: str, whats: str) -> dict[str, P]:
    """The same where a symbol may have no more than one."""
    found = by_symbol(sources, symbols, what)
    for symbol, several in found.items():
        if len(several) > 1:
            raise ConfigError(f"{symbol} has two {whats}, {several[0].place} and {several[1].place}; give one")
    return {symbol: one for symbol, (one,) in found.items()}


def _symbol_of(source: Placed, symbols: Sequence[str], what: str) -> str:
    """Whose it is: the symbol that was named, the only one there is, or the one that the place is about."""
    only = symbols[0] if len(symbols) == 1 else ""
    found = source.symbol or only or source.own_symbol
    if found not in symbols:
        raise ConfigError(
            f"{source.place} holds the {what} of {found or 'no symbol'}; say which with SYMBOL=FILE, one of "
            f"{', '.join(symbols)}"
        )
    return found


def _seconds(text: str, key: str, value: str) -> timedelta:
    try:
        seconds = float(value)
    except ValueError:
        raise ConfigError(f"{key} of {text!r} cannot be {value!r}; give seconds") from None
    if not (seconds > 0 or (seconds == 0 and key == "lag_s")):
        raise ConfigError(f"{key} must {'not be negative' if key == 'lag_s' else 'be positive'} in {text!r}")
    return timedelta(seconds=seconds)
