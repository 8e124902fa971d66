"""Market data that say what a test sets."""

import asyncio
from dataclasses import dataclass, field, replace

from tradsys.live.clock import Clock
from tradsys.live.venue import Hint, Kline, MarketRules, VenueRefused, VenueUnknown

RULES = MarketRules("A", 0.5, 0.1, 0.1, 50.0, 10.0, 0.5, True, True)


@dataclass
class Told:
    """Nothing in it can sign anything."""

    bars: dict[str, list[Kline]]
    now: int = 0
    rules: MarketRules = RULES
    rates: list[tuple[int, float]] = field(default_factory=list)
    is_down: bool = False
    n_asked: int = 0
    clock: Clock | None = None

    name = "binance"

    def move(self, symbol: str, price: float) -> None:
        """The open bar goes on to a price."""
        bar = self.bars[symbol][-1]
        high, low = max(bar.high, price), min(bar.low, price)
        self.bars[symbol][-1] = replace(bar, high=high, low=low, close=price)

    def _answer(self) -> int:
        self.n_asked += 1
        if self.is_down:
            raise VenueUnknown("no answer")
        return self.now if self.clock is None else self.clock.now_ms()

    async def server_time_ms(self) -> int:
        return self._answer()

    async def markets(self, symbols):
        if unknown := [symbol for symbol in symbols if symbol not in self.bars]:
            raise VenueRefused(f"there is no {unknown[0]}")
        return {symbol: replace(self.rules, symbol=symbol) for symbol in symbols}

    async def klines(self, symbol, interval_ms, start_ms, *, limit=1_000):
        now = self._answer()
        return [bar for bar in self.bars[symbol] if start_ms <= bar.ts_ms <= now][:limit]

    async def mark_price(self, symbol):
        return self.bars[symbol][-1].close

    async def funding_rates(self, symbol, start_ms):
        now = self._answer()
        return [(when, rate) for when, rate in self.rates if start_ms <= when <= now]

    async def hints(self, symbols, interval_ms):
        for symbol in symbols if self.clock is None else ():
            yield Hint("bar", symbol, 0)
        if self.clock is not None:  # no bar closes while a test lasts
            await asyncio.Event().wait()

    async def close(self) -> None: ...
