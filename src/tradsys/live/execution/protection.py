"""The stop and the target of a position: what should wait at the venue, and what has to be done until it does.

Stops are placed before others are cancelled, so that there is never a moment with too little of them: too much does no
harm, since they only reduce. A target has no such moment, and is cancelled first.
"""

from collections.abc import Sequence

from tradsys.live.execution.actions import Action, CancelOrder, PlaceLeg
from tradsys.live.execution.situation import Situation
from tradsys.live.execution.sizes import at_tick, in_parts, of_lots
from tradsys.live.venue import VenueOrder

MANY_STOPS = 2
"""So many stops of one position become one when more has to be placed: venues allow few of them."""


def stop_distance(s: Situation) -> float:
    """The trade's own; a fraction of the entry price where no entry of ours explains the position."""
    if s.trade is not None and s.is_own:
        return s.trade.stop_distance_from(s.entry_price)
    return s.rules.foreign_stop_fraction * s.entry_price


def stop_price(s: Situation) -> float:
    """Where the stop belongs; at the edge of the venue's band of prices, where it lies beyond and was refused there."""
    wanted = s.barrier(-1, stop_distance(s))
    if in_band(s, wanted) or s.position is None or s.n_refused("stop") == 0:
        return wanted
    edge = s.position.mark_price * (1 - s.side * s.market.price_band)
    return at_tick(edge + s.side * s.market.tick, s.market.tick)


def in_band(s: Situation, price: float) -> bool:
    """Whether the venue lets an order have this price now."""
    mark = 0.0 if s.position is None else s.position.mark_price
    return abs(price - mark) <= s.market.price_band * mark


def is_passed(s: Situation) -> bool:
    """Whether the stop has been met already: the venue said so of one that it was sent, or the mark is there."""
    if any(intent.state == "passed" for intent in s.tries("stop")):
        return True
    wanted = s.barrier(-1, stop_distance(s))
    return s.position is not None and s.side * (s.position.mark_price - wanted) <= 0


def right_stops(s: Situation) -> list[VenueOrder]:
    """Open stops that protect the position at the right price, oldest first; any, where the venue refused that one."""
    wanted = s.barrier(-1, stop_distance(s))
    takes_any = not in_band(s, wanted) and any(intent.state == "refused" for intent in s.tries("stop"))
    return [order for order in _stops(s) if takes_any or order.price == wanted]


def n_missing(s: Situation) -> int:
    """Held lots that no stop covers, at whatever price: what is bare."""
    return max(0, s.n_held - sum(s.left(order) for order in _stops(s)))


def is_too_small(s: Situation, n_lots: int) -> bool:
    """Whether the venue would not take an order of so many lots."""
    size = of_lots(n_lots, s.market.lot)
    mark = s.entry_price if s.position is None else s.position.mark_price
    return size < s.market.min_size_base or size * mark < s.market.min_notional_quote


def stop_actions(s: Situation) -> list[Action]:
    """Cover what is missing, or drop what is too much."""
    right = right_stops(s)
    missing = s.n_held - sum(s.left(order) for order in right)
    if missing > 0:
        return _cover(s, right, missing)
    return _drop(s, right) or _shrink(s, right)


def target_actions(s: Situation) -> list[Action]:
    """One limit for what the trade's fills explain, at the right price, while the venue takes it."""
    price = target_price(s)
    limits = [order for order in s.orders if order.kind == "limit" and order.is_reduce_only]
    wrong = [order for order in limits if order.side == s.side or order.price != price]
    room = s.n_own - sum(s.left(order) for order in limits if order not in wrong)
    takes_one = price is not None and in_band(s, price) and not s.is_resting("target")
    is_rest = takes_one and is_too_small(s, room) and not is_too_small(s, s.n_own)
    if room < 0 or (room > 0 and (len(limits) > MANY_STOPS or is_rest)):
        wrong = limits  # one of all of it takes the place of those that leave too little for one more
    if wrong:
        return [CancelOrder(order, "no longer the right target") for order in wrong]
    if price is None or room <= 0 or is_too_small(s, room) or not takes_one:
        return []
    return [PlaceLeg("target", -s.side, "limit", room, price, "target")]


def target_price(s: Situation) -> float | None:
    """Where the target belongs; None of a trade without one."""
    if s.trade is None or not s.is_own or s.trade.target_distance is None:
        return None
    price = s.barrier(+1, s.trade.target_distance)
    return price if price > 0 else None


def _stops(s: Situation) -> list[VenueOrder]:
    found = [o for o in s.orders if o.kind == "stop" and o.is_reduce_only and o.side == -s.side]
    return sorted(found, key=lambda order: order.client_id)


def _cover(s: Situation, right: Sequence[VenueOrder], missing: int) -> list[Action]:
    if s.n_refused("stop") >= s.rules.n_stop_refusals or s.is_uncertain("stop") or is_passed(s):
        return []
    if is_too_small(s, s.n_held):
        return []
    n_lots = s.n_held if len(right) >= MANY_STOPS or is_too_small(s, missing) else missing
    price = stop_price(s)
    return [PlaceLeg("stop", -s.side, "stop", part, price, "stop") for part in in_parts(n_lots, s.n_most)]


def _drop(s: Situation, right: Sequence[VenueOrder]) -> list[Action]:
    """The oldest first, while the others cover the position; the position is covered by the right ones alone."""
    too_much = sum(s.left(order) for order in right) - s.n_held
    dropped = [order for order in s.orders if order.kind == "stop" and order not in right]
    for order in right:
        if s.left(order) <= too_much:
            too_much -= s.left(order)
            dropped.append(order)
    return [CancelOrder(order, "no longer the right stop") for order in dropped]


def _shrink(s: Situation, right: Sequence[VenueOrder]) -> list[Action]:
    """One that is larger than the position is replaced: the new one first."""
    is_larger = sum(s.left(order) for order in right) > s.n_held
    if not is_larger or s.n_refused("stop") or is_too_small(s, s.n_held) or is_passed(s):
        return []
    return [PlaceLeg("stop", -s.side, "stop", part, stop_price(s), "stop") for part in in_parts(s.n_held, s.n_most)]
