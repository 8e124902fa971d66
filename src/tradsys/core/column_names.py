"""Names under which people keep the columns of bars, and which column says when a bar opens."""

import re
from collections.abc import Iterable
from typing import Final

OHLCV = ("open", "high", "low", "close", "volume")
OPTIONAL = ("quote_volume", "taker_buy_volume", "n_trades")

OPENS: Final = (
    "opentime",
    "timeperiodstart",
    "periodstart",
    "barstart",
    "candlebegintime",
    "starttime",
    "start",
    "timeopen",
    "opentimestamp",
)
"""Names of opens; CoinAPI's `time_open` is the first trade's, and stands beside the period's start."""
CLOSES: Final = (
    "closetime",
    "timeperiodend",
    "periodend",
    "barend",
    "endtime",
    "end",
    "timeclose",
    "closetimestamp",
)
ANY_TIME: Final = ("ts", "timestamp", "unix", "unixtimestamp", "datetime", "date", "time", "gmttime")
LAST: Final = ("t", "localtime", "index", "indexlevel0", "unnamed0", "")

NAMES: Final = {
    "open": ("open", "o", "open_price", "price_open"),
    "high": ("high", "h", "high_price", "price_high"),
    "low": ("low", "l", "low_price", "price_low"),
    "close": ("close", "c", "close_price", "price_close"),
    "volume": ("volume", "vol", "v", "base_volume", "volume_base", "volume_traded", "tick_volume", "tickvol"),
    "quote_volume": ("quote_volume", "quotevolume", "quote_asset_volume", "volume_quote", "turnover"),
    "taker_buy_volume": ("taker_buy_volume", "taker_buy_base_asset_volume", "taker_base_vol", "taker_buy_base"),
    "n_trades": ("n_trades", "tradecount", "trade_count", "trades", "number_of_trades", "num_trades", "count"),
    "symbol": ("symbol", "pair", "ticker", "tic", "instrument"),
}
"""What each of our columns is called elsewhere, as `plain` writes it."""


def plain(name: str) -> str:
    """Lower case, words joined by `_`, without the marks that vendors put around them.

    >>> plain("<Open Price>")
    'open_price'
    """
    if name == "__index_level_0__":
        return name
    words = re.sub(r"[^a-z0-9]+", "_", name.strip().lower()).strip("_")
    return re.sub(r"^\d_(?=[a-z])", "", words)  # Alpha Vantage numbers its columns: 1. open


def time_column(names: Iterable[str]) -> str | None:
    """The name among plain ones that holds the opens, None where no name is a time's."""
    there = list(names)
    return next((found for known in (OPENS, ANY_TIME, LAST) if (found := named(there, known)) is not None), None)


def named(names: Iterable[str], known: tuple[str, ...]) -> str | None:
    """The first of the known names, which are joined, that stands among plain ones."""
    joined = {name.replace("_", ""): name for name in reversed(list(names))}
    return next((joined[name] for name in known if name in joined), None)
