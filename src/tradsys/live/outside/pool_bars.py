"""The last bars of symbols that are compared with each other, and which of them came to each close."""

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from tradsys.bundle.deployment import DeployedPool
from tradsys.core.bars import OHLCV
from tradsys.core.errors import DataError
from tradsys.core.time import ts_ms
from tradsys.features.stream.bar import Bar
from tradsys.features.stream.feature_stream import frame_of
from tradsys.live.bars.close import Close

QUOTE_VOLUME: Final = "quote_volume"

PATIENCE: Final = 3
"""Closes in a row that a symbol may be missing from before the others are ranked without it."""


class PoolBars:
    """At least `n_bars` last bars of each symbol, in the order of the symbols, with what ranks are made of.

    A symbol without a bar is not compared at that close, as in research; whether it has none, or its bar is only late,
    nobody knows then. After `PATIENCE` closes in a row it counts as gone.
    """

    def __init__(self, pool: DeployedPool, symbols: Sequence[str], n_bars: int) -> None:
        self._pool, self._symbols = pool, tuple(symbols)
        self._n_bars = self._n_kept = n_bars
        self.frames: dict[str, pl.DataFrame] = {}
        self._n_missing = dict.fromkeys(self._symbols, 0)

    def join(self, histories: Mapping[str, pl.DataFrame]) -> None:
        """Take in these symbols' histories; a DataError where they do not tell what members are chosen by."""
        kept = {symbol: self._needed(symbol, bars) for symbol, bars in histories.items()}
        found = self.frames | kept
        self.frames = {symbol: found[symbol] for symbol in self._symbols if symbol in found}
        self._n_kept = max(self._n_bars, *map(len, self.frames.values()))

    def take(self, symbol: str, bar: Bar) -> None:
        """Put a bar in its place; a symbol that has no history is not compared."""
        frame = self.frames.get(symbol)
        if frame is None:
            return
        row = self._needed(symbol, frame_of([bar]))
        opens = ts_ms(frame.tail(1))
        if len(opens) and bar.ts <= int(opens[0]):
            frame = frame.filter(pl.col("ts").dt.epoch("ms") != bar.ts)
            self.frames[symbol] = pl.concat([frame, row]).sort("ts")
        else:
            self.frames[symbol] = pl.concat([frame, row]).tail(self._n_kept)

    def missing_lately(self, close: Close, cold: Mapping[str, str]) -> list[str]:
        """Symbols that did not come to this close, and that were there lately; to be asked once a close."""
        absent = {*close.missing, *cold}
        for symbol in self._symbols:
            if symbol in absent:
                self._n_missing[symbol] += 1
            elif symbol in close.bars:
                self._n_missing[symbol] = 0
        return [symbol for symbol in self._symbols if symbol in absent and self._n_missing[symbol] <= PATIENCE]

    def _needed(self, symbol: str, bars: pl.DataFrame) -> pl.DataFrame:
        names = ["ts", *OHLCV, *([QUOTE_VOLUME] if self._pool.has_quote_volume else [])]
        if lacking := [name for name in names if name not in bars.columns]:
            raise DataError(
                f"the members of the universe are chosen by {', '.join(lacking)} of the run's bars, which the venue's "
                f"bars of {symbol} do not tell; run again on bars without it"
            )
        return bars.select(names)
