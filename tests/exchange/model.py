"""A Binance USD-M futures exchange for many symbols: pure, deterministic, driven by a clock and a tape.

Nothing here waits, draws from the outside, or opens a socket. Whoever asks it something first lets it catch up with its
clock (`advance`); whatever was due in between happens then, each thing at its own time.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.exchange import refusals
from tests.exchange.books import Books
from tests.exchange.faults import FaultSchedule
from tests.exchange.matching import Matching
from tests.exchange.records import BookOrder, Event, Execution, Income
from tests.exchange.rules import SymbolRules
from tests.exchange.symbol import SymbolState
from tests.exchange.tape import BarBook, Step, TapeBar, walk
from tests.exchange.timers import Agenda, ReadsTime
from tests.exchange.watch import Watch
from tests.exchange.wishes import OrderWish, check

EIGHT_HOURS_MS = 8 * 3_600_000
DAY_MS = 24 * 3_600_000
VOLUME_SHARES = (0.0, 0.4, 0.7, 1.0)
"""Of a bar's volume what was traded at its open, its extremes and its close."""


@dataclass(slots=True)
class SkewedClock:
    """The exchange's own clock: the client's, with what the schedule says that it is ahead of it."""

    clock: ReadsTime
    faults: FaultSchedule

    def now_ms(self) -> int:
        now = self.clock.now_ms()
        return now + round(self.faults.rate("skew_ms", now))


