"""What a stored series is called: `binance:BTC/USDT:1h`, and the folder that stands for it."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Self
from urllib.parse import quote, unquote

from tradsys.core.errors import ConfigError
from tradsys.core.time import format_interval, parse_interval

FUNDING, DEPTH = "funding", "depth"
METRICS, PREMIUM, LIQUIDATIONS = "metrics", "premium", "liquidations"
TABLES = {
    FUNDING: ("ts",),
    DEPTH: ("ts", "percentage"),
    METRICS: ("ts",),
    PREMIUM: ("ts",),
    LIQUIDATIONS: ("ts", "side", "price", "size_base"),
}
"""Tables that are kept besides bars, and the columns that make a row of it unique."""

_SPEC = re.compile(rf"([a-z][a-z0-9_-]*):([^:\s]+(?::[^:\s]+)?):(\d+[smhdw]|{'|'.join(TABLES)})")
_FOLDER = re.compile(r"exchange=([^/]+)/market=[^/]+/symbol=([^/]+)/interval=([^/]+)")


@dataclass(frozen=True, slots=True, order=True)
class SeriesId:
    """An exchange as ccxt calls it, a symbol as ccxt writes it, and an interval (or one of TABLES).

    >>> SeriesId.parse("binance:BTC/USDT:USDT:60m")
    SeriesId(exchange='binance', symbol='BTC/USDT:USDT', interval='1h')
    """

    exchange: str
    symbol: str
    interval: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """The series that the command line names, with its interval in the shortest spelling."""
        match = _SPEC.fullmatch(text)
        if match is None:
            raise ConfigError(
                f"a series is VENUE:SYMBOL:INTERVAL, such as binance:BTC/USDT:1h or binance:BTC/USDT:USDT:15m (or "
                f"{', '.join(TABLES)} for the interval), found {text!r}"
            )
        exchange, symbol, interval = match.groups()
        return cls(exchange, symbol, interval if interval in TABLES else format_interval(parse_interval(interval)))

    @classmethod
    def from_folder(cls, folder: str) -> Self | None:
        """The series that a folder of the store stands for, None where it stands for none."""
        match = _FOLDER.fullmatch(folder)
        return None if match is None else cls(*(unquote(part) for part in match.groups()))

    def __str__(self) -> str:
        return f"{self.exchange}:{self.symbol}:{self.interval}"

    @property
    def market(self) -> str:
        """`spot`, `swap` or `future` (one that expires), as the symbol's form says."""
        _, colon, settled = self.symbol.partition(":")
        return "spot" if not colon else "future" if "-" in settled else "swap"

    @property
    def folder(self) -> str:
        """Where its years lie, relative to the store's root, in Hive's spelling that DuckDB and Polars read."""
        parts = {"exchange": self.exchange, "market": self.market, "symbol": self.symbol, "interval": self.interval}
        return "/".join(f"{name}={quote(value, safe='')}" for name, value in parts.items())

    @property
    def is_bars(self) -> bool:
        """Whether it holds bars rather than one of TABLES."""
        return self.interval not in TABLES

    @property
    def step(self) -> timedelta:
        """Duration of a bar."""
        if not self.is_bars:
            raise ConfigError(f"{self} holds no bars, wanted an interval such as 1h")
        return parse_interval(self.interval)

    @property
    def venue_interval(self) -> str:
        """The interval as venues spell it: a week is 1w."""
        return "1w" if self.interval == "7d" else self.interval

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns that make a row unique."""
        return TABLES.get(self.interval, ("ts",))


def is_series(text: str) -> bool:
    """Whether the text has the form of a series' name."""
    return _SPEC.fullmatch(text) is not None
