"""Columns of the common vendors, recognised by name or refused."""

import re

import polars as pl

from tradsys.core.defects import ROW
from tradsys.core.errors import DataError

_TIME = ("ts", "open_time", "opentime", "timestamp", "unix", "unix_timestamp", "datetime", "date", "time", "gmt_time")
_TIME_LAST = ("local_time", "start", "index", "__index_level_0__", "unnamed_0", "")
_NAMES = {
    "time": (*_TIME, *_TIME_LAST),
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
_QUOTES = ("usdt", "usdc", "busd", "usd", "eur", "gbp", "jpy", "krw", "try", "tusd", "fdusd")


def recognise(table: pl.DataFrame, source: str) -> pl.DataFrame:
    """The table's bar columns under their names here, time in `time` still as found; anything else is left out."""
    plain = {_plain(name): name for name in reversed(table.columns) if name != ROW}
    if plain.get("price") == table.columns[1] and str(table[0, 1]).strip().lower() == "ticker":
        plain["date"] = plain["price"]  # yfinance names its first header cell after the columns' level
    chosen = {}
    for name, aliases in _NAMES.items():
        found = next((alias for alias in aliases if alias in plain), None)
        if found is not None:
            chosen[name] = found
    chosen |= _volumes_by_currency(plain, chosen)
    missing = [name for name in ("time", "open", "high", "low", "close", "volume") if name not in chosen]
    if missing:
        found_columns = ", ".join(repr(name) for name in table.columns[1:11]) + (" ..." if table.width > 11 else "")
        raise DataError(
            f"{source} holds no bars: wanted columns for time, open, high, low, close and volume, found none for "
            f"{', '.join(missing)} among {found_columns}; rename the columns, or give a file of bars"
        )
    if chosen["time"] == "date" and "time" in plain and table.schema[plain["time"]] == pl.String:
        day, clock = pl.col(plain["date"]), pl.col(plain["time"])
        table = table.with_columns((day + " " + clock).alias(plain["date"]))  # MetaTrader keeps them apart
    return table.select(ROW, *(pl.col(plain[name]).alias(ours) for ours, name in chosen.items()))


def _volumes_by_currency(plain: dict[str, str], chosen: dict[str, str]) -> dict[str, str]:
    """`Volume BTC` and `Volume USDT`: the quote currency is the one that is money."""
    priced = [name for name in plain if re.fullmatch(r"volume_[a-z0-9]{2,8}", name) and name not in chosen.values()]
    quote = [name for name in priced if name.removeprefix("volume_") in _QUOTES]
    base = [name for name in priced if name not in quote]
    named = {}
    if "volume" not in chosen and len(base) == 1:
        named["volume"] = base[0]
    if "quote_volume" not in chosen and len(quote) == 1:
        named["quote_volume"] = quote[0]
    return named


def _plain(name: str) -> str:
    """Lower case, words joined by `_`, without the marks that vendors put around them."""
    return re.sub(r"[^a-z0-9]+", "_", name.strip().lower()).strip("_") if name != "__index_level_0__" else name