@dataclass(slots=True)
class Exchange:
    """Many symbols and one account. Ids are unique among open orders only, as at Binance.

    `listeners` are told every `Event` as it happens; what becomes of it on the way to a client is not decided here.
    `tells_ticks` turns on the events of bars under way, which only streams for people and charts need.
    """

    clock: ReadsTime
    faults: FaultSchedule = field(default_factory=FaultSchedule)
    books: Books = field(default_factory=Books)
    watch: Watch = field(default_factory=Watch)
    interval_ms: int = 60_000
    funding_every_ms: int = EIGHT_HOURS_MS
    max_orders_a_minute: int = 1_200
    tells_ticks: bool = False
    symbols: dict[str, SymbolState] = field(default_factory=dict)
    listeners: list[Callable[[Event], None]] = field(default_factory=list)
    agenda: Agenda = field(init=False)
    matching: Matching = field(init=False)
    _recent: "deque[int]" = field(default_factory=deque)

    def __post_init__(self) -> None:
        self.agenda = Agenda(SkewedClock(self.clock, self.faults))
        self.matching = Matching(self.agenda, self.books, self.faults, self.watch, self.symbols, self._tell)
        self._plan_funding()

    def list_symbol(
        self, rules: SymbolRules, price: float, tape: Iterator[TapeBar] = iter(()), *, history: int = 0
    ) -> SymbolState:
        """Add a symbol; the first `history` bars of its tape are over, and the others play from here on."""
        state = SymbolState(rules, price, BarBook(self.interval_ms, tape))
        state.bars.take_history(history)
        state.price = state.bars.closed[-1].close if state.bars.closed else price
        self.symbols[rules.symbol] = state
        self._begin_bar(state)
        return state

    def advance(self) -> int:
        """Let everything happen that is due by now, and return the exchange's time."""
        return self.agenda.advance()

    def state(self, symbol: str) -> SymbolState:
        """A symbol as it is now, or the refusal that there is none."""
        self.advance()
        if symbol not in self.symbols:
            raise refusals.unknown_symbol()
        return self.symbols[symbol]

    def place(self, wish: OrderWish) -> BookOrder:
        """Accept an order, or raise the Refusal that says why not."""
        state = self.state(wish.symbol)
        order_id = next(self.matching.order_ids)
        if not wish.client_id:
            wish = OrderWish(wish.symbol, wish.side, wish.type, wish.size, wish.level, wish.reduce_only,
                             f"x-{order_id}", wish.time_in_force)  # fmt: skip
        self._count_rate()
        self.check(wish, state)
        now = self.agenda.time_ms
        order = BookOrder(
            order_id, wish.client_id, wish.symbol, wish.side, wish.type, wish.size, wish.level, wish.reduce_only,
            wish.is_algo, now, wish.time_in_force,
        )  # fmt: skip
        if self.faults.hits("unseen", now):
            order.visible_ms = now + round(self.faults.between("unseen", 50, 700))
        self.matching.accept(state, order)
        return order

    def check(self, wish: OrderWish, state: SymbolState) -> None:
        """Raise the Refusal that an order is answered with; some stops are refused by a fault."""
        check(wish, state, self.books.available(self.symbols.values()))
        if wish.is_algo and self.faults.hits("refuse_stop", self.agenda.time_ms):
            raise refusals.too_many_stops()

    def _count_rate(self) -> None:
        now = self.agenda.time_ms
        while self._recent and self._recent[0] <= now - 60_000:
            self._recent.popleft()
        if len(self._recent) >= self.max_orders_a_minute:
            raise refusals.Refusal(-1015, "Too many new orders.", 429)
        self._recent.append(now)

    def find(self, symbol: str, *, client_id: str = "", order_id: int = 0, is_algo: bool = False) -> BookOrder:
        """The newest order under an id, in whatever state; the refusal -2013 where there is none to be seen."""
        state = self.state(symbol)
        found = state.by_id.get((client_id, is_algo)) if client_id else None
        if order_id:
            found = state.history.get(order_id)
        if found is None or found.is_algo != is_algo or found.visible_ms > self.agenda.time_ms:
            raise refusals.no_such_order()
        return found

    def cancel(self, symbol: str, *, client_id: str = "", order_id: int = 0, is_algo: bool = False) -> BookOrder:
        """Cancel an open order; one that is not open, or not known, is the refusal -2011."""
        try:
            order = self.find(symbol, client_id=client_id, order_id=order_id, is_algo=is_algo)
        except refusals.Refusal as refusal:
            raise refusals.nothing_to_cancel() if refusal.code == -2013 else refusal from None
        if not order.is_open:
            raise refusals.nothing_to_cancel()
        self.matching.end(self.symbols[symbol], order, "CANCELED")
        return order

    def open_orders(self, symbol: str | None = None, *, is_algo: bool) -> list[BookOrder]:
        """Open orders of one kind that can be seen by now, oldest first."""
        now = self.advance()
        states = [self.state(symbol)] if symbol else list(self.symbols.values())
        orders = [o for state in states for o in state.open.values() if o.is_algo == is_algo and o.visible_ms <= now]
        return sorted(orders, key=lambda order: order.order_id)

    def executions(self, symbol: str, start_ms: int = 0, end_ms: int = 1 << 62, from_id: int = 0) -> list[Execution]:
        """Trades of the account in a symbol, in order."""
        self.state(symbol)
        first = bisect_left(self.books.executions, start_ms, key=lambda execution: execution.ts_ms)
        found = [e for e in self.books.executions[first:] if e.symbol == symbol and e.ts_ms <= end_ms]
        return [e for e in found if e.trade_id >= from_id]

    def income(self, start_ms: int = 0, kind: str | None = None) -> list[Income]:
        """What came into the wallet and left it, in order."""
        self.advance()
        first = bisect_left(self.books.income, start_ms, key=lambda income: income.ts_ms)
        return [i for i in self.books.income[first:] if kind in (None, i.kind)]

    def klines(
        self, symbol: str, start_ms: int = 0, end_ms: int = 1 << 62, *, limit: int = 500, is_last: bool = False
    ) -> list[TapeBar]:
        """Bars as they are told now; `is_last` takes the newest ones."""
        state = self.state(symbol)
        return state.bars.told(start_ms, end_ms, limit, self.agenda.time_ms, is_last=is_last)

    def move(self, symbol: str, price: float, *, is_gap: bool = False) -> None:
        """Send the price somewhere by hand."""
        self.matching.move(self.state(symbol), price, is_gap=is_gap)

    def set_mode(self, symbol: str, *, leverage: int | None = None, margin_type: str | None = None) -> None:
        """Leverage and margin type; the type cannot change while anything is open."""
        state = self.state(symbol)
        if margin_type is not None and margin_type != state.margin_type:
            if state.open or state.holding.size:
                raise refusals.Refusal(-4047, "Margin type cannot be changed if there exists open orders or position.")
            state.margin_type = margin_type
        if leverage is not None:
            if not 1 <= leverage <= 125:
                raise refusals.Refusal(-4028, f"Leverage {leverage} is not valid")
            state.leverage = leverage

    def transfer(self, amount: float) -> None:
        """Money paid in, or taken out where it is negative; that is no income of trading."""
        self.books.earn("", "TRANSFER", amount, self.advance())

    def delist(self, symbol: str) -> None:
        """Trading ends: open orders expire and what is held is settled at the mark."""
        state = self.state(symbol)
        state.status = "SETTLING"
        for order in list(state.open.values()):
            self.matching.end(state, order, "EXPIRED")
        if state.holding.size:
            self.matching.liquidate(state, "settlement_autoclose")

    def turn(self, is_up: bool) -> None:
        """Say that the bot is down, or up again: only while it is up is what it leaves undone held against it."""
        self.watch.turn(is_up, self.advance())

    def account(self) -> dict[str, float]:
        """Wallet, unrealised and available, in quote."""
        self.advance()
        states: Sequence[SymbolState] = list(self.symbols.values())
        unrealised = self.books.unrealised(states)
        return {"wallet": self.books.wallet, "unrealised": unrealised, "available": self.books.available(states)}

    def report(self) -> dict[str, Any]:
        """The invariants, and what is there now, as plain values."""
        now = self.advance()
        return {
            "now_ms": now,
            "wallet": self.books.wallet,
            "positions": {name: s.holding.size for name, s in self.symbols.items() if s.holding.size},
            "prices": {name: s.price for name, s in self.symbols.items()},
            "open": sorted(o.client_id for s in self.symbols.values() for o in s.open.values()),
            "duplicates": self.watch.duplicates(),
            "orphans": self.watch.orphans(now),
            "unprotected_ms": self.watch.unprotected_ms(now),
            "faults": dict(self.faults.happened),
        }

    def tell_live_bars(self) -> None:
        """The bars under way, to whoever listens."""
        self.advance()
        for state in self.symbols.values():
            if state.bars.live is not None:
                self._tell_bar(state, state.bars.live, is_closed=False)

    def _tell(self, event: Event) -> None:
        for listener in self.listeners:
            listener(event)

    def _plan_funding(self) -> None:
        due = (self.agenda.time_ms // self.funding_every_ms + 1) * self.funding_every_ms
        self.agenda.at(due, self._settle)

    def _settle(self) -> None:
        for state in self.symbols.values():
            state.forget(self.agenda.time_ms - 3 * DAY_MS)
            if state.status == "TRADING" and self.books.settle_funding(state, self.agenda.time_ms):
                self.matching.told_account(state, "FUNDING_FEE")
        self._plan_funding()

    def _begin_bar(self, state: SymbolState) -> None:
        bar = state.bars.begin() if state.status == "TRADING" else None
        if bar is None:
            return
        for step, share in zip(walk(bar, self.interval_ms), VOLUME_SHARES, strict=True):
            self.agenda.at(step.ts_ms, partial(self._step, state, step, share))
        self.agenda.at(bar.ts_ms + self.interval_ms, partial(self._end_bar, state))
        if self.faults.hits("early_close", self.agenda.time_ms):
            early = bar.ts_ms + round(self.interval_ms * self.faults.between("early_close", 0.55, 0.95))
            self.agenda.at(early, partial(self._close_early, state, bar))

    def _step(self, state: SymbolState, step: Step, share: float) -> None:
        if state.status != "TRADING":
            return
        self.matching.move(state, step.price, is_gap=step.is_gap)
        state.bars.trade(step.price, share)
        if self.tells_ticks:
            self._tell_bar(state, state.bars.live, is_closed=False)

    def _close_early(self, state: SymbolState, bar: TapeBar) -> None:
        """The stream says that a bar has closed which has not, at a price that it will not close at."""
        wrong = state.rules.to_price(bar.close * 1.002)
        self._tell_bar(state, bar._replace(close=wrong, high=max(bar.high, wrong)), is_closed=True)

    def _end_bar(self, state: SymbolState) -> None:
        bar, now = state.bars.end(), self.agenda.time_ms
        if self.faults.hits("missing_bar", now):
            state.bars.hidden_until[bar.ts_ms] = now + round(self.faults.between("missing_bar", 300, 3_000))
        if self.faults.hits("revised_bar", now):
            other = bar._replace(close=state.rules.to_price((bar.open + bar.close) / 2), volume=bar.volume / 2)
            state.bars.revised[bar.ts_ms] = (now + round(self.faults.between("revised_bar", 300, 3_000)), other)
        self._tell_bar(state, bar, is_closed=True)
        self._begin_bar(state)

    def _tell_bar(self, state: SymbolState, bar: TapeBar | None, *, is_closed: bool) -> None:
        self._tell(Event("kline", state.name, self.agenda.time_ms, {"bar": bar, "is_closed": is_closed}))
