"""Where a table beside bars lies, as the settings write it: `[SYMBOL=]PLACE[?option_s=SECONDS&...]`."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple
from urllib.parse import parse_qsl

from tradsys.core.errors import ConfigError
from tradsys.data.market import Market


class Place(NamedTuple):
    """The symbol, empty where none is named, the place, and the options that were given."""

    symbol: str
    place: str
    options: Mapping[str, timedelta]


def split_place(text: str, what: str, wanted: str, options: Sequence[str] = ()) -> Place:
    """The parts of `text`; `what` it is about and what is `wanted` are for the error.

    Options are times in seconds: `lag_s` may be 0, the others must be positive.

    >>> split_place("ETH=eth.parquet?lag_s=300", "flow", "FILE", ["lag_s"]).options
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
    return Place(symbol.strip(), place.strip(), seconds)


def symbol_in(market: Market, symbol: str, place: object, what: str, *, told: str = "") -> str:
    """Whose table it is: the symbol that was named, the only one there is, or the one that the place tells of."""
    only = market.symbols[0] if len(market.symbols) == 1 else ""
    found = symbol or only or told
    if found not in market.symbols:
        raise ConfigError(
            f"{place} is the {what} of {found or 'no symbol'}; say which with SYMBOL=FILE, one of "
            f"{', '.join(market.symbols)}"
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
