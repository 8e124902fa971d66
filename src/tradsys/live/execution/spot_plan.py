"""What should be done about coins that are held on a spot market, where an order to sell locks what it would sell.

Nothing there only reduces: an order too many would sell coins that are not ours. So stop and target are one pair that
shares the coins; what is wrong is cancelled before anything else is placed; and nothing more is placed while an order
to sell may still arrive of which nobody knows, unless the account holds no other coins that it could sell.
"""

from collections.abc import Sequence
from typing import Final

from tradsys.live.execution.actions import Action, CancelOrder, EndTrade, HaltTrading, PlaceLeg, PlacePair
from tradsys.live.execution.leaving import is_exit, why_leave
from tradsys.live.execution.protection import (
    MANY_STOPS,
    in_band,
    is_passed,
    is_too_small,
    stop_distance,
    stop_price,
    target_price,
)
from tradsys.live.execution.situation import Situation
from tradsys.live.execution.sizes import in_parts
from tradsys.live.venue import VenueOrder

DUST: Final = "dust"
"""Why a trade is over whose rest is worth less than the venue's smallest order."""


def spot_actions(s: Situation) -> list[Action]:
    """The actions that are due while coins of ours are held; entries that are late are somebody else's business."""
    sells = [order for order in s.orders if order.side < 0]
    if is_too_small(s, s.n_held):
        return _dust(s, sells)
    why = why_leave(s) or _why_target(s, sells)
    return _protect(s, sells) if why is None else _leave(s, sells, why)


def _dust(s: Situation, sells: Sequence[VenueOrder]) -> list[Action]:
    """What cannot be sold is left in the account; an order that was taken while it could be stays, but on request."""
    if s.wish is not None and sells:
        return [CancelOrder(order, s.wish) for order in sells]
    is_over = s.is_decided and not sells and not s.unsettled
    return [EndTrade(s.sums.last_reason or DUST)] if is_over else []


def _why_target(s: Situation, sells: Sequence[VenueOrder]) -> str | None:
    """Where no order waits at the target, the price that has reached it is a reason to leave at the market."""
    price = target_price(s)
    if price is None or s.position is None or any(order.kind == "limit" for order in sells):
        return None
    return "target" if s.position.mark_price >= price else None


def _leave(s: Situation, sells: Sequence[VenueOrder], why: str) -> list[Action]:
    """Everything that locks coins is cancelled, then they are sold at the market."""
    halt: list[Action] = []
    if why == "unprotected" and not s.is_halted:
        halt = [HaltTrading(f"{s.market.symbol}: the venue refused {s.n_refused('stop')} stops")]
    if locking := [order for order in sells if not is_exit(order)]:
        return [*halt, *(CancelOrder(order, why) for order in locking)]
    n_lots = s.n_held - sum(s.left(order) for order in sells)
    if n_lots <= 0 or is_unsure(s) or s.is_resting("exit"):
        return halt
    return [*halt, *(PlaceLeg("exit", -1, "market", part, None, why) for part in in_parts(n_lots, s.n_most))]


def _protect(s: Situation, sells: Sequence[VenueOrder]) -> list[Action]:
    """Stops of the whole position, each with its target; what is placed next waits until the wrong ones are gone."""
    if any(is_exit(order) for order in sells):
        return []
    stops = [order for order in sells if order.kind == "stop" and _is_right(s, order, stop_of(s))]
    targets = [order for order in sells if order.kind == "limit" and _is_right(s, order, target_price(s))]
    covered = sum(s.left(order) for order in stops)
    is_wrong = len(stops) + len(targets) < len(sells)
    is_wrong = is_wrong or covered > s.n_held or sum(s.left(order) for order in targets) > covered
    missing = s.n_held - covered
    if is_wrong or (missing > 0 and stops and (is_too_small(s, missing) or len(stops) >= MANY_STOPS)):
        return [CancelOrder(order, "no longer right") for order in sells]
    return _cover(s, missing) if missing > 0 else []


def _is_right(s: Situation, order: VenueOrder, price: float | None) -> bool:
    """At its price; while the entry is filling the average may move, and no stop is taken away for it."""
    return order.price == price or not s.is_decided


def stop_of(s: Situation) -> float:
    """Where the stop belongs; a spot venue's band is wide, and beyond it nothing is placed."""
    return s.barrier(-1, stop_distance(s))


def _cover(s: Situation, n_lots: int) -> list[Action]:
    """The pair, and where it was refused the stop alone: then the bot leaves at the target by itself."""
    is_resting = s.n_refused("stop") > 0 and s.now_ms < _answered_ms(s) + s.rules.unsure_ms
    if s.n_refused("stop") >= s.rules.n_stop_refusals or is_resting or is_unsure(s) or is_passed(s):
        return []
    stop, target, parts = stop_price(s), target_price(s), in_parts(n_lots, s.n_most)
    legs = [PlaceLeg("stop", -1, "stop", part, stop, "stop") for part in parts]
    if target is None or not s.market.can_pair or s.n_refused("stop") or not in_band(s, target):
        return list(legs)
    return [PlacePair(leg, PlaceLeg("target", -1, "limit", leg.n_lots, target, "target")) for leg in legs]


def _answered_ms(s: Situation) -> int:
    last = s.tries("stop")[-1]
    return last.answered_ms or last.sent_ms


def is_unsure(s: Situation) -> bool:
    """Whether an order to sell may still come to the venue that would sell what a next one is to sell.

    Where the account does not hold as many other coins the venue refuses the second, and a moment is enough.
    """
    unknown = [one for one in s.unsettled if one.side < 0 and one.state == "unknown"]
    if any(one.size_base <= s.spare_base for one in unknown):
        return True
    return any(s.now_ms < one.sent_ms + s.rules.unsure_ms for one in unknown)
