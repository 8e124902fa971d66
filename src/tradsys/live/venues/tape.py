"""A tape: bars of the past, told as a venue would have told them at the played time, and never a moment sooner."""

import asyncio
from bisect import bisect_left, bisect_right
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import polars as pl

from tradsys.core.bars import OHLCV, OPTIONAL, split_symbols, validate_bars
from tradsys.core.carry import Settlements
from tradsys.core.costs import Instrument
from tradsys.core.errors import ConfigError
from tradsys.core.tables import Table
from tradsys.core.time import format_step, infer_interval, interval_ms, stamp, ts_ms
from tradsys.data.load import load_bars
from tradsys.live.clock import Clock
from tradsys.live.venue import Hint, Kline, MarketRules, VenueRefused

_FIRST_TRADE = 1e-9
"""Volume of a bar that is still open: somebody has traded at its open, and how much will follow is not known yet."""
_SMALLEST_LOT = 1e-8
"""Steps of sizes where none are known: those of most coins; a venue has some."""

_LARGEST_ORDER = 1e12
"""In base units: orders are assumed too small to move a price, and a number can be counted in lots."""

_PRICES = pl.col(OHLCV).cast(pl.Float64)


@dataclass(frozen=True, slots=True)
class _Series:
    """One symbol's bars in order."""

    ts: list[int]
    klines: list[Kline]

    @classmethod
    def of(cls, bars: pl.DataFrame) -> Self:
        ts = ts_ms(bars).tolist()
        names = [name for name in OPTIONAL if name in bars.columns]
        extras = bars.select(pl.col(names).cast(pl.Float64)).to_dicts() if names else [{}] * len(ts)
        klines = [
            Kline(opened, **prices, extra={name: value for name, value in columns.items() if value is not None})
            for opened, prices, columns in zip(ts, bars.select(_PRICES).to_dicts(), extras, strict=True)
        ]
        return cls(ts, klines)


class BarTape:
    """Market data from bars that are already known, played on a clock; several symbols of one interval.

    A bar is told whole once it has closed. The one that is open is told by its open alone: a price at which somebody
    traded, unless the bar has no volume, in which case nobody has yet. `market` has a frame a symbol, `settlements`
    what funding was settled, `instruments` the steps of prices and sizes. What played before the clock's first moment
    is history.
    """

    def __init__(
        self,
        market: Mapping[str, pl.DataFrame],
        clock: Clock,
        *,
        name: str = "tape",
        instruments: Instrument | Mapping[str, Instrument] = Instrument(),
        settlements: Mapping[str, Settlements] | None = None,
        can_short: bool = True,
    ) -> None:
        if not market:
            raise ConfigError("a tape needs bars of a symbol at least, found none; give a frame a symbol")
        intervals = {symbol: interval_ms(infer_interval(bars)) for symbol, bars in market.items()}
        if len(set(intervals.values())) != 1:
            raise ConfigError(f"a tape has one interval, found {intervals} in ms; load all symbols alike")
        self.interval_ms = next(iter(intervals.values()))
        self._series = {symbol: _Series.of(bars) for symbol, bars in market.items()}
        self._clock, self._name, self._can_short = clock, name, can_short
        self._instruments, self._settlements = instruments, settlements or {}

    @classmethod
    def load(cls, bars: Table | Path | str, clock: Clock, *, name: str = "tape") -> Self:
        """From a frame with a column `symbol`, or whatever `--bars` names; see `data.load_bars`."""
        frame = load_bars(bars) if isinstance(bars, str | Path) else validate_bars(bars)
        return cls(split_symbols(frame), clock, name=name)

    @property
    def name(self) -> str:
        return self._name

    @property
    def end_ms(self) -> int:
        """When the last bar closes: nothing comes after it."""
        return max(series.ts[-1] for series in self._series.values()) + self.interval_ms

    async def server_time_ms(self) -> int:
        return self._clock.now_ms()

    async def markets(self, symbols: Collection[str]) -> Mapping[str, MarketRules]:
        return {symbol: self._market(symbol) for symbol in symbols}

    async def klines(self, symbol: str, interval_ms: int, start_ms: int, *, limit: int = 1_000) -> Sequence[Kline]:
        if interval_ms != self.interval_ms:
            raise VenueRefused(
                f"the tape has bars of {format_step(self.interval_ms)}, asked for {format_step(interval_ms)}; "
                "play bars of the interval that decides"
            )
        series, now = self._of(symbol), self._clock.now_ms()
        first, opened = bisect_left(series.ts, start_ms), bisect_right(series.ts, now)
        last = min(opened, first + limit)
        told = series.klines[first:last]
        if told and told[-1].ts_ms + self.interval_ms > now:
            told[-1] = _opened(told[-1])
        return told

    async def mark_price(self, symbol: str) -> float:
        """The last price that was traded at: the open of the bar that is open, or the close of the one before."""
        series, now = self._of(symbol), self._clock.now_ms()
        row = bisect_right(series.ts, now) - 1
        if row < 0:
            raise VenueRefused(f"{symbol} was not traded before {stamp(series.ts[0])}; play from there on")
        bar = series.klines[row]
        return bar.open if bar.ts_ms + self.interval_ms > now else bar.close

    async def funding_rates(self, symbol: str, start_ms: int) -> Sequence[tuple[int, float]]:
        self._of(symbol)
        settled, now = self._settlements.get(symbol), self._clock.now_ms()
        if settled is None:
            return []
        rows = zip(settled.times.tolist(), settled.rates.tolist(), strict=True)
        return [(when, rate) for when, rate in rows if start_ms <= when <= now]

    async def hints(self, symbols: Collection[str], interval_ms: int) -> AsyncIterator[Hint]:
        """A hint a symbol at each close; after the last one of the tape none comes any more."""
        every = {symbol: self._of(symbol) for symbol in symbols}
        closes = sorted({ts + self.interval_ms for series in every.values() for ts in series.ts})
        for close in closes[bisect_right(closes, self._clock.now_ms()) :]:
            await self._until(close)
            for symbol, series in every.items():
                row = bisect_left(series.ts, close - self.interval_ms)
                if row < len(series.ts) and series.ts[row] + self.interval_ms == close:
                    yield Hint("bar", symbol, close - self.interval_ms)
        await asyncio.Event().wait()

    async def over(self) -> None:
        """Returns when the last bar has closed."""
        await self._until(self.end_ms)

    async def close(self) -> None: ...

    async def _until(self, when_ms: int) -> None:
        while (left := when_ms - self._clock.now_ms()) > 0:
            await asyncio.sleep(left / 1_000)

    def _of(self, symbol: str) -> _Series:
        if symbol not in self._series:
            raise VenueRefused(f"the tape has no {symbol}; it has {', '.join(self._series)}")
        return self._series[symbol]

    def _market(self, symbol: str) -> MarketRules:
        self._of(symbol)
        steps = self._instruments if isinstance(self._instruments, Instrument) else self._instruments[symbol]
        return MarketRules(
            symbol=symbol,
            tick=steps.tick,
            lot=steps.lot or _SMALLEST_LOT,
            min_size_base=0.0,
            max_market_size_base=_LARGEST_ORDER,
            min_notional_quote=steps.min_notional,
            price_band=float("inf"),
            is_trading=True,
            can_short=self._can_short,
        )


def _opened(bar: Kline) -> Kline:
    """What is known of a bar at its open."""
    return Kline(bar.ts_ms, bar.open, bar.open, bar.open, bar.open, _FIRST_TRADE if bar.volume > 0 else 0.0, {})
