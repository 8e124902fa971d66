"""Several symbols' bars on one grid of time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Self

import numpy as np

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.errors import ConfigError, DataError, NotEnoughBars
from tradsys.core.frames import as_market
from tradsys.core.single_symbol import single_symbol
from tradsys.core.tables import Table
from tradsys.core.time import DAY_MS, as_ms, infer_interval, interval_ms, stamp
from tradsys.core.traded import TradedBars, end_to_end
from tradsys.labels.kernel import Prices


@dataclass(frozen=True, slots=True)
class Grid:
    """The union of all symbols' bars inside [start, end), in milliseconds.

    `ts` (n_rows,) and `prices` hold all rows of all symbols end to end, also those outside; symbol s owns the rows
    `span[s]` and those of them inside the time are `window[s]`, each (n_symbols, 2), half open. `times` (n_grid,) are
    the opens of the union, and `row_at` (n_symbols, n_grid) the symbol's row there, -1 where it has no bar. `traded`
    says of all rows where somebody traded.
    """

    symbols: tuple[str, ...]
    bar_ms: int
    start: int
    end: int
    ts: IntArray
    prices: Prices
    span: IntArray
    window: IntArray
    times: IntArray
    row_at: IntArray
    traded: TradedBars

    @classmethod
    def of(cls, market: Mapping[str, Table], start: datetime | int, end: datetime | int) -> Self:
        """From one frame a symbol; all must share one interval. Aware datetimes are as good as milliseconds."""
        if start is None or end is None:
            raise ConfigError(f"a simulation needs its start and end, found {start} and {end}; give milliseconds")
        start, end = as_ms(start), as_ms(end)
        market = as_market(market, "a simulation")
        intervals = {symbol: infer_interval(bars) for symbol, bars in market.items()}
        if len(set(intervals.values())) != 1:
            raise DataError(f"all symbols must have bars of one interval, found {intervals}; load them alike")
        bar_ms = interval_ms(next(iter(intervals.values())))
        arrays = [single_symbol(bars, "a simulation") for bars in market.values()]
        for symbol, one in zip(market, arrays, strict=True):
            if not all((getattr(one, name) > 0).all() for name in Prices._fields):
                raise DataError(
                    f"a simulation needs positive prices, {symbol} has others; drop those bars or mend them"
                )
        ends = np.cumsum([len(a.ts) for a in arrays])
        span = np.stack([np.append(0, ends[:-1]), ends], axis=1)
        window = np.array(
            [
                begin + np.searchsorted(a.ts, [start, end - bar_ms + 1])
                for a, (begin, _) in zip(arrays, span, strict=True)
            ]
        )
        ts = np.concatenate([a.ts for a in arrays])
        inside = [ts[begin:stop] for begin, stop in window]
        times = inside[0] if len(inside) == 1 else np.unique(np.concatenate(inside))
        if len(times) == 0:
            raise NotEnoughBars(
                f"no bar lies between {stamp(start)} and {stamp(end)}; choose a span that the bars cover"
            )
        row_at = np.full((len(arrays), len(times)), -1)
        for s, (begin, stop) in enumerate(window):
            row_at[s, np.searchsorted(times, inside[s])] = np.arange(begin, stop)
        return cls(
            symbols=tuple(market),
            bar_ms=bar_ms,
            start=start,
            end=end,
            ts=ts,
            prices=Prices(*(np.concatenate([getattr(a, name) for a in arrays]) for name in Prices._fields)),
            span=span,
            window=window,
            times=times,
            row_at=row_at,
            traded=end_to_end([TradedBars.of(a.volume) for a in arrays]),
        )

    def rows_closing_at(self, s: int, when: IntArray) -> IntArray:
        """Symbol s's rows whose bars close at the given times, -1 where none does, same shape."""
        begin, stop = self.span[s]
        opens = self.ts[begin:stop]
        rows = np.searchsorted(opens, when - self.bar_ms)
        found = opens[np.minimum(rows, len(opens) - 1)] == when - self.bar_ms
        return np.where(found, begin + rows, -1)

    def forward_filled(self, values: FloatArray) -> FloatArray:
        """Values of rows on the grid, (n_symbols, n_grid); over a symbol's missing bars the last value stands.

        Before its first bar in the window stands the value of that bar, so that a return over a hole falls on its far
        side.
        """
        rows = np.maximum.accumulate(self.row_at, axis=1)
        lead = np.minimum(self.window[:, 0], self.span[:, 1] - 1)[:, None]
        return values[np.where(rows < 0, lead, rows)]

    def day_ends(self) -> tuple[IntArray, IntArray]:
        """UTC day numbers from `start` to `end`, and the last grid bar closed by the end of each, -1 before any."""
        days = np.arange(self.start // DAY_MS, (self.end - 1) // DAY_MS + 1)
        closing_day = (self.times + self.bar_ms - 1) // DAY_MS
        return days, np.searchsorted(closing_day, days, side="right") - 1

    def daily_returns(self, equity: FloatArray, cash_quote: float) -> tuple[IntArray, FloatArray]:
        """The UTC days, and the net return of each from equity (n_grid,) at the closes; each (n_days,)."""
        days, last = self.day_ends()
        worth = np.where(last >= 0, equity[last], cash_quote)
        before = np.append(cash_quote, worth[:-1])
        return days, np.divide(worth, before, out=np.ones(len(days)), where=before > 0) - 1.0
