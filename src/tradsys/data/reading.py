"""How a file is to be read where it does not say so itself: its time zone, whose bars it holds, what columns mean."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self
from urllib.parse import parse_qsl, quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl

from tradsys.core.bars import OHLCV, OPTIONAL
from tradsys.core.errors import ConfigError, DataError

_OPTIONS: Final = ("tz", "symbol", "columns")
NAMES: Final = ("time", *OHLCV, *OPTIONAL, "symbol")
"""What a column may be said to be."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The zone of times that name none, the symbols to take (or the one to name), and columns by what they are.

    It is written behind a file as a query, so that whatever names the file also says how it was read.
    """

    tz: str = ""
    symbols: tuple[str, ...] = ()
    columns: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.tz or "UTC")
        except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
            raise ConfigError(
                f"tz must be a time zone such as America/New_York, Europe/Berlin or UTC, found {self.tz!r}"
            ) from None
        wrong = [ours for ours, _ in self.columns if ours not in NAMES]
        if wrong:
            raise ConfigError(f"columns are {', '.join(NAMES)}; found {', '.join(wrong)}; such as close=Last")
        ours = [one for one, _ in self.columns]
        if len(set(ours)) < len(ours) or not all(theirs for _, theirs in self.columns):
            raise ConfigError(f"each column is said once, such as close=Last; found {self.columns_text!r}")

    @classmethod
    def of(
        cls, tz: str | None, symbols: str | Sequence[str] | None, columns: Mapping[str, str] | Sequence[str] | None
    ) -> Self:
        """What options say: `columns` as a mapping, or as texts such as close=Last."""
        pairs = columns.items() if isinstance(columns, Mapping) else [_pair(text) for text in columns or ()]
        names = [symbols] if isinstance(symbols, str) else symbols or ()
        if not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):
            raise ConfigError(f"symbol takes a name or a list of names, found {symbols!r}; give text such as 'BTCUSDT'")
        if tz == "" or not all(name.strip() for name in names):
            raise ConfigError("tz and symbol must not be empty, found ''; name one, or leave the option out")
        return cls(tz or "", tuple(dict.fromkeys(names)), tuple(sorted((a, b) for a, b in pairs)))

    @classmethod
    def split(cls, spec: str) -> tuple[str, Self]:
        """The place in a spec, and what is written behind it.

        >>> Reading.split("bars.csv?tz=Asia/Tokyo&columns=close:Last")
        ('bars.csv', Reading(tz='Asia/Tokyo', symbols=(), columns=(('close', 'Last'),)))
        """
        place, mark, query = spec.rpartition("?")
        given = parse_qsl(query, keep_blank_values=True)
        unknown = {key for key, _ in given} - set(_OPTIONS)
        if not mark or not given or _exists(spec):
            return spec, cls()
        if unknown:
            if _exists(place):
                raise ConfigError(f"{spec}: a file takes {', '.join(_OPTIONS)}, found {', '.join(sorted(unknown))}")
            return spec, cls()
        by_key = {key: [value for name, value in given if name == key] for key in _OPTIONS}
        if len(by_key["tz"]) > 1:
            raise ConfigError(f"{spec} names {len(by_key['tz'])} time zones, wanted one; leave all but one out")
        columns = [text.replace(":", "=", 1) for text in by_key["columns"]]
        return place, cls.of(next(iter(by_key["tz"]), None), by_key["symbol"], columns)

    @property
    def columns_text(self) -> str:
        return ", ".join(f"{ours}={theirs}" for ours, theirs in self.columns)

    def behind(self, place: str) -> str:
        """The spec that says all of it; the place alone where nothing is said."""
        pairs = [("tz", self.tz)] if self.tz else []
        pairs += [("symbol", name) for name in self.symbols]
        pairs += [("columns", f"{ours}:{theirs}") for ours, theirs in self.columns]
        query = "&".join(f"{key}={quote(value, safe='/:.')}" for key, value in pairs)
        return f"{place}?{query}" if query else place

    def take(self, bars: pl.DataFrame, source: str) -> pl.DataFrame:
        """The rows of the symbols that were named; a table without a column `symbol` gets the one name."""
        if not self.symbols:
            return bars
        if "symbol" not in bars.columns:
            if len(self.symbols) > 1:
                raise ConfigError(f"{source} names no symbols, wanted {', '.join(self.symbols)}; give one --symbol")
            return bars.with_columns(pl.lit(self.symbols[0]).alias("symbol"))
        names = bars["symbol"].cast(pl.String).str.strip_chars()
        there = names.drop_nulls().unique(maintain_order=True).to_list()
        absent = [name for name in self.symbols if name not in there]
        if absent:
            shown = ", ".join(there[:5]) + (" ..." if len(there) > 5 else "")
            raise DataError(
                f"{source} holds bars of {shown} and none of {', '.join(absent)}; name one of those it holds"
            )
        return bars.filter(names.is_in(list(self.symbols)))


def _exists(text: str) -> bool:
    try:
        return Path(text).expanduser().exists()
    except (OSError, RuntimeError):  # too long, or in the home of nobody
        return False


def _pair(text: str) -> tuple[str, str]:
    ours, equals, theirs = text.partition("=")
    if not equals:
        raise ConfigError(f"columns are said as close=Last, found {text!r}")
    return ours.strip().lower(), theirs.strip()
