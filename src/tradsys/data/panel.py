"""Several symbols side by side on one clock: a missing bar is a hole, never its neighbour."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl

from tradsys.core.arrays import BoolArray, FloatArray, IntArray
from tradsys.core.errors import DataError
from tradsys.core.time import ts_ms


@dataclass(frozen=True, slots=True)
class PricePanel:
    """Every close `times` (n_times,) in ms from the first bar's to the last's, whether or not anybody traded.

    `row_at` (n_times, n_symbols) is the symbol's row of the bar that closed then, -1 where it has none.
    """

    symbols: tuple[str, ...]
    bar_ms: int
    times: IntArray
    row_at: IntArray

    @classmethod
    def of(cls, frames: Mapping[str, pl.DataFrame], bar_ms: int) -> Self:
        """From one frame a symbol; all must stand on one grid of time."""
        opens = {symbol: ts_ms(bars) for symbol, bars in frames.items() if len(bars)}
        if not opens:
            raise DataError("symbols side by side need bars, found none; check the files or the range")
        first = min(int(ts[0]) for ts in opens.values())
        last = max(int(ts[-1]) for ts in opens.values())
        row_at = np.full(((last - first) // bar_ms + 1, len(frames)), -1)
        for s, symbol in enumerate(frames):
            place, off = np.divmod(opens.get(symbol, np.empty(0, np.int64)) - first, bar_ms)
            if off.any():
                raise DataError(
                    f"{symbol} has bars off the grid of the others by {off[off > 0][0]} ms; load them alike"
                )
            row_at[place, s] = np.arange(len(place))
        return cls(tuple(frames), bar_ms, first + bar_ms * np.arange(1, len(row_at) + 1), row_at)

    @property
    def is_there(self) -> BoolArray:
        """Whether the symbol has a bar that closed then, (n_times, n_symbols)."""
        return np.asarray(self.row_at >= 0, dtype=bool)

    def spread(self, values: Mapping[str, FloatArray]) -> FloatArray:
        """One array (n_bars,) a symbol on the clock, (n_times, n_symbols), NaN where there is no bar."""
        out = np.full(self.row_at.shape, np.nan)
        for s, symbol in enumerate(self.symbols):
            out[self.row_at[:, s] >= 0, s] = values[symbol]
        return out

    def gathered(self, values: FloatArray, symbol: str) -> FloatArray:
        """The symbol's column of (n_times, n_symbols) at its own bars, (n_bars,)."""
        s = self.symbols.index(symbol)
        return np.asarray(values[self.row_at[:, s] >= 0, s], dtype=np.float64)
