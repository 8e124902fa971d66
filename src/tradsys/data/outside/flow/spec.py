"""One source of flow as the settings write it: `BTCUSDT=flow.parquet?lag_s=300`, or a market of the store."""

import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Self

from tradsys.data.outside.place import split_place

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
        wanted = (
            "a source of flow is FILE, SYMBOL=FILE or a market of the store, such as BTCUSDT=flow.parquet or "
            "binance:BTC/USDT:USDT"
        )
        symbol, source, given = split_place(text, "a source of flow", wanted, _OPTIONS)
        return cls(symbol, source, *(given.get(name) for name in _OPTIONS))

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
