"""Everything that is known of one symbol at one moment: what a plan is made from, and nothing else."""

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from tradsys.live.client_ids import Leg
from tradsys.live.execution.aims import Aim
from tradsys.live.execution.intent import Intent, Trade
from tradsys.live.execution.ledger import TradeSums, has_entry_fills
from tradsys.live.execution.rules import ExecutionRules
from tradsys.live.execution.sizes import at_tick, in_lots
from tradsys.live.venue import MarketRules, Position, VenueOrder


@dataclass(frozen=True, slots=True)
class Situation:
    """One symbol: the venue's position and our open orders there, and what the journal meant.

    `orders` are ours alone. `wish` is why everything is to be left, None where nobody asked. `may_enter` is whether an
    entry that never arrived may be sent again. `since_ms` is since when position and journal have disagreed.
    `spare_base` is what a spot account holds of the symbol's coin that is not ours. `aim` is what target weights want
    held, `is_cut` whether anything but an aim has made the position smaller since it was chosen, `has_all_fills`
    whether the fills that are known make up all that the venue says of the trade's orders.
    """

    now_ms: int
    rules: ExecutionRules
    market: MarketRules
    position: Position | None
    orders: Sequence[VenueOrder]
    trade: Trade | None
    intents: Sequence[Intent]
    unsettled: Sequence[Intent]
    sums: TradeSums
    wish: str | None
    may_enter: bool
    is_halted: bool
    since_ms: int | None
    spare_base: float = 0.0
    aim: Aim | None = None
    is_cut: bool = False
    has_all_fills: bool = True

    @property
    def held(self) -> int:
        """Whole lots that are held, with their sign."""
        return 0 if self.position is None else in_lots(self.position.size_base, self.market.lot)

    @property
    def side(self) -> int:
        return 1 if self.held > 0 else -1

    @property
    def n_held(self) -> int:
        return abs(self.held)

    @property
    def n_own(self) -> int:
        """Held lots that the trade's fills explain."""
        return min(self.n_held, in_lots(self.sums.open_base, self.market.lot))

    @property
    def is_own(self) -> bool:
        """Whether the position is that of the open trade."""
        return self.trade is not None and self.trade.side == self.side and not self.is_unfilled

    @property
    def is_decided(self) -> bool:
        """Whether every entry of the trade has come to its end."""
        return all(intent.is_final for intent in self.intents if intent.leg == "entry")

    @property
    def rests(self) -> bool:
        """Whether the trade's entry may rest in the book, rather than being filled as it comes."""
        return self.trade is not None and self.trade.rests_until_ms is not None

    @property
    def is_unfilled(self) -> bool:
        """Whether the entry rested, is gone from the book, and nobody filled any of it."""
        tries = self.tries("entry") if self.rests else []
        is_gone = bool(tries) and all(intent.state in ("cancelled", "expired") for intent in tries)
        return is_gone and self.sums.opened_base == 0 and self.has_entry_fills

    @property
    def entry_price(self) -> float:
        """Average price of the entry's fills; the venue's word until they are known."""
        if self.sums.opened_base > 0:
            return self.sums.entry_price
        return 0.0 if self.position is None else self.position.entry_price

    def barrier(self, sign: int, distance: float) -> float:
        """The price at a distance from the entry, for (+1) or against (-1) the trade, on a tick."""
        return at_tick(self.entry_price + sign * self.side * distance, self.market.tick)

    def left(self, order: VenueOrder) -> int:
        """Lots of an order that have not been filled."""
        return in_lots(order.size_base - order.filled_base, self.market.lot)

    def tries(self, leg: Leg) -> list[Intent]:
        """Orders that were meant for a leg, in the order of their attempts."""
        return sorted((intent for intent in self.intents if intent.leg == leg), key=lambda intent: intent.client_id)

    def n_refused(self, leg: Leg) -> int:
        """How many of a leg's tries were refused since the last one that the venue took."""
        count = 0
        for intent in reversed(self.tries(leg)):
            if intent.state not in ("refused", "absent", "unknown"):
                break
            count += intent.state == "refused"
        return count

    def is_resting(self, leg: Leg) -> bool:
        """Whether the leg was refused, or its fate is unknown, so shortly ago that it has to wait."""
        tries, refused = self.tries(leg), self.n_refused(leg)
        if not tries or not refused:
            return self.is_uncertain(leg)
        rest_ms = min(self.rules.retry_ms << min(refused - 1, 10), self.rules.max_retry_ms)
        return self.now_ms < (tries[-1].answered_ms or tries[-1].sent_ms) + rest_ms

    def is_uncertain(self, leg: Leg) -> bool:
        """Whether the leg's last order was sent just now, and nobody knows yet whether it came."""
        tries = self.tries(leg)
        return bool(tries) and tries[-1].state == "unknown" and self.now_ms < tries[-1].sent_ms + self.rules.unsure_ms

    @property
    def n_most(self) -> int:
        """Lots of the largest order at the market."""
        most = self.market.max_market_size_base
        return max(1, in_lots(most, self.market.lot)) if math.isfinite(most) else sys.maxsize

    @property
    def is_explained(self) -> bool:
        """Whether journal and venue agree on what is held; they may disagree for a moment."""
        if self.held:
            return self.is_own
        own = in_lots(self.sums.open_base, self.market.lot)
        return not self.is_decided or (own == 0 and self.has_entry_fills)

    @property
    def has_entry_fills(self) -> bool:
        """Whether the fills that are known make up all that the venue says was filled of the trade's entries."""
        return has_entry_fills(self.intents, self.sums)
