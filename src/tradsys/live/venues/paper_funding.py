"""Funding of a paper account: what its data say was settled, or the constant of its costs."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from tradsys.core.carry import CONSTANT_HOURS
from tradsys.core.costs import Costs
from tradsys.core.time import HOUR_MS
from tradsys.live.venue import Kline, MarketData
from tradsys.live.venues.paper_book import PaperBook, PaperHolding

_LATE_MS: Final = 10 * 60_000
"""A venue tells of a settlement no later than this; until then it may concern a position that is gone."""

_MINUTE_MS: Final = 60_000


class Settled(NamedTuple):
    """A settlement that the account has not lived through yet, with the bar whose open its notional is taken at."""

    ts_ms: int
    symbol: str
    rate: float
    bar: Kline


class PaperFunding:
    """Asks for settlements and books them; see `core.carry` for who pays which."""

    def __init__(self, book: PaperBook, data: MarketData, costs: Costs, interval_ms: int) -> None:
        self._book, self._data, self._interval_ms = book, data, interval_ms
        self._constant = costs.funding_bps_per_8h / 1e4
        self._asked_minute: dict[str, int] = {}

    def begun(self, holding: PaperHolding, now_ms: int) -> PaperHolding:
        """Nothing that was settled long before a symbol is watched again concerns it."""
        return replace(holding, funded_ms=max(holding.funded_ms, now_ms - _LATE_MS))

    async def settled(self, bars: Mapping[str, Sequence[Kline]], now_ms: int) -> list[Settled]:
        """What was settled since, in order of time; a symbol is asked about once a minute."""
        found = []
        for symbol, own in bars.items():
            holding = self._book.holding(symbol)
            is_concerned = holding.side or now_ms - self._book.last_fill_ms(symbol) < _LATE_MS
            if not is_concerned or self._asked_minute.get(symbol) == now_ms // _MINUTE_MS:
                continue
            for when, rate in await self._rates(symbol, holding.funded_ms + 1, now_ms):
                if (bar := await self._paying_bar(symbol, when, own, now_ms)) is None:
                    break  # its bar is not there yet, and later ones wait behind it
                found.append(Settled(when, symbol, rate, bar))
            self._asked_minute[symbol] = now_ms // _MINUTE_MS
        return sorted(found, key=lambda one: (one.ts_ms, one.symbol))

    def pay(self, settled: list[Settled], *, until_ms: int) -> list[Settled]:
        """Book what was settled up to then, and return the rest.

        Whoever was filled at a settlement's very time has no part in it. Inside the bar in which a position ended
        nobody knows whether it was still there: it pays, and receives nothing.
        """
        for one in settled:
            if one.ts_ms > until_ms:
                continue
            size = self._book.size_before(one.symbol, one.ts_ms)
            paid = size * one.rate * one.bar.open
            is_inside = one.bar.ts_ms < one.ts_ms < one.bar.ts_ms + self._interval_ms
            if is_inside and self._book.size_before(one.symbol, one.bar.ts_ms + self._interval_ms) != size:
                paid = max(paid, 0.0)
            if paid:
                self._book.pay(paid)
                self._book.add_payment(one.symbol, paid, one.ts_ms)
            self._book.keep(replace(self._book.holding(one.symbol), funded_ms=one.ts_ms))
        return [one for one in settled if one.ts_ms > until_ms]

    async def _rates(self, symbol: str, start_ms: int, now_ms: int) -> list[tuple[int, float]]:
        if self._constant:
            every = CONSTANT_HOURS * HOUR_MS
            return [(when, self._constant) for when in range(-(-start_ms // every) * every, now_ms + 1, every)]
        rates = await self._data.funding_rates(symbol, start_ms)
        return [(when, rate) for when, rate in rates if start_ms <= when <= now_ms]

    async def _paying_bar(self, symbol: str, when: int, known: Sequence[Kline], now_ms: int) -> Kline | None:
        """The bar that was open then, or the next one after a hole."""
        for bar in known:
            if bar.ts_ms <= when < bar.ts_ms + self._interval_ms:
                return bar
        start = when - self._interval_ms + 1
        bars = await self._data.klines(symbol, self._interval_ms, start, limit=2)
        return next((bar for bar in bars if start <= bar.ts_ms <= now_ms), None)
