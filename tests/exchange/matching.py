"""How orders fill: at once or in parts, when the price reaches them, and when a position is liquidated."""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from tests.exchange.books import Books
from tests.exchange.faults import FaultSchedule
from tests.exchange.holding import Holding
from tests.exchange.records import BookOrder, Event
from tests.exchange.symbol import SymbolState
from tests.exchange.timers import Agenda
from tests.exchange.watch import Watch

LIQUIDATION_FEE = 0.0125
"""Of the notional of a position that was taken away."""


@dataclass(slots=True)
class Matching:
    """Fills orders against a last price of endless depth; whatever changes is told to `tell` and to the watch."""

    agenda: Agenda
    books: Books
    faults: FaultSchedule
    watch: Watch
    symbols: dict[str, SymbolState]
    tell: Callable[[Event], None]
    order_ids: "count[int]" = field(default_factory=lambda: count(1_000))

    def accept(self, state: SymbolState, order: BookOrder) -> None:
        """The order exists from here on; a market order, or a limit that the price has reached, fills."""
        now = self.agenda.time_ms
        state.remember(order)
        self.watch.accepted(order.client_id)
        self.told(state, order, "NEW")
        if order.is_algo:
            return
        if order.type == "MARKET" and self.faults.hits("slow_match", now):
            self.agenda.after(self.faults.between("slow_match", 50, 500), lambda: self.fill_now(state, order))
        elif order.type == "MARKET" or self._is_reached(state, order):
            self._take(state, order)
        elif order.time_in_force in ("IOC", "FOK"):
            self.end(state, order, "EXPIRED")

    def _take(self, state: SymbolState, order: BookOrder) -> None:
        """An order that trades on arrival; one that must not is ended instead."""
        if order.time_in_force == "GTX":
            self.end(state, order, "EXPIRED")
        else:
            self.fill_now(state, order)

    def end(self, state: SymbolState, order: BookOrder, status: str) -> None:
        """Cancel or expire what is left of an order."""
        state.close(order, status, self.agenda.time_ms)
        self.told(state, order, status)

    def fill_now(self, state: SymbolState, order: BookOrder, is_maker: bool = False) -> None:
        """Fill what is left at the last price (a maker at its own), all of it or a first part of it."""
        if not order.is_open:
            return
        size = order.left
        if order.reduce_only:
            size = min(size, max(0.0, -order.side * state.holding.size))
        if size <= 0:
            self.end(state, order, "EXPIRED")
            return
        part = self._part(state, size)
        self._fill(state, order, part, order.level if is_maker and order.level else state.price, is_maker)
        if order.is_open:
            self._go_on(state, order, is_maker)

    def _part(self, state: SymbolState, size: float) -> float:
        """All of it, or by a fault a share in whole lots."""
        lots = round(size / state.rules.lot)
        if lots < 2 or not self.faults.hits("partial", self.agenda.time_ms):
            return size
        return state.rules.to_size(max(1, int(lots * self.faults.between("partial", 0.1, 0.9))) * state.rules.lot)

    def _go_on(self, state: SymbolState, order: BookOrder, is_maker: bool) -> None:
        """The rest comes some tenths of a second later; a maker's only while the price stays there."""

        def rest() -> None:
            if order.is_open and (not is_maker or self._is_reached(state, order)):
                self.fill_now(state, order, is_maker)

        self.agenda.after(self.faults.between("partial", 100, 600), rest)

    def _fill(self, state: SymbolState, order: BookOrder, size: float, price: float, is_maker: bool) -> None:
        now = self.agenda.time_ms
        done = self.books.trade(state, order, size, price, is_maker, now)
        order.filled = state.rules.to_size(order.filled + size)
        order.quote += size * price
        order.updated_ms = now
        is_over = order.reduce_only and not state.holding.size
        if order.left <= state.rules.lot / 2:
            state.close(order, "FILLED", now)
        elif is_over:
            state.close(order, "EXPIRED", now)
        else:
            order.status = "PARTIALLY_FILLED"
        self.told(state, order, "TRADE", trade=done)
        self.told_account(state, "ORDER")

    def move(self, state: SymbolState, to: float, *, is_gap: bool) -> None:
        """The price goes to `to`: what lies on the way is reached at its own level, after a gap at the new price."""
        start, is_up = state.price, to >= state.price
        reached: set[int] = set()
        if is_gap:
            state.price = to
        while True:
            order = self._next(state, start, to, is_up, reached)
            level = self._liquidation(state, is_up, to)
            if level is not None and (order is None or abs(level - start) < abs((order.level or 0.0) - start)):
                state.price = to if is_gap else level
                self.liquidate(state)
                continue
            if order is None:
                break
            reached.add(order.order_id)
            if not is_gap and order.level is not None:
                state.price = max(state.price, order.level) if is_up else min(state.price, order.level)
            self._reach(state, order)
        state.price = to

    def _next(self, state: SymbolState, start: float, to: float, is_up: bool, reached: set[int]) -> BookOrder | None:
        """The order on the way that is nearest to where the price came from; of two at one level the stop."""
        sign = 1.0 if is_up else -1.0
        waiting = [
            (max(0.0, sign * (order.level - start)), order.type.startswith("LIMIT"), order.order_id, order)
            for order in state.open.values()
            if order.level is not None
            and order.is_open
            and order.waits_above == is_up
            and _is_passed(order, sign * (to - order.level))
            and order.order_id not in reached
        ]
        return min(waiting)[3] if waiting else None

    def _is_reached(self, state: SymbolState, order: BookOrder) -> bool:
        if order.level is None:
            return True
        return _is_passed(order, (1.0 if order.waits_above else -1.0) * (state.price - order.level))

    def _reach(self, state: SymbolState, order: BookOrder) -> None:
        if order.is_algo:
            self.trigger(state, order)
        else:
            self.fill_now(state, order, is_maker=True)

    def trigger(self, state: SymbolState, order: BookOrder) -> None:
        """A conditional order becomes a market order under the same id; by a fault it says so and does not."""
        now = self.agenda.time_ms
        if self.faults.hits("stuck_trigger", now):
            order.status, order.updated_ms, order.triggered_ms = "TRIGGERING", now, now
            self.told(state, order, "TRIGGERING")
            return
        child = BookOrder(
            next(self.order_ids), order.client_id, order.symbol, order.side, "MARKET", order.size, None,
            order.reduce_only, False, now, original_type=order.type,
        )  # fmt: skip
        order.child, order.triggered_ms = child, now
        state.close(order, "TRIGGERED", now)
        self.told(state, order, "TRIGGERED")
        state.remember(child)
        self.told(state, child, "NEW")
        self.fill_now(state, child)
        order.status = "FINISHED"
        self.told(state, order, "FINISHED")

    def _liquidation(self, state: SymbolState, is_up: bool, to: float) -> float | None:
        """Where the position is taken away on the way to `to`, if it is."""
        if not state.holding.size or (state.holding.size > 0) == is_up:
            return None
        mark = self.books.liquidation_price(state, self.symbols.values())
        price = None if mark is None else mark - state.mark_gap
        if price is None or (to < price if is_up else to > price):
            return None
        return max(price, state.price) if is_up else min(price, state.price)

    def liquidate(self, state: SymbolState, name: str = "autoclose") -> None:
        """Close the whole position at the price of now; what the wallet lacks afterwards the insurance fund pays."""
        size, now = -state.holding.size, self.agenda.time_ms
        order_id = next(self.order_ids)
        side = 1 if size > 0 else -1
        order = BookOrder(order_id, f"{name}-{order_id}", state.name, side, "MARKET", abs(size), None, True, False, now)
        state.remember(order)
        self._fill(state, order, abs(size), state.price, False)
        if name == "autoclose":
            self.books.earn(state.name, "INSURANCE_CLEAR", -abs(size) * state.price * LIQUIDATION_FEE, now)
        if self.books.wallet < 0:
            self.books.earn(state.name, "INSURANCE_CLEAR", -self.books.wallet, now)

    def told(self, state: SymbolState, order: BookOrder, what: str, **more: Any) -> None:
        """Tell of an order, with a copy of it as it is now."""
        self.watch.see(state.name, self.guarded(state), state.open.values(), self.agenda.time_ms)
        kind = "algo" if order.is_algo else "order"
        self.tell(Event(kind, state.name, self.agenda.time_ms, {"order": copy(order), "what": what, **more}))

    def guarded(self, state: SymbolState) -> Holding:
        """What of a symbol must not be without a stop."""
        return state.holding

    def told_account(self, state: SymbolState, why: str) -> None:
        """Tell of the wallet and the position."""
        what = {"why": why, "wallet": self.books.wallet, "holding": copy(state.holding)}
        self.tell(Event("account", state.name, self.agenda.time_ms, what))


def _is_passed(order: BookOrder, beyond: float) -> bool:
    """Whether a price so far beyond an order's level fills it: of a limit that opens a touch does not."""
    return beyond > 0 if order.opens_resting else beyond >= 0
