"""A `Venue` over the exchange's model in the same process: seeded latencies and faults on the loop's time."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence

from tests.exchange import refusals
from tests.exchange.driving import Driver
from tests.exchange.model import Exchange
from tests.exchange.records import BookOrder, Event
from tests.exchange.symbol import SymbolState
from tests.exchange.wire import Wire
from tests.exchange.wishes import OrderWish

from tradsys.live.venue import (
    AccountMode,
    AccountState,
    Fill,
    FundingPayment,
    Hint,
    Kline,
    MarketRules,
    OrderKind,
    OrderRefused,
    OrderRequest,
    OrderStatus,
    Position,
    StopPassed,
    VenueOrder,
    VenueRefused,
    VenueUnknown,
)

TYPES: Mapping[OrderKind, str] = {"market": "MARKET", "limit": "LIMIT", "stop": "STOP_MARKET"}
STATUSES: Mapping[str, OrderStatus] = {
    "NEW": "open",
    "PARTIALLY_FILLED": "open",
    "FILLED": "filled",
    "CANCELED": "cancelled",
    "EXPIRED": "expired",
    "TRIGGERING": "open",
}
LATENCY_MS = (1.0, 25.0)
TIMEOUT_MS = (20.0, 1_500.0)
"""How long a caller waits before it gives up on an answer: a broken connection shows at once, a silent one late."""


class InProcessVenue:
    """The port over the model. What a fault makes of a call:

    a lost answer, a lost request, 5xx, 429 and 418 are VenueUnknown; a filter's no is OrderRefused at `place`, and
    VenueRefused at any other question. `can_withdraw`, `is_hedge_mode` and `is_multi_asset` are the account's settings.
    """

    name = "binanceusdm"

    def __init__(
        self,
        exchange: Exchange,
        *,
        seed: int | str = 0,
        latency_ms: tuple[float, float] = LATENCY_MS,
        timeout_ms: tuple[float, float] = TIMEOUT_MS,
    ) -> None:
        self.exchange = exchange
        self.can_withdraw = self.is_hedge_mode = self.is_multi_asset = False
        self._latency_ms, self._timeout_ms = latency_ms, timeout_ms
        self._draw = random.Random(f"venue:{seed}")
        self._driver = Driver(exchange)
        self._ahead_ms: float | None = None
        self._streams: list[asyncio.Queue[Hint | None]] = []

    async def server_time_ms(self) -> int:
        now = await self._ask(self.exchange.advance, is_signed=False)
        self._ahead_ms = self._skew_ms()
        return now

    async def markets(self, symbols: Collection[str]) -> Mapping[str, MarketRules]:
        return await self._ask(lambda: {name: _market(self.exchange.state(name)) for name in symbols}, is_signed=False)

    async def klines(self, symbol: str, interval_ms: int, start_ms: int, *, limit: int = 1_000) -> Sequence[Kline]:
        if interval_ms != self.exchange.interval_ms:
            raise VenueRefused(f"the exchange has bars of {self.exchange.interval_ms} ms, not of {interval_ms} ms")
        bars = await self._ask(lambda: self.exchange.klines(symbol, start_ms, limit=limit), is_signed=False)
        return [Kline(*bar, extra={}) for bar in bars]

    async def mark_price(self, symbol: str) -> float:
        return await self._ask(lambda: self.exchange.state(symbol).mark, is_signed=False)

    async def funding_rates(self, symbol: str, start_ms: int) -> Sequence[tuple[int, float]]:
        def answer() -> list[tuple[int, float]]:
            return [(ts, rate) for ts, rate, _ in self.exchange.state(symbol).settled if ts >= start_ms]

        return await self._ask(answer, is_signed=False)

    async def hints(self, symbols: Collection[str], interval_ms: int) -> AsyncIterator[Hint]:
        """Closed bars of `symbols` and whatever happens to the account, through a wire of its own."""
        await self._sleep(self._latency_ms)
        if self._hits("maintenance") or self._hits("busy"):
            raise VenueUnknown("the stream could not be opened: 503")
        queue: asyncio.Queue[Hint | None] = asyncio.Queue()
        wanted = frozenset(symbols)
        wire = Wire(self.exchange, lambda event: _queue(queue, event, wanted), lambda: queue.put_nowait(None))
        self.exchange.listeners.append(wire)
        self._streams.append(queue)
        self._driver.arm()
        try:
            while (hint := await queue.get()) is not None:
                yield hint
        finally:
            wire.close()
            self._streams.remove(queue)

    async def close(self) -> None:
        for queue in self._streams:
            queue.put_nowait(None)
        self._driver.stop()

    async def mode(self, symbols: Collection[str]) -> AccountMode:
        def answer() -> AccountMode:
            states = [self.exchange.state(name) for name in symbols]
            books = self.exchange.books
            return AccountMode(
                True, self.can_withdraw, self.is_hedge_mode, self.is_multi_asset, books.taker * 1e4, books.maker * 1e4,
                {state.name: float(state.leverage) for state in states},
                {state.name: state.margin_type for state in states},
            )  # fmt: skip

        return await self._ask(answer)

    async def set_leverage(self, symbol: str, leverage: float, margin_type: str) -> None:
        await self._ask(lambda: self.exchange.set_mode(symbol, leverage=round(leverage), margin_type=margin_type))

    async def account(self) -> AccountState:
        def answer() -> AccountState:
            money = self.exchange.account()
            held = [self._position(state) for state in self.exchange.symbols.values() if state.holding.size]
            return AccountState(money["wallet"], money["unrealised"], money["available"], tuple(held))

        return await self._ask(answer)

    def _position(self, state: SymbolState) -> Position:
        held, books = state.holding, self.exchange.books
        lost_at = books.liquidation_price(state, self.exchange.symbols.values())
        return Position(state.name, held.size, held.entry, state.mark, held.unrealised(state.mark), lost_at)

    async def open_orders(self) -> Sequence[VenueOrder]:
        """Two questions, as at the real exchange: plain orders, then conditional ones."""
        plain = await self._ask(lambda: [_told(o) for o in self.exchange.open_orders(is_algo=False)])
        stops = await self._ask(lambda: [_told(o) for o in self.exchange.open_orders(is_algo=True)])
        return [*plain, *stops]

    async def order(self, symbol: str, client_id: str, kind: OrderKind) -> VenueOrder | None:
        def answer() -> VenueOrder | None:
            try:
                return _told(self.exchange.find(symbol, client_id=client_id, is_algo=kind == "stop"))
            except refusals.Refusal as refusal:
                if refusal.code == -2013:
                    return None
                raise

        return await self._ask(answer)

    async def place(self, order: OrderRequest) -> VenueOrder:
        wish = OrderWish(
            order.symbol, order.side, TYPES[order.kind], order.size_base, order.price, order.is_reduce_only,
            order.client_id,
        )  # fmt: skip
        if self._hits("late_arrival"):
            await self._arrive_late(wish)
        return await self._ask(lambda: _told(self.exchange.place(wish)), refused=_no_to_order)

    async def _arrive_late(self, wish: OrderWish, place: Callable[[], object] | None = None) -> None:
        """The caller gives up first, and the order arrives, if it is still acceptable, up to 0.8 s after that."""

        def arrive() -> None:
            try:
                place() if place else self.exchange.place(wish)
            except refusals.Refusal:
                return
            finally:
                self._driver.arm()

        waited_ms = self._draw.uniform(*self._timeout_ms)
        later_ms = self._draw.uniform(0, 800)
        asyncio.get_running_loop().call_later((waited_ms + later_ms) / 1_000, arrive)
        await asyncio.sleep(waited_ms / 1_000)
        raise VenueUnknown(f"no answer to {wish.client_id} in time")

    async def cancel(self, symbol: str, client_id: str, kind: OrderKind) -> None:
        def answer() -> None:
            try:
                self.exchange.cancel(symbol, client_id=client_id, is_algo=kind == "stop")
            except refusals.Refusal as refusal:
                if refusal.code != -2011:
                    raise

        await self._ask(answer)

    async def fills(self, symbol: str, start_ms: int) -> Sequence[Fill]:
        def answer() -> list[Fill]:
            return [
                Fill(str(e.trade_id), e.client_id, e.symbol, e.side, e.size, e.price, e.fee, e.realised, e.is_maker,
                     e.ts_ms)
                for e in self.exchange.executions(symbol, start_ms)
            ]  # fmt: skip

        return await self._ask(answer)

    async def funding(self, start_ms: int) -> Sequence[FundingPayment]:
        def answer() -> list[FundingPayment]:
            paid = self.exchange.income(start_ms, "FUNDING_FEE")
            return [FundingPayment(str(i.income_id), i.symbol, -i.amount, i.ts_ms) for i in paid]

        return await self._ask(answer)

    async def _ask[T](
        self,
        act: Callable[[], T],
        *,
        is_signed: bool = True,
        refused: Callable[[refusals.Refusal], Exception] = VenueRefused,
    ) -> T:
        """One call: the way there, what the exchange makes of it, and the way back; each may fail."""
        await self._sleep(self._latency_ms)
        await self._fail_before(is_signed)
        no: refusals.Refusal | None = None
        try:
            answer = act()
        except refusals.Refusal as refusal:
            no = refusal
        finally:
            self._driver.arm()
        await self._fail_after()
        await self._sleep(self._latency_ms)
        if no is not None and no.status == 429:
            raise VenueUnknown(str(no))
        if no is not None:
            raise refused(no)
        return answer

    async def _fail_before(self, is_signed: bool) -> None:
        """Nothing reaches the exchange, though the caller cannot know that of a lost request."""
        if self._hits("lose_request"):
            await self._sleep(self._timeout_ms)
            raise VenueUnknown("no answer in time")
        for name, text in (("limited", "429 -1003 Too many requests."), ("banned", "418 -1003 Way too many requests.")):
            if self._hits(name):
                raise VenueUnknown(text)
        if (is_signed and self._hits("maintenance")) or self._hits("busy"):
            raise VenueUnknown("503 -1001 Internal error; unable to process your request.")
        if is_signed and abs(self._skew_ms() - (self._ahead_ms or 0.0)) > 1_000:
            raise VenueUnknown("-1021 Timestamp for this request is outside of the recvWindow.")

    async def _fail_after(self) -> None:
        """The exchange did it, and the caller does not hear of it."""
        if self._hits("lose_answer"):
            await self._sleep(self._timeout_ms)
            raise VenueUnknown("the connection broke before the answer")
        if self._hits("hang"):
            await self._sleep((self._timeout_ms[1], self._timeout_ms[1]))
            raise VenueUnknown("no answer in time")
        if self._hits("busy_after"):
            raise VenueUnknown("503 -1007 Timeout waiting for response from backend server; execution status unknown.")

    def _hits(self, name: str) -> bool:
        return self.exchange.faults.hits(name, self.exchange.agenda.time_ms)

    def _skew_ms(self) -> float:
        return self.exchange.faults.rate("skew_ms", self.exchange.agenda.time_ms)

    async def _sleep(self, between_ms: tuple[float, float]) -> None:
        await asyncio.sleep(self._draw.uniform(*between_ms) / 1_000)


def _no_to_order(no: refusals.Refusal) -> OrderRefused:
    return StopPassed(str(no)) if no.code == -2021 else OrderRefused(str(no))


def _queue(queue: "asyncio.Queue[Hint | None]", event: Event, wanted: frozenset[str]) -> None:
    if event.kind != "kline":
        queue.put_nowait(Hint("account", event.symbol))
    elif event.symbol in wanted and event.what["is_closed"]:
        queue.put_nowait(Hint("bar", event.symbol, event.what["bar"].ts_ms))


def _market(state: SymbolState) -> MarketRules:
    rules = state.rules
    return MarketRules(
        rules.symbol, rules.tick, rules.lot, rules.lot, rules.max_market_size, rules.min_notional, rules.band,
        state.status == "TRADING", can_short=True,
    )  # fmt: skip


def _told(order: BookOrder) -> VenueOrder:
    """An order in the port's words; of a triggered stop what became of the order that it turned into."""
    done = order.child or order
    kind: OrderKind = "stop" if order.is_algo else "limit" if order.type == "LIMIT" else "market"
    return VenueOrder(
        order.client_id, order.symbol, order.side, kind, order.size, done.filled, order.level, done.average or None,
        order.reduce_only, STATUSES[done.status], max(order.updated_ms, done.updated_ms),
    )  # fmt: skip
