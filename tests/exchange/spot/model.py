"""A Binance spot exchange: coins instead of positions, orders that lock what they would sell, pairs of two.

It is the futures model with other books and another matching; clock, tape, bars, faults and invariants are the same.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

from tests.exchange import refusals
from tests.exchange.faults import FaultSchedule
from tests.exchange.holding import Holding
from tests.exchange.matching import Matching
from tests.exchange.model import Exchange, SkewedClock
from tests.exchange.records import BookOrder
from tests.exchange.rules import SymbolRules, usual_rules
from tests.exchange.spot.books import SpotBooks, locked_base
from tests.exchange.symbol import SymbolState
from tests.exchange.tape import random_walk
from tests.exchange.timers import Agenda, ReadsTime
from tests.exchange.wishes import ID, OrderWish

BTC = SymbolRules("BTCUSDT", tick=0.01, lot=1e-5)
TYPES = ("MARKET", "LIMIT", "LIMIT_MAKER", "STOP_LOSS")


def insufficient() -> refusals.Refusal:
    return refusals.Refusal(-2010, "Account has insufficient balance for requested action.")


def filtered(name: str) -> refusals.Refusal:
    return refusals.Refusal(-1013, f"Filter failure: {name}")


class SpotMatching(Matching):
    """A stop is triggered under its own id; whatever happens to one of a pair ends the other."""

    books: SpotBooks

    def fill_now(self, state: SymbolState, order: BookOrder, is_maker: bool = False) -> None:
        if order.is_open and order.side > 0 and order.left * state.price > self.books.wallet:
            self.end(state, order, "EXPIRED")
            return
        Matching.fill_now(self, state, order, is_maker)

    def _fill(self, state: SymbolState, order: BookOrder, size: float, price: float, is_maker: bool) -> None:
        self._end_other(state, order, "EXPIRED")
        Matching._fill(self, state, order, size, price, is_maker)

    def _reach(self, state: SymbolState, order: BookOrder) -> None:
        is_stop = order.type == "STOP_LOSS"
        if is_stop:
            order.triggered_ms = self.agenda.time_ms
            self._end_other(state, order, "EXPIRED")
        self.fill_now(state, order, is_maker=not is_stop)

    def end(self, state: SymbolState, order: BookOrder, status: str) -> None:
        Matching.end(self, state, order, status)
        self._end_other(state, order, status)

    def _end_other(self, state: SymbolState, order: BookOrder, status: str) -> None:
        for other in [o for o in state.open.values() if o.pair_id and o.pair_id == order.pair_id and o is not order]:
            Matching.end(self, state, other, status)

    def _liquidation(self, state: SymbolState, is_up: bool, to: float) -> float | None:
        return None

    def guarded(self, state: SymbolState) -> Holding:
        """What the bot has bought, as far as it is enough to be sold."""
        own = self.books.own.get(state.name, Holding())
        lots = math.floor(own.size / state.rules.lot + 1e-6)
        size = lots * state.rules.lot
        return Holding(size if size * state.price >= state.rules.min_notional else 0.0)


class SpotExchange(Exchange):
    """Many symbols, one account of money and coins."""

    books: SpotBooks

    def __post_init__(self) -> None:
        self.agenda = Agenda(SkewedClock(self.clock, self.faults))
        self.matching = SpotMatching(self.agenda, self.books, self.faults, self.watch, self.symbols, self._tell)

    def give(self, symbol: str, size: float) -> None:
        """Coins that the account's owner has brought along: not the bot's."""
        self.state(symbol).holding.fill(size, self.state(symbol).price, 8)

    def free_base(self, state: SymbolState) -> float:
        """Coins that no order holds back."""
        return state.holding.size - locked_base(state)

    def check(self, wish: OrderWish, state: SymbolState) -> None:
        """As Binance's filters and balances have it; some stops are refused by a fault."""
        self._check_alone(wish, state)
        self._check_money(wish, state)
        if wish.type == "STOP_LOSS" and self.faults.hits("refuse_stop", self.agenda.time_ms):
            raise filtered("MAX_NUM_ALGO_ORDERS")

    def _check_alone(self, wish: OrderWish, state: SymbolState) -> None:
        if state.status != "TRADING":
            raise refusals.Refusal(-1013, "Market is closed.")
        if wish.type not in TYPES:
            raise refusals.bad_parameter("type")
        if not ID.fullmatch(wish.client_id):
            raise refusals.Refusal(-1100, "Illegal characters found in parameter 'newClientOrderId'.")
        if state.has_open(wish.client_id, False):
            raise refusals.Refusal(-2010, "Duplicate order sent.")
        try:
            state.rules.check_size(wish.size, is_market=wish.type in ("MARKET", "STOP_LOSS"))
        except refusals.Refusal:
            raise filtered("LOT_SIZE") from None
        self._check_price(wish, state)
        if wish.size * (wish.level or state.price) < state.rules.min_notional - 1e-9:
            raise filtered("NOTIONAL")

    def _check_price(self, wish: OrderWish, state: SymbolState) -> None:
        if wish.type == "MARKET":
            return
        level = wish.level or 0.0
        try:
            state.rules.check_price(level)
        except refusals.Refusal:
            raise filtered("PRICE_FILTER") from None
        if wish.type == "STOP_LOSS" and wish.side * (level - state.price) <= 0:
            raise refusals.Refusal(-2010, "Stop price would trigger immediately.")
        if wish.type == "LIMIT_MAKER" and wish.side * (level - state.price) >= 0:
            raise refusals.Refusal(-2010, "Order would immediately match and take.")

    def _check_money(self, wish: OrderWish, state: SymbolState) -> None:
        if wish.side > 0 and wish.size * (wish.level or state.price) > self.books.available(self.symbols.values()):
            raise insufficient()
        if wish.side < 0 and wish.size > self.free_base(state) + 1e-12:
            raise insufficient()

    def place_pair(self, stop: OrderWish, limit: OrderWish) -> tuple[BookOrder, BookOrder]:
        """Both or neither; the two lock the same coins."""
        state = self.state(stop.symbol)
        self._count_rate()
        for wish in (stop, limit):
            self._check_alone(wish, state)
        if not (stop.level or 0.0) < state.price < (limit.level or 0.0):
            raise refusals.Refusal(-2010, "The relationship of the prices for the orders is not correct.")
        self.check(stop, state)
        now, pair_id = self.agenda.time_ms, next(self.matching.order_ids)
        visible_ms = 0
        if self.faults.hits("unseen", now):
            visible_ms = now + round(self.faults.between("unseen", 50, 700))
        orders = [
            BookOrder(
                next(self.matching.order_ids), wish.client_id, wish.symbol, wish.side, wish.type, wish.size, wish.level,
                wish.reduce_only, False, now, wish.time_in_force, visible_ms=visible_ms, pair_id=pair_id,
            )
            for wish in (stop, limit)
        ]  # fmt: skip
        for order in orders:
            self.matching.accept(state, order)
        return orders[0], orders[1]

    def report(self) -> dict[str, object]:
        """The invariants, among them that nothing was sold which was not the bot's."""
        books = self.books
        own = {name: held.size for name, held in books.own.items() if held.size}
        return Exchange.report(self) | {"oversold": list(books.oversold), "own": own, "dust": dict(books.dust)}


def quiet_spot(clock: ReadsTime, *, price: float = 60_000.0, wallet: float = 10_000.0) -> SpotExchange:
    """One symbol, BTCUSDT, whose price moves only when a test moves it."""
    exchange = SpotExchange(clock, books=SpotBooks(wallet=wallet))
    exchange.list_symbol(BTC, price)
    return exchange


def random_spot(
    clock: ReadsTime,
    symbols: Sequence[str],
    *,
    seed: int,
    faults: FaultSchedule,
    interval_ms: int,
    volatility: float,
    wallet: float,
) -> SpotExchange:
    """Symbols on random walks."""
    exchange = SpotExchange(clock, faults, SpotBooks(wallet=wallet), interval_ms=interval_ms)
    first = clock.now_ms() // interval_ms * interval_ms - interval_ms
    for number, symbol in enumerate(symbols):
        price = 60_000.0 / 7**number
        rules = usual_rules(symbol, price)
        rules = replace(rules, lot=rules.lot / 100)
        tape = random_walk(f"{seed}:{symbol}", first, interval_ms, price, rules.tick, volatility=volatility)
        exchange.list_symbol(rules, price, tape, history=1)
    return exchange
