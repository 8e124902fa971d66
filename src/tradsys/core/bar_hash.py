"""A bar as a short hash of its own values: by it a decision says which bar decided, and a revised bar shows."""

import struct
from collections.abc import Sequence
from hashlib import sha256

import polars as pl

from tradsys.core.column_names import OHLCV
from tradsys.core.time import ts_ms

_DIGITS = 16
_pack = struct.Struct("<q5d").pack


def bar_hash(symbol: str, ts_ms: int, values: Sequence[float]) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of the symbol, the open in ms and open, high, low, close, volume.

    Symbol in UTF-8, a zero byte, then a signed 64-bit integer and five doubles, little-endian. Nothing else of the bar
    counts: neither columns from outside nor earlier bars.

    >>> bar_hash("BTC/USDT", 0, (1, 2, 0.5, 1.5, 10))
    '5f07637c1610b687'
    """
    return sha256(symbol.encode() + b"\0" + _pack(ts_ms, *values)).hexdigest()[:_DIGITS]


def bar_hashes(symbol: str, bars: pl.DataFrame) -> list[str]:
    """The same of each of one symbol's bars."""
    rows = zip(*(bars[name].to_list() for name in OHLCV), strict=True)
    return [bar_hash(symbol, at, values) for at, values in zip(ts_ms(bars).tolist(), rows, strict=True)]
