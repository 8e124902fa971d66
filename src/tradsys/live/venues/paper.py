"""The paper venue: a simulated account over anybody's market data, filled by the rules of simulations.

Nothing is signed and no key is needed: orders exist in a file beside the bot, as they would at an exchange. Whatever is
asked, the bars since the last question are lived through first, also those that passed while nobody asked.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Coroutine, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from tradsys.live.venue import (
    AccountMode,
    AccountState,
    Fill,
    FundingPayment,
    Hint,
    Kline,
    MarketData,
    MarketRules,
    OrderKind,
    OrderRefused,
    OrderRequest,
    Position,
    VenueOrder,
)
from tradsys.live.venues.paper_book import PaperBook, PaperOrder
from tradsys.live.venues.paper_fills import PaperFills
from tradsys.live.venues.paper_funding import PaperFunding, Settled
from tradsys.live.venues.paper_rules import PaperRules, on_step, refuse_impossible

_PAGE = 1_000
_VOLUME_BARS: Final = 500
"""Bars before the first question that tell whether this market has volumes at all."""


class PaperVenue:
    """A venue whose account is simulated, over live market data or a tape, kept in a file.

    `interval_ms` is that of the bars by which orders are filled, the interval that decides. Once a bar has closed it
    is walked as in a simulation; while it is open, as far as it has shown more than its open.
    """

    is_paper: Final = True

    def __init__(self, data: MarketData, rules: PaperRules, interval_ms: int, *, path: Path | str = ":memory:") -> None:
        self._data, self._rules, self._interval_ms = data, rules, interval_ms
        self.book = PaperBook(path, rules.cash_quote)
        self._fills = PaperFills(self.book, rules)
        self._funding = PaperFunding(self.book, data, rules.costs, interval_ms)
        self._looking = asyncio.Lock()
        self._open_bar: dict[str, Kline] = {}
        self._last: dict[str, float] = {}
        self._has_volume: dict[str, bool] = {}
        self._look_ms: dict[str, int] = {}
        self._began_ms: int | None = None
        self._listeners: set[asyncio.Queue[Hint | None]] = set()

    @property
    def name(self) -> str:
        """That of the venue whose market data it is."""
        return self._data.name

    async def server_time_ms(self) -> int:
        return await self._data.server_time_ms()

    async def markets(self, symbols: Collection[str]) -> Mapping[str, MarketRules]:
        return await self._data.markets(symbols)

    async def klines(self, symbol: str, interval_ms: int, start_ms: int, *, limit: int = 1_000) -> Sequence[Kline]:
        return await self._data.klines(symbol, interval_ms, start_ms, limit=limit)

    async def mark_price(self, symbol: str) -> float:
        return await self._data.mark_price(symbol)

    async def funding_rates(self, symbol: str, start_ms: int) -> Sequence[tuple[int, float]]:
        return await self._data.funding_rates(symbol, start_ms)

    async def hints(self, symbols: Collection[str], interval_ms: int) -> AsyncIterator[Hint]:
        """Those of the data, and one of the account for whatever happens in it."""
        heard = asyncio.Queue[Hint | None]()
        listening = asyncio.create_task(_forward(self._data.hints(symbols, interval_ms), heard))
        self._listeners.add(heard)
        try:
            while (hint := await heard.get()) is not None:
                yield hint
                if hint.about == "bar" and hint.symbol in self.book.watched():
                    yield Hint("account", hint.symbol)  # the bar may have filled an order: nobody has looked yet
            await listening  # a connection that broke says so here
        finally:
            self._listeners.discard(heard)
            listening.cancel()

    async def close(self) -> None:
        self.book.close()
        await self._data.close()

    async def mode(self, symbols: Collection[str]) -> AccountMode:
        held = {symbol: self.book.holding(symbol) for symbol in symbols}
        return AccountMode(
            can_trade=True,
            can_withdraw=False,
            is_hedge_mode=False,
            is_multi_asset=False,
            taker_bps=self._rules.costs.taker_bps,
            maker_bps=self._rules.costs.maker_bps,
            leverage={symbol: self._leverage(symbol) for symbol in symbols},
            margin_type={symbol: one.margin_type or "cross" for symbol, one in held.items()},
        )

    async def set_leverage(self, symbol: str, leverage: float, margin_type: str) -> None:
        """Kept, and heeded in what new orders may be worth; margin is the whole account's all the same."""
        await self._data.markets([symbol])
        with self.book.change():
            self.book.keep(replace(self.book.holding(symbol), leverage=leverage, margin_type=margin_type))

    async def account(self) -> AccountState:
        async with self._looking:
            await self._look()
            positions = tuple([await self._position(one.symbol) for one in self.book.held()])
        unrealised = sum(one.unrealised_quote for one in positions)
        bound = sum(abs(one.size_base) * one.mark_price / self._leverage(one.symbol) for one in positions)
        wallet = self.book.wallet
        return AccountState(wallet, unrealised, wallet + unrealised - bound, positions)

    async def open_orders(self) -> Sequence[VenueOrder]:
        async with self._looking:
            await self._look()
            return [order.told() for order in self.book.open_orders()]

    async def order(self, symbol: str, client_id: str, kind: OrderKind) -> VenueOrder | None:
        async with self._looking:
            await self._look()
            found = self.book.order(symbol, client_id)
        return found.told() if found is not None and found.kind == kind else None

    async def place(self, order: OrderRequest) -> VenueOrder:
        async with self._looking:
            symbol = order.symbol
            rules = (await self._data.markets([symbol]))[symbol]
            now = await self._look(symbol)
            price = await self._price_for(order)
            self._touch(symbol, now)
            refuse_impossible(order, rules, price)
            self._refuse_for_account(order, rules, price)
            sized = replace(order, size_base=on_step(order.size_base, rules.lot))
            with self.book.change():
                placed = self._caught_up([self._placed(sized, price, now)])[0].told()
            self._hint(symbol)
            return placed

    async def cancel(self, symbol: str, client_id: str, kind: OrderKind) -> None:
        async with self._looking:
            now = await self._look(symbol)
            self._touch(symbol, now)
            found = self.book.order(symbol, client_id)
            if found is not None and found.kind == kind and found.status == "open":
                with self.book.change():
                    self._end(found, now)
            self._hint(symbol)

    def _end(self, order: PaperOrder, now_ms: int) -> None:
        """Cancel an open order."""
        self.book.write(replace(order, status="cancelled", updated_ms=now_ms))

    async def fills(self, symbol: str, start_ms: int) -> Sequence[Fill]:
        async with self._looking:
            await self._look()
            return self.book.fills(symbol, start_ms)

    async def funding(self, start_ms: int) -> Sequence[FundingPayment]:
        async with self._looking:
            await self._look()
            return self.book.payments(start_ms)

    async def _look(self, now_on: str | None = None) -> int:
        """Live through what has happened since the last look; `now_on` is looked at again in any case."""
        now = await self._data.server_time_ms()
        self._began_ms = now if self._began_ms is None else self._began_ms
        watched = sorted({*self.book.watched(), *([] if now_on is None else [now_on])})
        if now_on is not None and now_on not in self.book.watched():
            self._last.pop(now_on, None)
        due = [symbol for symbol in watched if symbol == now_on or now >= self._look_ms.get(symbol, 0)]
        bars = dict(zip(due, await _together([self._bars(symbol, now) for symbol in due]), strict=True))
        settled = await self._funding.settled(bars, now)
        n_fills = self.book.n_fills
        self._live_through(bars, settled, now)
        for symbol in self.book.filled_since(n_fills):
            self._hint(symbol)
        for symbol in due:
            closes = (now // self._interval_ms + 1) * self._interval_ms
            self._look_ms[symbol] = min(now + self._rules.look_every_ms, closes)
        return now

    async def _bars(self, symbol: str, now: int) -> list[Kline]:
        """Those that have not been walked yet, up to the one that is open now."""
        await self._know_volume(symbol, now)
        is_watched = symbol in self.book.watched()
        start = self.book.holding(symbol).walked_ms if is_watched else now - self._interval_ms + 1
        found: list[Kline] = []
        while True:
            page = await self._data.klines(symbol, self._interval_ms, start, limit=_PAGE)
            found += [bar for bar in page if start <= bar.ts_ms <= now]
            if len(page) < _PAGE:
                return found
            start = page[-1].ts_ms + 1

    async def _know_volume(self, symbol: str, now: int) -> None:
        if symbol not in self._has_volume:
            before = now - _VOLUME_BARS * self._interval_ms
            bars = await self._data.klines(symbol, self._interval_ms, before, limit=_VOLUME_BARS)
            self._has_volume[symbol] = any(bar.volume > 0 for bar in bars)

    def _live_through(self, bars: Mapping[str, Sequence[Kline]], settled: list[Settled], now: int) -> None:
        by_symbol = {symbol: {bar.ts_ms: bar for bar in own} for symbol, own in bars.items()}
        for symbol in bars:
            self._open_bar.pop(symbol, None)
        for ts in sorted({ts for own in by_symbol.values() for ts in own}):
            there = {symbol: own[ts] for symbol, own in by_symbol.items() if ts in own}
            with self.book.change():
                settled = self._funding.pay(settled, until_ms=ts)
                self._walk(there, ts, now)
        if settled:
            with self.book.change():
                self._funding.pay(settled, until_ms=now)

    def _walk(self, bars: Mapping[str, Kline], ts: int, now: int) -> None:
        """One time's bars, of all symbols that have one."""
        has_closed = ts + self._interval_ms <= now
        when = ts + self._interval_ms - 1 if has_closed else now
        traded = {symbol for symbol, bar in bars.items() if self._is_traded(symbol, bar)}
        for symbol, bar in bars.items():
            if has_closed or bar.high > bar.low:
                self._fills.late.pop(symbol, None)
        for symbol, bar in bars.items():
            self._fills.wait_over(bar, symbol, is_traded=symbol in traded, has_closed=has_closed, now_ms=when)
        if not (has_closed and self._fills.liquidate(bars, traded, self._last, when)):
            for symbol in sorted(traded):
                bar = bars[symbol]
                if has_closed or bar.high > bar.low:
                    was_awake = self._began_ms is not None and self._began_ms < ts + self._interval_ms
                    self._fills.meet(bar, symbol, when, was_told_late=has_closed and was_awake)
        for symbol, bar in bars.items():
            self._last[symbol] = bar.close
            if has_closed:
                self.book.keep(replace(self.book.holding(symbol), walked_ms=ts + self._interval_ms))
            else:
                self._open_bar[symbol] = bar

    def _is_traded(self, symbol: str, bar: Kline) -> bool:
        """By volume, once the market has had any; see `core.traded`."""
        self._has_volume[symbol] |= bar.volume > 0
        return bar.volume > 0 or not self._has_volume[symbol]

    def _at_hand(self, symbol: str) -> Kline | None:
        """The open bar of a symbol, where somebody has traded in it."""
        bar = self._open_bar.get(symbol)
        return bar if bar is not None and self._is_traded(symbol, bar) else None

    def _touch(self, symbol: str, now: int) -> None:
        """Fill what the open bar has met so far: nobody may take an order away from it, or leave before it."""
        if (bar := self._at_hand(symbol)) is not None:
            with self.book.change():
                self._fills.meet(bar, symbol, now, has_only_opened=not bar.high > bar.low)

    def _placed(self, order: OrderRequest, price: float, now: int) -> PaperOrder:
        """Write an order; one that takes is filled at once. A leg of a late fill counts as placed with it."""
        bar, late = self._open_bar.get(order.symbol), self._fills.late_fill_of(order)
        if order.symbol not in self.book.watched():
            walked = now // self._interval_ms * self._interval_ms if bar is None else bar.ts_ms
            self.book.keep(self._funding.begun(replace(self.book.holding(order.symbol), walked_ms=walked), now))
        high, low = (price, price) if bar is None else (bar.high, bar.low)
        written = PaperOrder(
            number=self.book.next_number(),
            client_id=order.client_id,
            symbol=order.symbol,
            side=order.side,
            kind=order.kind,
            size_base=order.size_base,
            filled_base=0.0,
            price=order.price,
            average_price=None,
            is_reduce_only=order.is_reduce_only,
            status="open",
            placed_ms=now if late is None else late.ts_ms,
            updated_ms=now,
            seen_price=price,
            seen_high=high,
            seen_low=low,
        )
        self.book.write(written)
        is_beyond = order.kind == "limit" and _is_beyond(order, price, is_touch_enough=not self._fills.opens(order))
        takes = order.kind == "market" or (is_beyond and late is None)
        if takes and (bar := self._at_hand(order.symbol)) is not None:
            return self._fills.at_market(written, bar, bar.close, now)
        return written

    def _caught_up(self, orders: Sequence[PaperOrder]) -> list[PaperOrder]:
        """The orders after what a late fill has lived through already has met them."""
        symbol = orders[0].symbol
        if (late := self._fills.late.get(symbol)) is None or not any(one.side == -late.side for one in orders):
            return list(orders)
        self._fills.late[symbol] = replace(late, is_bare=False)
        self._fills.catch_up(symbol)
        found = [self.book.order(symbol, one.client_id) for one in orders]
        return [one for one in found if one is not None]

    def _hint(self, symbol: str) -> None:
        for heard in self._listeners:
            heard.put_nowait(Hint("account", symbol))

    def _refuse_for_account(self, order: OrderRequest, rules: MarketRules, price: float) -> None:
        """OrderRefused where the account does not allow it."""
        of, held = f"order {order.client_id} on {order.symbol}", self.book.holding(order.symbol)
        if any(one.client_id == order.client_id for one in self.book.open_orders(order.symbol)):
            raise OrderRefused(f"{of}: an open order has this client id already")
        if order.is_reduce_only and held.side != -order.side:
            raise OrderRefused(
                f"{of}: it only reduces, and there is no position that it would; {held.size_base:g} held"
            )
        after = held.size_base + order.side * order.size_base
        if not order.is_reduce_only and after < 0 and not rules.can_short:
            raise OrderRefused(f"{of}: nothing can be sold short here, {held.size_base:g} held")
        if abs(after) <= abs(held.size_base) or order.is_reduce_only:
            return
        others = [one for one in self.book.held() if one.symbol != order.symbol]
        sizes = {one.symbol: one.size_base for one in others} | {order.symbol: after}
        marks = {one.symbol: self._last.get(one.symbol, one.entry_price) for one in others} | {order.symbol: price}
        needed = sum(abs(size) * marks[name] / self._leverage(name) for name, size in sizes.items())
        needed += sum(
            one.left_base * (one.price or 0.0) / self._leverage(one.symbol)
            for one in self.book.open_orders()
            if one.symbol != order.symbol and self._fills.opens(one)
        )
        gains = sum(one.size_base * (marks[one.symbol] - one.entry_price) for one in [*others, held])
        if needed > (equity := self.book.wallet + gains):
            raise OrderRefused(f"{of}: margin is insufficient, {needed:.2f} needed and {equity:.2f} there")

    async def _position(self, symbol: str) -> Position:
        held, mark = self.book.holding(symbol), await self._price(symbol)
        gained = held.size_base * (mark - held.entry_price)
        return Position(symbol, held.size_base, held.entry_price, mark, gained)

    async def _price(self, symbol: str) -> float:
        """The last price that is known, the open bar's where there is one; of a late fill without a leg its own."""
        if (late := self._fills.late.get(symbol)) is not None and late.is_bare:
            return late.price
        return self._last[symbol] if symbol in self._last else await self._data.mark_price(symbol)

    async def _price_for(self, order: OrderRequest) -> float:
        """The price that an order meets; that of the fill for a leg of a late one."""
        late = self._fills.late_fill_of(order)
        return await self._price(order.symbol) if late is None else late.price

    def _leverage(self, symbol: str) -> float:
        return self.book.holding(symbol).leverage or self._rules.leverage


def _is_beyond(order: OrderRequest, price: float, *, is_touch_enough: bool) -> bool:
    """Whether a limit order would be filled at once."""
    if order.price is None:
        return False
    beyond = order.side * (price - order.price)
    return beyond < 0 or (is_touch_enough and beyond == 0)


async def _forward(hints: AsyncIterator[Hint], heard: "asyncio.Queue[Hint | None]") -> None:
    """Hints of the data as they come; None when they end, however they do."""
    try:
        async for hint in hints:
            heard.put_nowait(hint)
    finally:
        heard.put_nowait(None)


async def _together[T](questions: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """All answers, or the first failure once every question has ended."""
    answers = await asyncio.gather(*questions, return_exceptions=True)
    found: list[T] = []
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
        found.append(answer)
    return found
