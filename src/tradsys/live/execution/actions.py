"""What a plan may want done: few and plain, so that it can be read, compared and tested without a venue."""

from dataclasses import dataclass

from tradsys.live.client_ids import Leg
from tradsys.live.execution.aims import Aim
from tradsys.live.execution.intent import Intent
from tradsys.live.venue import OrderKind, VenueOrder


@dataclass(frozen=True, slots=True)
class PlaceLeg:
    """Place an order of so many lots that can only make the position smaller."""

    leg: Leg
    side: int
    kind: OrderKind
    n_lots: int
    price: float | None
    why: str


@dataclass(frozen=True, slots=True)
class PlacePair:
    """Place a stop and a target of as many lots that share what they would sell."""

    stop: PlaceLeg
    target: PlaceLeg


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """Cancel an open order of ours."""

    order: VenueOrder
    why: str


@dataclass(frozen=True, slots=True)
class SendAgain:
    """Send an entry once more that the venue definitely does not have."""

    intent: Intent


@dataclass(frozen=True, slots=True)
class Grow:
    """Make the position as much larger as its aim wants, or begin one: so many lots at the market."""

    aim: Aim
    n_lots: int


@dataclass(frozen=True, slots=True)
class EndTrade:
    """The trade is over; `why` where no closing fill says it."""

    why: str | None


@dataclass(frozen=True, slots=True)
class Adopt:
    """Take a position that no entry of ours explains under protection."""


@dataclass(frozen=True, slots=True)
class HaltTrading:
    """No more entries until a person has looked."""

    reason: str


@dataclass(frozen=True, slots=True)
class ForgetWish:
    """What was asked for has been done."""


type Action = PlaceLeg | PlacePair | Grow | CancelOrder | SendAgain | EndTrade | Adopt | HaltTrading | ForgetWish
