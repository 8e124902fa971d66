"""Binance's open interest, premium index and liquidations: how the archive's files of them read."""

from collections.abc import Sequence

import polars as pl

from tradsys.core.bars import TS
from tradsys.core.errors import DataError, SourceError
from tradsys.data.files import KLINE
from tradsys.data.times import settle_times

_METRICS = (
    "create_time",
    "symbol",
    "sum_open_interest",
    "sum_open_interest_value",
    "count_toptrader_long_short_ratio",
    "sum_toptrader_long_short_ratio",
    "count_long_short_ratio",
    "sum_taker_long_short_vol_ratio",
)
_ORDERS = (
    "time",
    "side",
    "order_type",
    "time_in_force",
    "original_quantity",
    "price",
    "average_price",
    "order_status",
    "last_fill_quantity",
    "accumulated_fill_quantity",
)
_SIDES = {"BUY": "buy", "SELL": "sell"}


def metrics_from_csv(data: bytes, where: str) -> pl.DataFrame:
    """A row in five minutes: `ts` to the minute, `sum_open_interest` (base), its value (quote), and four ratios.

    Rows come in any order and often twice; a ratio may be empty.
    """
    table = _table(data, _METRICS, "create_time", where)
    numbers = [pl.col(name).cast(pl.Float64) for name in _METRICS[2:]]
    return _settled(table, numbers, where).with_columns(pl.col("ts").dt.round("1m"))


def premium_from_csv(data: bytes, where: str) -> pl.DataFrame:
    """Premium of the perpetual over its index as bars: `ts` (the open), `open, high, low, close`, fractions."""
    table = _table(data, KLINE, "open_time", where, wanted=KLINE[:5])
    return _settled(table, [pl.col(name).cast(pl.Float64) for name in KLINE[1:5]], where)


def liquidations_from_csv(data: bytes, where: str) -> pl.DataFrame:
    """An order a row: `ts`, `side` ("sell" ends a long), average `price`, `size_base` filled, and its `status`.

    At most one order a second and symbol is there, and each is written twice: equal rows are one order.
    """
    wanted = ("time", "side", "average_price", "accumulated_fill_quantity", "order_status")
    table = _table(data, _ORDERS, "time", where, wanted=wanted)
    values = [
        pl.col("side").str.to_uppercase().replace_strict(_SIDES, default=None, return_dtype=pl.String).alias("side"),
        pl.col("average_price").cast(pl.Float64).alias("price"),
        pl.col("accumulated_fill_quantity").cast(pl.Float64).alias("size_base"),
        pl.col("order_status").str.to_lowercase().alias("status"),
    ]
    return _settled(table, values, where)


def _table(
    data: bytes, columns: Sequence[str], time: str, where: str, *, wanted: Sequence[str] | None = None
) -> pl.DataFrame:
    """Cells as text, with the time in `ts`: by name where there is a header, else in the archive's order."""
    has_header = not data[:1].isdigit()
    try:
        text = pl.read_csv(data, has_header=has_header, infer_schema=False)
        if not has_header:
            text = text.rename(dict(zip(text.columns, columns, strict=True)))
        lacking = [name for name in (wanted or columns) if name not in text.columns]
        if lacking:
            raise ValueError(f"found no column {', '.join(lacking)}")
    except (pl.exceptions.PolarsError, ValueError) as error:
        raise SourceError(f"{where} holds no {', '.join(wanted or columns)} ({error})") from error
    return text.rename({time: "ts"})


def _settled(text: pl.DataFrame, values: Sequence[pl.Expr], where: str) -> pl.DataFrame:
    try:
        ms = settle_times(text["ts"], where).ms
        return text.select(ms.cast(TS).alias("ts"), *values)
    except (pl.exceptions.PolarsError, DataError, ValueError) as error:
        raise SourceError(f"{where} cannot be read ({error})") from error
