"""Sending orders: first the journal, then the venue, then the journal again with what the venue said."""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from tradsys.core.errors import TradsysError
from tradsys.live.client_ids import Leg, client_id
from tradsys.live.clock import Clock
from tradsys.live.execution.actions import CancelOrder, PlaceLeg
from tradsys.live.execution.intent import Intent, Trade
from tradsys.live.execution.looking import Tell
from tradsys.live.execution.sizes import of_lots
from tradsys.live.execution.steps import StepHook
from tradsys.live.intents import IntentJournal
from tradsys.live.venue import OrderRefused, Venue, VenueUnknown

COMMITS: Final[dict[Leg, str]] = {
    "entry": "entry.commit", "stop": "legs.commit", "target": "legs.commit", "exit": "exit.commit"
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sender:
    """The only one that sends orders."""

    venue: Venue
    journal: IntentJournal
    clock: Clock
    account: str
    tell: Tell
    step: StepHook

    async def place(self, trade: Trade, legs: Sequence[PlaceLeg], lot: float) -> bool:
        """Commit these legs together, then send them at once; whether every answer was definite."""
        now, counts = self.clock.now_ms(), dict[Leg, int]()
        intents = []
        for leg in legs:
            attempt = counts.get(leg.leg, self.journal.n_attempts(trade.key, leg.leg))
            counts[leg.leg] = attempt + 1
            intents.append(self._intent(trade, leg, attempt, lot, now))
        step = COMMITS[legs[0].leg]
        self.step(f"{step}:before")
        self.journal.add(intents)
        self.step(f"{step}:after")
        return all(await together([self.send(intent) for intent in intents]))

    async def send(self, intent: Intent) -> bool:
        """Send an order that has been committed; whether the answer was definite."""
        self.tell("order_sent", _told(intent))
        self.step(f"{intent.leg}.send:before")
        try:
            order = await self.venue.place(intent.request)
        except OrderRefused as error:
            return self._refused(intent, str(error))
        except VenueUnknown as error:
            self.tell("order_unknown", _told(intent) | {"why": str(error)})
            return False
        self.step(f"{intent.leg}.send:after")
        self.step(f"{intent.leg}.answer:before")
        self.journal.answer(intent.client_id, order.status, self.clock.now_ms(), filled_base=order.filled_base)
        self.step(f"{intent.leg}.answer:after")
        self.tell("order_known", _told(intent) | {"status": order.status, "filled_base": order.filled_base})
        return True

    async def send_again(self, intent: Intent) -> bool:
        """Send an order once more that the venue definitely does not have."""
        self.step("resend.commit:before")
        self.journal.send_again(intent.client_id, self.clock.now_ms())
        self.step("resend.commit:after")
        return await self.send(replace(intent, n_sent=intent.n_sent + 1))

    async def cancel(self, action: CancelOrder) -> bool:
        """Cancel an order; whether the answer was definite. What became of it is asked in the next look."""
        order = action.order
        fields = {"symbol": order.symbol, "client_id": order.client_id, "why": action.why}
        self.step("cancel.send:before")
        try:
            await self.venue.cancel(order.symbol, order.client_id, order.kind)
        except VenueUnknown as error:
            self.tell("error", fields | {"what": f"cancelling: {error}"})
            return False
        self.step("cancel.send:after")
        self.tell("cancelled", fields)
        return True

    def _refused(self, intent: Intent, why: str) -> bool:
        """A second sending may be refused because the first is there: only asking tells."""
        if intent.n_sent > 1:
            self.tell("order_unknown", _told(intent) | {"why": why})
            return False
        self.step(f"{intent.leg}.send:after")
        self.step(f"{intent.leg}.answer:before")
        self.journal.answer(intent.client_id, "refused", self.clock.now_ms(), note=why)
        self.step(f"{intent.leg}.answer:after")
        self.tell("order_refused", _told(intent) | {"why": why})
        return True

    def _intent(self, trade: Trade, leg: PlaceLeg, attempt: int, lot: float, now_ms: int) -> Intent:
        name = client_id(self.account, trade.symbol, trade.close_ms, leg.leg, attempt)
        return Intent(
            name, trade.key, trade.symbol, leg.leg, leg.side, leg.kind, of_lots(leg.n_lots, lot), leg.price, True,
            leg.why, "unknown", 0.0, now_ms, None, 1, "",
        )  # fmt: skip


async def together[T](coroutines: Sequence[Awaitable[T]]) -> list[T]:
    """Their results, all begun at once; an error is raised after every one of them has come to its end.

    So no order is on its way any more when somebody hears of another one's error.
    """
    results = await asyncio.gather(*coroutines, return_exceptions=True)
    errors = [result for result in results if isinstance(result, BaseException)]
    if errors:
        raise next((error for error in errors if not isinstance(error, TradsysError)), errors[0])
    return [result for result in results if not isinstance(result, BaseException)]


def _told(intent: Intent) -> dict[str, object]:
    return {
        "client_id": intent.client_id, "symbol": intent.symbol, "leg": intent.leg, "side": intent.side,
        "kind": intent.kind, "size_base": intent.size_base, "price": intent.price, "why": intent.why,
        "trade": intent.trade,
    }  # fmt: skip
