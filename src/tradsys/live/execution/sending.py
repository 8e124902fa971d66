"""Sending orders: first the journal, then the venue, then the journal again with what the venue said."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final, Literal

from tradsys.core.errors import DiskError
from tradsys.live.client_ids import Leg, client_id, stem
from tradsys.live.clock import Clock
from tradsys.live.execution.actions import CancelOrder, Grow, PlaceLeg, PlacePair
from tradsys.live.execution.intent import Intent, Trade
from tradsys.live.execution.opening import aimed, trade_key
from tradsys.live.execution.patience import patiently, together
from tradsys.live.execution.rules import ExecutionRules
from tradsys.live.execution.sizes import of_lots
from tradsys.live.execution.steps import StepHook
from tradsys.live.intents import IntentJournal
from tradsys.live.telling import Tell
from tradsys.live.venue import (
    NotSent,
    OrderRefused,
    PlacesPairs,
    StopPassed,
    Venue,
    VenueOrder,
    VenueRefused,
    VenueUnknown,
)

COMMITS: Final[dict[Leg, str]] = {
    "entry": "entry.commit", "stop": "legs.commit", "target": "legs.commit", "exit": "exit.commit"
}  # fmt: skip


N_WAITS, LONGEST_WAIT_S = 3, 5.0
"""How often, and how long at most, a leg waits for a venue that was asked too often; a longer wait is for the looks."""


@dataclass(frozen=True, slots=True)
class Sender:
    """The only one that sends orders.

    A leg's answer is not waited for long: the position must not stay bare because one answer is slow. It is written
    down when it comes (`late`), and meanwhile the leg counts as unknown. `started_ms` is when the process began.
    """

    venue: Venue
    journal: IntentJournal
    clock: Clock
    rules: ExecutionRules
    tell: Tell
    step: StepHook
    started_ms: int
    late: set[asyncio.Task[bool]] = field(default_factory=set)

    async def place(self, trade: Trade, legs: Sequence[PlaceLeg], lot: float) -> bool:
        """Commit these legs together, then send them at once; whether every answer came and was definite."""
        intents = self._committed(trade, legs, lot)
        return all(await together([self._soon(self.send(intent)) for intent in intents]))

    async def place_pairs(self, trade: Trade, pairs: Sequence[PlacePair], lot: float) -> bool:
        """The same of pairs, each of which the venue takes as one."""
        intents = self._committed(trade, [leg for pair in pairs for leg in (pair.stop, pair.target)], lot)
        both = zip(intents[::2], intents[1::2], strict=True)
        return all(await together([self._soon(self.send_pair(stop, target)) for stop, target in both]))

    async def grow(self, trade: Trade | None, growth: Grow, lot: float) -> bool:
        """Commit and send an entry that an aim wants, and the trade that it begins where there is none.

        Whether the answer was definite; nothing is sent where the disk does not take the commit.
        """
        aim, now = growth.aim, self.clock.now_ms()
        begun = None if trade is not None else aimed(aim, now)
        key = trade.key if begun is None and trade is not None else trade_key(aim.symbol, aim.close_ms)
        attempt = self.journal.n_attempts(key, stem(self.rules.account, aim.symbol, aim.close_ms, "entry"))
        name = client_id(self.rules.account, aim.symbol, aim.close_ms, "entry", attempt)
        intent = Intent(
            name, key, aim.symbol, "entry", aim.side, "market", of_lots(growth.n_lots, lot), None, False, "rebalance",
            "unknown", 0.0, now, None, 1, "",
        )  # fmt: skip
        self.step("entry.commit:before")
        try:
            self.journal.keep_room()
            self.journal.add([intent], [] if begun is None else [begun])
        except DiskError as error:
            self.tell("denied", {"symbol": aim.symbol, "close_ms": aim.close_ms, "why": str(error)})
            return False
        self.step("entry.commit:after")
        return await self._soon(self.send(intent))

    def _committed(self, trade: Trade, legs: Sequence[PlaceLeg], lot: float) -> list[Intent]:
        now, counts = self.clock.now_ms(), dict[Leg, int]()
        intents = []
        for leg in legs:
            attempt = counts[leg.leg] if leg.leg in counts else self._next_attempt(trade, leg.leg)
            counts[leg.leg] = attempt + 1
            intents.append(self._intent(trade, leg, attempt, lot, now))
        step = COMMITS[legs[0].leg]
        self.step(f"{step}:before")
        self.journal.add(intents)
        self.step(f"{step}:after")
        return intents

    def _next_attempt(self, trade: Trade, leg: Leg) -> int:
        return self.journal.n_attempts(trade.key, stem(self.rules.account, trade.symbol, trade.close_ms, leg))

    async def send(self, intent: Intent) -> bool:
        """Send an order that has been committed; whether the answer was definite."""
        self.step(f"{intent.leg}.send:before")
        try:
            order = await self._placed(intent)
        except OrderRefused as error:
            return self._refused(intent, "passed" if isinstance(error, StopPassed) else "refused", str(error))
        except (VenueUnknown, VenueRefused) as error:  # a question was refused that only asking about it took
            self.tell("order_unknown", _told(intent) | {"why": str(error)})
            return False
        self._known(intent, order)
        return True

    async def send_pair(self, stop: Intent, target: Intent) -> bool:
        """Send a stop and a target as one; whether the answer was definite."""
        both, venue = (stop, target), self.venue
        if not isinstance(venue, PlacesPairs):
            raise TypeError(f"{venue.name} says that it takes stop and target as one, and has no place_pair")
        for intent in both:
            self.tell("order_sent", _told(intent))
            self.step(f"{intent.leg}.send:before")
        try:
            orders = await self._once_it_may(partial(venue.place_pair, stop.request, target.request))
        except OrderRefused as error:
            is_passed = isinstance(error, StopPassed)
            self._refused(target, "refused", str(error))
            return self._refused(stop, "passed" if is_passed else "refused", str(error))
        except (VenueUnknown, VenueRefused) as error:
            for intent in both:
                self.tell("order_unknown", _told(intent) | {"why": str(error)})
            return False
        for intent, order in zip(both, orders, strict=True):
            self._known(intent, order)
        return True

    def _known(self, intent: Intent, order: VenueOrder) -> None:
        self.step(f"{intent.leg}.send:after")
        self.step(f"{intent.leg}.answer:before")
        self.journal.answer(intent.client_id, order.status, self.clock.now_ms(), filled_base=order.filled_base)
        self.step(f"{intent.leg}.answer:after")
        self.tell("order_known", _told(intent) | {"status": order.status, "filled_base": order.filled_base})

    async def _placed(self, intent: Intent) -> VenueOrder:
        """The venue's answer; that it was sent is told when all that were committed together have left."""
        loop = asyncio.get_running_loop()
        place = partial(self.venue.place, intent.request)
        work = self._once_it_may(place) if intent.is_reduce_only else place()
        placing = asyncio.Task(work, loop=loop, eager_start=True)
        try:
            await asyncio.sleep(0)
            self.tell("order_sent", _told(intent))
            return await placing
        finally:
            placing.cancel()

    async def _once_it_may[T](self, place: Callable[[], Awaitable[T]]) -> T:
        """What protects and ends trades is the first that a venue gets that was asked too often, without a look before.

        Nothing of it was done, and it only reduces.
        """
        for _ in range(N_WAITS):
            try:
                return await place()
            except NotSent as error:
                if error.wait_s > LONGEST_WAIT_S:
                    raise
                await asyncio.sleep(error.wait_s)
        return await place()

    async def _soon(self, work: Coroutine[Any, Any, bool]) -> bool:
        sending = asyncio.create_task(work)
        self.late.add(sending)
        await asyncio.wait([sending], timeout=self.rules.unsure_ms / 1_000)
        if not sending.done():
            return False
        self.late.discard(sending)
        return sending.result()

    async def raise_late(self) -> None:
        """Raise what went wrong with an answer that came late."""
        await self._ended([sending for sending in self.late if sending.done()])

    async def close(self) -> None:
        """Wait for the answers that are still on their way."""
        await self._ended(list(self.late))

    async def _ended(self, sendings: Sequence[asyncio.Task[bool]]) -> None:
        self.late.difference_update(sendings)
        await together(sendings)

    async def send_again(self, intent: Intent) -> bool:
        """Send an order once more that the venue definitely does not have; not where the disk does not take that."""
        self.step("resend.commit:before")
        try:
            self.journal.send_again(intent.client_id, self.clock.now_ms())
        except DiskError as error:
            self.tell("error", {"symbol": intent.symbol, "what": f"an entry is not sent again: {error}"})
            return False
        self.step("resend.commit:after")
        return await self.send(replace(intent, n_sent=intent.n_sent + 1))

    async def cancel(self, action: CancelOrder) -> bool:
        """Cancel an order; whether the answer was definite. What became of it is asked in the next look."""
        order = action.order
        fields = {"symbol": order.symbol, "client_id": order.client_id, "why": action.why}
        self.step("cancel.send:before")
        try:
            cancelling = partial(self.venue.cancel, order.symbol, order.client_id, order.kind)
            await patiently(self.rules.ask_timeout_ms, self.rules.ask_again_ms, cancelling)
        except (VenueUnknown, VenueRefused) as error:  # what is due beside it must not wait for it
            self.tell("error", fields | {"what": f"cancelling: {error}"})
            return False
        self.step("cancel.send:after")
        self.tell("cancelled", fields)
        return True

    def _refused(self, intent: Intent, state: Literal["refused", "passed"], why: str) -> bool:
        """A second sending may be refused because the first is there: only asking tells, and it is not sent again."""
        if intent.n_sent > 1:
            self.journal.refused_again(intent.client_id, why)
            self.tell("order_unknown", _told(intent) | {"why": why})
            return False
        self.step(f"{intent.leg}.send:after")
        self.step(f"{intent.leg}.answer:before")
        self.journal.answer(intent.client_id, state, self.clock.now_ms(), note=why)
        self.step(f"{intent.leg}.answer:after")
        if state == "passed":
            self.tell("order_known", _told(intent) | {"status": state, "why": why})
        else:
            self.tell("order_refused", _told(intent) | {"why": why})
        return True

    def _intent(self, trade: Trade, leg: PlaceLeg, attempt: int, lot: float, now_ms: int) -> Intent:
        of = (self.rules.account, trade.symbol, trade.close_ms, leg.leg, attempt)
        name = client_id(*of, started_ms=self.started_ms)
        return Intent(
            name, trade.key, trade.symbol, leg.leg, leg.side, leg.kind, of_lots(leg.n_lots, lot), leg.price, True,
            leg.why, "unknown", 0.0, now_ms, None, 1, "",
        )  # fmt: skip


def _told(intent: Intent) -> dict[str, object]:
    return {
        "client_id": intent.client_id, "symbol": intent.symbol, "leg": intent.leg, "side": intent.side,
        "kind": intent.kind, "size_base": intent.size_base, "price": intent.price, "why": intent.why,
        "trade": intent.trade,
    }  # fmt: skip
