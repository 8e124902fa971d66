"""Reading the venue: orders first, then what is held, then the fills, so that later answers explain earlier ones.

An answer that fails raises VenueUnknown, which ends the step: it is never taken for an absence.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from tradsys.live.client_ids import leg_of, prefix
from tradsys.live.clock import Clock
from tradsys.live.execution.holdings import is_short_of, own_part, spare_base
from tradsys.live.execution.intent import Intent, Trade
from tradsys.live.execution.patience import patiently
from tradsys.live.execution.rules import ExecutionRules
from tradsys.live.execution.steps import StepHook
from tradsys.live.intents import IntentJournal
from tradsys.live.telling import Tell
from tradsys.live.venue import AccountState, Fill, Position, Venue, VenueOrder


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The account as the venue told it from `started_ms` on, for many symbols at once."""

    started_ms: int
    orders: Sequence[VenueOrder]
    account: AccountState


@dataclass(frozen=True, slots=True)
class Sight:
    """What the venue says of one symbol; `spare_base` is what a spot account holds of its coin that is not ours."""

    orders: Sequence[VenueOrder]
    position: Position | None
    spare_base: float = 0.0

    @classmethod
    def of(cls, orders: Sequence[VenueOrder], account: AccountState, symbol: str) -> "Sight":
        position = next((one for one in account.positions if one.symbol == symbol), None)
        return cls(orders, position, spare_base(account, symbol))


