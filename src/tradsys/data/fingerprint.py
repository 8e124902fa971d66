"""How data is recognised again: one digest of all of it, and a short one for each month of closes."""

import hashlib
import json
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from tradsys.core.bars import OHLCV, split_symbols
from tradsys.core.time import ts_ms

N_BLOCK_HEX = 12


def fingerprint(bars: pl.DataFrame, origin: Iterable[str] = ()) -> str:
    """SHA-256 over every symbol's name, times and values, and over `origin` (recipe and seed of a simulation)."""
    digest = hashlib.sha256()
    for text in origin:
        digest.update(f"{text}\n".encode())
    for symbol, frame in sorted(split_symbols(bars).items()):
        digest.update(f"{symbol} {len(frame)}\n".encode())
        digest.update(np.ascontiguousarray(ts_ms(frame), dtype="<i8").tobytes())
        for name in OHLCV:
            digest.update(np.ascontiguousarray(frame[name].to_numpy(), dtype="<f8").tobytes())
    return digest.hexdigest()


def extended(known: str, bars: pl.DataFrame, columns: Iterable[str]) -> str:
    """The fingerprint of bars with further columns: SHA-256 over the one `known`, and each column's name and values."""
    digest = hashlib.sha256(f"{known}\n".encode())
    for name in columns:
        digest.update(f"{name}\n".encode())
        digest.update(np.ascontiguousarray(bars[name].to_numpy(), dtype="<f8").tobytes())
    return digest.hexdigest()


def month_blocks(bars: pl.DataFrame, *, opens: int | None = None, closes: int | None = None) -> tuple[str, ...]:
    """A short hash of each symbol's times and closes in each calendar month (UTC), sorted and unique.

    The symbol's name takes no part, so that the same data is recognised under another name, and in another range. Of
    months without a bar in [opens, closes), ms, there is none where these are given; a hash is always of the whole.
    """
    blocks: set[str] = set()
    for frame in split_symbols(bars).values():
        ts = np.ascontiguousarray(ts_ms(frame), dtype="<i8")
        close = np.ascontiguousarray(frame["close"].to_numpy(), dtype="<f8")
        months = ts.astype("datetime64[ms]").astype("datetime64[M]").astype(np.int64)
        edges = [0, *(np.flatnonzero(np.diff(months)) + 1).tolist(), len(ts)]
        is_inside = ((ts >= opens) if opens is not None else True) & ((ts < closes) if closes is not None else True)
        inside = np.broadcast_to(is_inside, ts.shape)
        for a, b in pairwise(edges):
            if not inside[a:b].any():
                continue
            content = ts[a:b].tobytes() + close[a:b].tobytes()
            blocks.add(hashlib.sha256(content).hexdigest()[:N_BLOCK_HEX])
    return tuple(sorted(blocks))


def development_blocks() -> frozenset[str]:
    """Month blocks of the data on which the defaults were chosen."""
    return frozenset(_development()["blocks"])


def development_looks() -> int:
    """How many configurations were scored on that data before the defaults stood: all of them are trials."""
    return int(_development()["n_looks"])


@cache
def _development() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(files("tradsys.data").joinpath("development.json").read_text())
    return read
