"""One source of flow as the settings write it: `BTCUSDT=flow.parquet?lag_s=300`, or a market of the store."""

import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Self
from urllib.parse import parse_qsl

from tradsys.core.errors import ConfigError

_OPTIONS = ("lag_s", "tolerance_s", "every_s")
_MARKET = re.compile(r"[a-z][a-z0-9_-]*:[^:\s]+/[^:\s]+(:[^:\s]+)?")


@dataclass(frozen=True, slots=True)
class FlowSource:
    """A file, or what the store holds of `binance:BTC/USDT:USDT`, for one symbol, empty for the only one.

    Options that are None are the source's own: `flow_from_file` and `flow_from_store` say which.
    """

    symbol: str
    source: str
    lag: timedelta | None = None
    tolerance: timedelta | None = None
    step: timedelta | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """What `[SYMBOL=]FILE[?lag_s=..&tolerance_s=..&every_s=..]` or `[SYMBOL=]VENUE:SYMBOL[?..]` describes.

        >>> FlowSource.parse("ETHUSDT=eth.parquet?lag_s=300").lag
        datetime.timedelta(seconds=300)
        """
        place, _, query = text.partition("?")
        symbol, equals, source = place.rpartition("=")
        if not source or (equals and not symbol):
            raise ConfigError(
                "a source of flow is FILE, SYMBOL=FILE or a market of the store, such as BTCUSDT=flow.parquet or "
                f"binance:BTC/USDT:USDT; found {text!r}"
            )
        given = {key: _seconds(text, key, value) for key, value in parse_qsl(query, keep_blank_values=True)}
        return cls(symbol.strip(), source.strip(), given.get("lag_s"), given.get("tolerance_s"), given.get("every_s"))

    @property
    def is_stored(self) -> bool:
        """Whether it names a market of the store rather than a file."""
        return _MARKET.fullmatch(self.source) is not None and not self.path.exists()

    @property
    def path(self) -> Path:
        """The file that it names."""
        return Path(self.source).expanduser()

    @property
    def own_symbol(self) -> str:
        """The symbol that a market of the store is of, empty for a file."""
        return self.source.partition(":")[2] if self.is_stored else ""


def _seconds(text: str, key: str, value: str) -> timedelta:
    if key not in _OPTIONS:
        raise ConfigError(f"{text!r} sets {key}; options of a source of flow are {', '.join(_OPTIONS)}")
    try:
        seconds = float(value)
    except ValueError:
        raise ConfigError(f"{key} of {text!r} cannot be {value!r}; give seconds") from None
    if not (seconds > 0 or (seconds == 0 and key == "lag_s")):
        raise ConfigError(f"{key} must {'not be negative' if key == 'lag_s' else 'be positive'} in {text!r}")
    return timedelta(seconds=seconds)
