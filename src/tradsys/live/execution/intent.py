"""What the journal remembers: trades that were decided or found, and each order that was meant for them."""

from dataclasses import dataclass
from typing import Final, Literal

from tradsys.live.client_ids import Leg
from tradsys.live.venue import OrderKind, OrderRequest, OrderStatus

type IntentState = Literal["unknown", "absent", "passed"] | OrderStatus
"""An intent is unknown until there is an answer. Absent: the venue says for good that it never came. Passed: the
venue did not take a stop, since the price is beyond it already."""

FINAL: frozenset[IntentState] = frozenset({"filled", "cancelled", "refused", "expired", "absent", "passed"})

MISSED: Final = "missed"
"""Why a trade is over whose entry rested its time, and that nobody filled."""

WITHDRAWN: Final = "withdrawn"
"""Why a trade is over whose entry was taken back before its time, and that nobody had filled by then."""

type Origin = Literal["entry", "target", "foreign"]
"""What began it: an entry with its barriers, an aim of target weights, or somebody else."""


@dataclass(frozen=True, slots=True)
class Trade:
    """One round trip: what was decided, or a position that was found and that no entry of ours explains.

    Of target weights it is a stretch on one side, which aims make larger and smaller: `size_base` is what the first
    one wanted, and it has neither deadline nor target.

    `stop_distance` is that from the reference price (see `stop_distance_from`), in quote.

    `opened_base` and `opened_price` are of a found position, 0 of our own trades, whose fills say both. A found
    position has neither deadline nor target. `ended` is in words why a trade is over that has no closing fill.

    `rests_until_ms` is until when its entry may rest in the book, as a limit order at the reference price; None of
    entries at the market.
    """

    key: str
    symbol: str
    side: int
    origin: Origin
    size_base: float
    reference_price: float
    close_ms: int
    deadline_ms: int | None
    stop_distance: float
    target_distance: float | None
    opened_base: float
    opened_price: float
    decision: str
    created_ms: int
    closed_ms: int | None = None
    ended: str | None = None
    rests_until_ms: int | None = None

    def stop_distance_from(self, entry_price: float) -> float:
        """How far from its average entry price the stop lies, in quote.

        Of target weights it is always the same share of that price: what is added later may cost many times as much.
        """
        if self.origin != "target":
            return self.stop_distance
        return self.stop_distance / self.reference_price * entry_price


@dataclass(frozen=True, slots=True)
class Intent:
    """An order that is meant: committed before it is sent, and corrected by what the venue says of it."""

    client_id: str
    trade: str
    symbol: str
    leg: Leg
    side: int
    kind: OrderKind
    size_base: float
    price: float | None
    is_reduce_only: bool
    why: str
    state: IntentState
    filled_base: float
    sent_ms: int
    answered_ms: int | None
    n_sent: int
    note: str

    @property
    def is_final(self) -> bool:
        return self.state in FINAL

    @property
    def request(self) -> OrderRequest:
        """As it goes to the venue."""
        return OrderRequest(
            self.client_id, self.symbol, self.side, self.kind, self.size_base, self.price, self.is_reduce_only
        )