@dataclass(frozen=True, slots=True)
class Lookout:
    """Asks the venue, and writes what it says of our orders and fills into the journal.

    `known` are the trades whose fills were asked for since it began: before that, nothing says that the journal has all
    of them, since a disk that was full before a crash may not have kept some. `short` are symbols of which the account
    was last seen to hold fewer coins than are ours.
    """

    venue: Venue
    journal: IntentJournal
    clock: Clock
    rules: ExecutionRules
    tell: Tell
    step: StepHook
    known: set[str] = field(default_factory=set)
    short: set[str] = field(default_factory=set)

    async def snapshot(self) -> Snapshot:
        """Orders and account of all symbols."""
        started_ms = self.clock.now_ms()
        orders = await self._patiently(self.venue.open_orders)
        return Snapshot(started_ms, orders, own_part(await self._patiently(self.venue.account), self.journal))

    async def look(
        self, symbol: str, explained_base: float | None, snapshot: Snapshot | None = None, *, lot: float = 0.0
    ) -> Sight:
        """One symbol now. A snapshot saves questions, where nothing was sent since it was begun.

        Fills are asked for unless the snapshot holds just what those that are known explain. On a spot market a sale
        of somebody else concerns us only where the account holds less than is ours by a lot.
        """
        orders = await self._patiently(self.venue.open_orders) if snapshot is None else snapshot.orders
        ours = [o for o in orders if o.symbol == symbol and o.client_id.startswith(prefix(self.rules.account))]
        self._take_back(symbol, ours)
        believed, is_news = await self._settle(symbol, ours)
        if snapshot is None or is_news:
            account, _ = await asyncio.gather(self._patiently(self.venue.account), self._read_fills(symbol))
            await self._read_if_short(symbol, account, lot)
            return Sight.of([*ours, *believed], own_part(account, self.journal), symbol)
        sight = Sight.of([*ours, *believed], snapshot.account, symbol)
        held_base = sight.position.size_base if sight.position else 0.0
        is_explained = explained_base is not None and math.isclose(explained_base, held_base, abs_tol=1e-9)
        if not is_explained or self._is_new(symbol):
            await self._read_fills(symbol)
            await self._read_if_short(symbol, snapshot.account, lot)
            return Sight.of([*ours, *believed], own_part(snapshot.account, self.journal), symbol)
        return sight

    async def read_funding(self) -> None:
        """Payments since the last one that is known."""
        first = self.journal.first_trade_ms()
        if first is not None:
            last = self.journal.last_funding_ms()
            self.journal.add_funding(await self.venue.funding(first if last is None else last))

    async def _patiently[T](self, question: Callable[[], Awaitable[T]]) -> T:
        return await patiently(self.rules.ask_timeout_ms, self.rules.ask_again_ms, question)

    def _take_back(self, symbol: str, ours: Sequence[VenueOrder]) -> None:
        """Open legs that the journal does not have, which a disk that was full did not keep, become known again."""
        trade = self.journal.open_trade(symbol)
        lost = [one for one in ours if self.journal.intent(one.client_id) is None]
        intents = [] if trade is None else [_intent(one, trade) for one in lost if one.side == -trade.side]
        if known := [intent for intent in intents if intent is not None]:
            self.journal.add(known)

    def _is_new(self, symbol: str) -> bool:
        """Whether there is an open trade whose fills were not asked for yet."""
        trade = self.journal.open_trade(symbol)
        return trade is not None and trade.key not in self.known

    async def _settle(self, symbol: str, ours: Sequence[VenueOrder]) -> tuple[list[VenueOrder], bool]:
        """Ask for every order of ours that is not final and not among the open ones."""
        there = {order.client_id: order for order in ours}
        asked, is_news = [], False
        for intent in [*self.journal.unsettled(symbol), *self._given_up(symbol)]:
            if intent.client_id in there:
                is_news = is_news or there[intent.client_id].filled_base > intent.filled_base
                self._note(intent, there[intent.client_id])
            else:
                asked.append(intent)
        found = await asyncio.gather(*(self._ask(intent) for intent in asked))
        believed = [order for order in found if order is not None and order.status == "open"]
        return believed, bool(asked) or is_news

    def _given_up(self, symbol: str) -> list[Intent]:
        """Entries of the open trade that never came: one may have come later than anything should."""
        trade = self.journal.open_trade(symbol)
        intents = [] if trade is None else self.journal.intents(trade.key)
        return [intent for intent in intents if intent.leg == "entry" and intent.state == "absent"]

    async def _ask(self, intent: Intent) -> VenueOrder | None:
        order = await self._patiently(partial(self.venue.order, intent.symbol, intent.client_id, intent.kind))
        if order is not None:
            self._note(intent, order)
            return order
        since_ms = intent.sent_ms if intent.state == "unknown" else intent.answered_ms or intent.sent_ms
        is_over = self.clock.now_ms() > since_ms + self.rules.grace_ms
        if is_over and not intent.is_final:
            self._answer(intent, *_fate(intent))
        elif intent.state == "open":
            return _believed(intent)
        return None

    def _note(self, intent: Intent, order: VenueOrder) -> None:
        if (order.status, order.filled_base) != (intent.state, intent.filled_base):
            self.step("ask.answer:before")
            now = self.clock.now_ms()
            self.journal.answer(intent.client_id, order.status, now, filled_base=order.filled_base)
            self.step("ask.answer:after")
            self.tell("order_known", asdict(order) | {"leg": intent.leg})

    def _answer(self, intent: Intent, state: str, note: str) -> None:
        self.step("ask.answer:before")
        final: Any = state
        self.journal.answer(intent.client_id, final, self.clock.now_ms(), note=note)
        self.step("ask.answer:after")
        self.tell("order_known", {"client_id": intent.client_id, "symbol": intent.symbol, "status": state, "why": note})

    async def _read_fills(self, symbol: str, *, is_short: bool = False) -> None:
        """Those that are new; of other hands on a spot market only where they sold what is ours."""
        trade = self.journal.open_trade(symbol)
        if trade is None:
            return
        last = self.journal.last_fill_ms(symbol)
        start_ms = trade.created_ms if last is None else max(trade.created_ms, last)
        fills = await self._patiently(partial(self.venue.fills, symbol, start_ms - self.rules.fills_overlap_ms))
        new = [fill for fill in self.journal.unknown_fills(fills) if is_short or self._concerns_us(fill)]
        if new:
            self.step("fills.commit:before")
            self.journal.add_fills([(fill, self._trade_of(fill, trade)) for fill in new])
            self.step("fills.commit:after")
        self.known.add(trade.key)
        for fill in new:
            self.tell("fill", asdict(fill))

    async def _read_if_short(self, symbol: str, account: AccountState, lot: float) -> None:
        """Others' fills, where the coins that are ours were too few in the look before, too.

        A stop that fills between two answers makes them too few for one look, before its fill is known.
        """
        is_short = is_short_of(account, symbol, self.journal, lot)
        if is_short and symbol in self.short:
            await self._read_fills(symbol, is_short=True)
        (self.short.add if is_short else self.short.discard)(symbol)

    def _concerns_us(self, fill: Fill) -> bool:
        """Whoever traded a position has changed ours; who trades coins has changed his own, unless an id says ours."""
        is_ours = fill.client_id.startswith(prefix(self.rules.account))
        return is_ours or fill.realised_quote is not None or self.journal.intent(fill.client_id) is not None

    def _trade_of(self, fill: Fill, trade: Trade) -> str | None:
        """The trade that a fill belongs to: that of its order, or the open one where somebody else closed it."""
        intent = self.journal.intent(fill.client_id)
        if intent is not None:
            return intent.trade
        return trade.key if fill.side == -trade.side and fill.ts_ms >= trade.created_ms else None


def _fate(intent: Intent) -> tuple[str, str]:
    """What became of an order that the venue does not know, and a note; its refusal when it was sent again is one."""
    if intent.state == "unknown" and intent.note:
        return "refused", intent.note
    return ("absent" if intent.state == "unknown" else "expired"), "the venue does not know it"


def _believed(intent: Intent) -> VenueOrder:
    """An order that the venue took and does not show yet."""
    return VenueOrder(
        intent.client_id, intent.symbol, intent.side, intent.kind, intent.size_base, intent.filled_base, intent.price,
        None, intent.is_reduce_only, "open", intent.answered_ms or intent.sent_ms,
    )  # fmt: skip


def _intent(order: VenueOrder, trade: Trade) -> Intent | None:
    """The intent of an order that is open; None of one that does not end a trade."""
    leg = leg_of(order.client_id)
    if leg is None or leg == "entry":
        return None
    return Intent(
        order.client_id, trade.key, order.symbol, leg, order.side, order.kind, order.size_base, order.price, True,
        leg, "open", order.filled_base, order.updated_ms, order.updated_ms, 1, "found open at the venue",
    )  # fmt: skip
