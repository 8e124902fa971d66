"""Settings given on the command line, as the dotted keys that the configuration knows."""

from collections.abc import Mapping, Sequence
from typing import Any

from tradsys.core.errors import ConfigError


def overrides(pairs: Sequence[str], options: Mapping[str, Any]) -> dict[str, Any]:
    """`KEY=VALUE` pairs and the options that were given; an option wins over a pair."""
    settings: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise ConfigError(f"--set takes KEY=VALUE, found {pair!r}; for example --set labels.horizon=6")
        settings[key.strip()] = value.strip()
    return settings | {key: value for key, value in options.items() if value is not None}


def outside_bars(
    macro: list[str] | None, book: list[str] | None, positions: list[str] | None, funding: list[str] | None
) -> dict[str, list[str] | None]:
    """The options that name what is known from outside the symbols' own trades."""
    return {"macro.series": macro, "book.files": book, "positions.sources": positions, "funding.files": funding}
