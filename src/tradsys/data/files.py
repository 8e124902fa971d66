"""Tables from files: Parquet, Feather and CSV by their content, columns of bars by their names, numbers from text."""

import re
from itertools import islice
from pathlib import Path

import polars as pl

from tradsys.core.defects import ROW
from tradsys.core.errors import DataError
from tradsys.data.repairs import Repair
from tradsys.data.time_columns import time_column, told_times

KLINE = (
    "open_time",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "close_time",
    "quote_volume",
    "n_trades",
    "taker_buy_volume",
    "taker_buy_quote_volume",
    "ignore",
)
_SEPARATORS = (",", ";", "\t", "|")


def read_table(path: Path) -> tuple[pl.DataFrame, str]:
    """Every row and column after the row's place in the file (`__row`), and what a place is: a "line" or a "row".

    Lines of a CSV count from 1, rows of other files from 0. A CSV's cells stay text.
    """
    if path.is_dir():
        raise DataError(f"{path} is a folder, wanted a Parquet, Feather or CSV file; name one of the files in it")
    with path.open("rb") as file:
        head = file.read(8)
    if not head:
        raise DataError(f"{path} is empty, wanted bars; fetch it again")
    try:
        if head.startswith(b"PAR1"):
            return pl.read_parquet(path).with_row_index(ROW), "row"
        if head.startswith(b"ARROW1"):
            return pl.read_ipc(path).with_row_index(ROW), "row"
        return _read_csv(path, head[:4]), "line"
    except (pl.exceptions.PolarsError, UnicodeDecodeError, OSError) as error:
        raise DataError(f"{path} cannot be read as Parquet, Feather or CSV: {error}; fetch it again") from error


def columns_in(path: Path) -> list[str]:
    """The names of a file's columns; of Parquet, nothing else is read."""
    if path.is_file() and is_parquet(path):
        try:
            return list(pl.read_parquet_schema(path))
        except (pl.exceptions.PolarsError, OSError) as error:
            raise DataError(f"{path} cannot be read as Parquet: {error}; fetch it again") from error
    return read_table(path)[0].columns[1:]


def is_parquet(path: Path) -> bool:
    """Whether the file begins as Parquet does; such a file can be read part by part."""
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


def _read_csv(path: Path, packed: bytes) -> pl.DataFrame:
    """Text cells; lines before the header that hold no separator are skipped, and a headless kline archive is named."""
    text = packed[:2] != b"\x1f\x8b" and packed != b"\x28\xb5\x2f\xfd"
    if packed[:2] == b"PK" or (text and b"\x00" in packed):
        raise DataError(f"{path} is neither Parquet, Feather nor CSV (it begins with {packed!r}); unpack or convert it")
    lines = [","]
    if text:
        with path.open(encoding="utf-8-sig") as opened:
            lines = [line.rstrip("\n") for line in islice(opened, 20)]
    separator = max(_SEPARATORS, key=lambda mark: max(line.count(mark) for line in lines))
    skip = next((i for i, line in enumerate(lines) if separator in line), None)
    if skip is None:
        raise DataError(f"{path} has no columns in its first {len(lines)} lines, wanted a CSV with a header")
    cells = lines[skip].split(separator)
    is_headless = len(cells) == len(KLINE) and all(_is_number(cell) for cell in cells)
    table = pl.read_csv(
        path,
        separator=separator,
        skip_lines=skip,
        has_header=not is_headless,
        new_columns=list(KLINE) if is_headless else None,
        infer_schema=False,
        truncate_ragged_lines=False,
    )
    return table.with_row_index(ROW, offset=skip + (1 if is_headless else 2))


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


_NAMES = {
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


def recognise(table: pl.DataFrame, source: str) -> tuple[pl.DataFrame, tuple[Repair, ...]]:
    """The table's bar columns under their names here, and what is to be told of them; anything else is left out.

    `time` holds the opens, still as found.
    """
    plain = {_plain(name): name for name in reversed(table.columns) if name != ROW}
    if plain.get("price") == table.columns[1] and str(table[0, 1]).strip().lower() == "ticker":
        plain["date"] = plain["price"]  # yfinance names its first header cell after the columns' level
    chosen = {}
    if (time := time_column(plain)) is not None:
        chosen["time"] = time
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
    named = table.select(ROW, *(pl.col(plain[name]).alias(ours) for ours, name in chosen.items()))
    return named, told_times(table, plain, source)


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


_BLANK = ("", ".", "-", "null", "none", "nan", "na", "n/a", "#n/a")
_N_SHOWN = 3


def numbers(column: pl.Series, source: Path | str) -> pl.Series:
    """Float64, null where a cell is empty; `source` is for the error."""
    if column.dtype != pl.String:
        return column.cast(pl.Float64).fill_nan(None)
    text = column.str.strip_chars()
    is_blank = text.is_null() | text.str.to_lowercase().is_in(_BLANK)
    value = text.set(is_blank, None).cast(pl.Float64, strict=False)
    unread = text.filter(value.is_null() & ~is_blank)
    if len(unread):
        shown = ", ".join(repr(cell) for cell in unread[:_N_SHOWN])
        raise DataError(f"{source}: {len(unread):,} cells of {column.name} are no numbers, such as {shown}; mend them")
    return value
