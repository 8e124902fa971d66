"""A spot `Venue` over the model in the same process: seeded latencies and faults on the loop's time."""

from collections.abc import Collection, Mapping, Sequence

from tests.exchange import refusals
from tests.exchange.in_process import STATUSES, InProcessVenue
from tests.exchange.records import BookOrder, Execution
from tests.exchange.spot.model import SpotExchange
from tests.exchange.symbol import SymbolState
from tests.exchange.wishes import OrderWish

from tradsys.live.venue import (
    AccountMode,
    AccountState,
    CoinBalance,
    Fill,
    FundingPayment,
    MarketRules,
    OrderKind,
    OrderRefused,
    OrderRequest,
    SpotBalances,
    StopPassed,
    VenueOrder,
    VenueUnknown,
)

TYPES: Mapping[OrderKind, str] = {"market": "MARKET", "limit": "LIMIT", "stop": "STOP_LOSS"}
KINDS: Mapping[str, OrderKind] = {"MARKET": "market", "STOP_LOSS": "stop"}


class InProcessSpot(InProcessVenue):
    """The port over the spot model; what a fault makes of a call is as with futures."""

    name = "binance-spot"
    exchange: SpotExchange
    loses_next_pair = False

    async def markets(self, symbols: Collection[str]) -> Mapping[str, MarketRules]:
        return await self._ask(lambda: {name: _market(self.exchange.state(name)) for name in symbols}, is_signed=False)

    async def funding_rates(self, symbol: str, start_ms: int) -> Sequence[tuple[int, float]]:
        return []

    async def mode(self, symbols: Collection[str]) -> AccountMode:
        books = self.exchange.books
        nothing = dict.fromkeys(symbols)
        return await self._ask(
            lambda: AccountMode(
                True, self.can_withdraw, False, False, books.taker * 1e4, books.maker * 1e4, nothing, nothing
            )
        )

    async def set_leverage(self, symbol: str, leverage: float, margin_type: str) -> None:
        raise AssertionError("a spot market has no leverage to set")

    async def account(self) -> AccountState:
        def answer() -> AccountState:
            money = self.exchange.account()
            coins = [CoinBalance(s.name, s.holding.size, s.price) for s in self.exchange.symbols.values()]
            return AccountState(
                money["wallet"], 0.0, money["available"], (), SpotBalances(money["wallet"], tuple(coins))
            )

        return await self._ask(answer)

    async def open_orders(self) -> Sequence[VenueOrder]:
        return await self._ask(lambda: [_told(o) for o in self.exchange.open_orders(is_algo=False)])

    async def order(self, symbol: str, client_id: str, kind: OrderKind) -> VenueOrder | None:
        def answer() -> VenueOrder | None:
            try:
                return _told(self.exchange.find(symbol, client_id=client_id))
            except refusals.Refusal as refusal:
                if refusal.code == -2013:
                    return None
                raise

        return await self._ask(answer)

    async def place(self, order: OrderRequest) -> VenueOrder:
        wish = wish_of(order)
        if self._hits("late_arrival"):
            await self._arrive_late(wish)
        return await self._ask(lambda: _told(self.exchange.place(wish)), refused=_no_to_order)

    async def place_pair(self, stop: OrderRequest, target: OrderRequest) -> tuple[VenueOrder, VenueOrder]:
        wishes = wish_of(stop), wish_of(target, "LIMIT_MAKER")
        if self.loses_next_pair:
            self.loses_next_pair = False
            raise VenueUnknown("the connection broke before the request left")
        if self._hits("late_arrival"):
            await self._arrive_late(wishes[0], lambda: self.exchange.place_pair(*wishes))

        def answer() -> tuple[VenueOrder, VenueOrder]:
            placed = self.exchange.place_pair(*wishes)
            return _told(placed[0]), _told(placed[1])

        return await self._ask(answer, refused=_no_to_order)

    async def cancel(self, symbol: str, client_id: str, kind: OrderKind) -> None:
        await InProcessVenue.cancel(self, symbol, client_id, "market")

    async def fills(self, symbol: str, start_ms: int) -> Sequence[Fill]:
        return await self._ask(lambda: [_fill(e) for e in self.exchange.executions(symbol, start_ms)])

    async def funding(self, start_ms: int) -> Sequence[FundingPayment]:
        return []


def _no_to_order(no: refusals.Refusal) -> OrderRefused:
    return StopPassed(str(no)) if "trigger immediately" in no.text else OrderRefused(str(no))


def wish_of(order: OrderRequest, type_: str = "") -> OrderWish:
    return OrderWish(
        order.symbol, order.side, type_ or TYPES[order.kind], order.size_base, order.price, order.side < 0,
        order.client_id,
    )  # fmt: skip


def _market(state: SymbolState) -> MarketRules:
    rules = state.rules
    return MarketRules(
        rules.symbol, rules.tick, rules.lot, rules.lot, rules.max_market_size, rules.min_notional, 0.8,
        state.status == "TRADING", can_short=False, sells_lock=True, can_pair=True,
    )  # fmt: skip


def _told(order: BookOrder) -> VenueOrder:
    return VenueOrder(
        order.client_id, order.symbol, order.side, KINDS.get(order.type, "limit"), order.size, order.filled,
        order.level, order.average or None, order.side < 0, STATUSES[order.status], order.updated_ms,
    )  # fmt: skip


def _fill(done: Execution) -> Fill:
    is_coin = done.fee_asset != "USDT"
    return Fill(
        str(done.trade_id), done.client_id, done.symbol, done.side, done.size, done.price,
        done.fee * done.price if is_coin else done.fee, None, done.is_maker, done.ts_ms,
        done.fee if is_coin else 0.0,
    )  # fmt: skip
