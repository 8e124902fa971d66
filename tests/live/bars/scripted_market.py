"""Market data by a script: bars that are a function of time, and each fault switched on where a test wants it."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from tradsys.features.stream.bar import Bar
from tradsys.live.clock import Clock
from tradsys.live.venue import Hint, Kline, MarketRules, VenueRefused, VenueUnknown

MINUTE_MS = 60_000


def bar_at(symbol: str, ts_ms: int, share: float = 1.0, interval_ms: int = MINUTE_MS) -> Bar:
    """The bar that opens at a time, or what there is of it after a share of its interval."""
    phase = ts_ms / interval_ms + len(symbol) * sum(map(ord, symbol))
    open_, end = (100.0 + 5.0 * math.sin(0.37 * x) + 2.0 * math.sin(1.7 * x) for x in (phase, phase + 1))
    close = open_ + share * (end - open_)
    high, low = max(open_, close) + share * 0.5, min(open_, close) - share * 0.5
    return Bar(ts_ms, open_, high, low, close, 10.0 * share, {"n_trades": round(100.0 * share)})


@dataclass
class ScriptedMarket:
    """A `MarketData` whose true time is `clock`; every answer takes `latency_s`.

    `rest_lag_ms` is how old what REST shows is; `illiquid_ms` how long after an open its bar is first shown. `absent`
    bars were never there, `revised` ones have another close from a time on, `frozen` ones (symbol and open) are shown
    half done until a time. `is_down` says when and of which symbol nothing is answered, `hangs` calls that never
    return. `stream` plays hints.
    """

    clock: Clock
    interval_ms: int = MINUTE_MS
    latency_s: float = 0.02
    rest_lag_ms: int = 0
    illiquid_ms: int = 0
    listed_ms: int = 0
    absent: set[tuple[str, int]] = field(default_factory=set)
    revised: dict[tuple[str, int], tuple[int, float]] = field(default_factory=dict)
    frozen: dict[tuple[str, int], int] = field(default_factory=dict)
    is_down: Callable[[str, int], bool] = lambda symbol, now_ms: False
    is_time_down: Callable[[int], bool] = lambda now_ms: False
    refused: set[str] = field(default_factory=set)
    n_hangs: int = 0
    stream: Callable[["ScriptedMarket"], AsyncIterator[Hint]] | None = None
    funding: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    n_asked: int = 0
    n_opened: int = 0
    name: str = "scripted"

    async def server_time_ms(self) -> int:
        await asyncio.sleep(self.latency_s / 2)
        now_ms = self.clock.now_ms()
        if self.is_time_down(now_ms):
            raise VenueUnknown("no time today")
        await asyncio.sleep(self.latency_s / 2)
        return now_ms

    async def klines(self, symbol: str, interval_ms: int, start_ms: int, *, limit: int = 1_000) -> Sequence[Kline]:
        assert interval_ms == self.interval_ms
        self.n_asked += 1
        if self.n_hangs and symbol == "B":
            self.n_hangs -= 1
            await asyncio.Event().wait()
        await asyncio.sleep(self.latency_s / 2)
        now_ms = self.clock.now_ms()
        if symbol in self.refused:
            raise VenueRefused(f"{symbol} was delisted")
        if self.is_down(symbol, now_ms):
            raise VenueUnknown("connection reset")
        shown_ms = now_ms - self.rest_lag_ms
        first = -(-max(start_ms, self.listed_ms) // interval_ms) * interval_ms
        opens = [ts for ts in range(first, shown_ms + 1, interval_ms) if (symbol, ts) not in self.absent]
        if opens and shown_ms - opens[-1] < self.illiquid_ms:
            opens.pop()
        answer = [self._kline(symbol, ts, shown_ms) for ts in opens[:limit]]
        await asyncio.sleep(self.latency_s / 2)
        return answer

    def _kline(self, symbol: str, ts: int, shown_ms: int) -> Kline:
        share = min(max((shown_ms - ts) / self.interval_ms, 0.001), 1.0)
        if shown_ms < self.frozen.get((symbol, ts), 0):
            share = min(share, 0.5)
        bar = bar_at(symbol, ts, share, self.interval_ms)
        at_ms, close = self.revised.get((symbol, ts), (0, bar.close))
        if shown_ms >= at_ms and close != bar.close:
            bar = bar._replace(close=close, high=max(bar.high, close), low=min(bar.low, close))
        return Kline(*bar[:6], extra=bar.outside)

    async def markets(self, symbols: Collection[str]) -> Mapping[str, MarketRules]:
        return {
            one: MarketRules(one, 0.01, 0.001, 0.001, 1e6, 5.0, math.inf, is_trading=True, can_short=True)
            for one in symbols
        }

    async def mark_price(self, symbol: str) -> float:
        return bar_at(symbol, self.clock.now_ms() // MINUTE_MS * MINUTE_MS).open

    async def funding_rates(self, symbol: str, start_ms: int) -> Sequence[tuple[int, float]]:
        now_ms = self.clock.now_ms()
        if self.is_down(symbol, now_ms):
            raise VenueUnknown("connection reset")
        return [(when, rate) for when, rate in self.funding.get(symbol, []) if start_ms <= when <= now_ms]

    async def hints(self, symbols: Collection[str], interval_ms: int) -> AsyncIterator[Hint]:
        self.n_opened += 1
        if self.stream is None:
            await asyncio.Event().wait()
        else:
            async for hint in self.stream(self):
                yield hint

    async def close(self) -> None:
        pass
