"""When a position is left at the market, and how: for time, on request, or because it cannot be protected."""

from tradsys.live.execution.actions import Action, CancelOrder, HaltTrading, PlaceLeg
from tradsys.live.execution.aims import REBALANCED
from tradsys.live.execution.protection import is_passed, is_too_small, n_missing
from tradsys.live.execution.situation import Situation
from tradsys.live.execution.sizes import in_parts
from tradsys.live.venue import VenueOrder


def why_leave(s: Situation) -> str | None:
    """The reason to leave the position now, None where it may stay."""
    if s.wish is not None:
        return s.wish
    if s.trade is not None and s.is_own and s.trade.deadline_ms is not None and s.now_ms >= s.trade.deadline_ms:
        return "time"
    if n_missing(s) == 0:
        return None
    if s.n_refused("stop") >= s.rules.n_stop_refusals:
        return "unprotected"
    if is_passed(s):
        return "stop"
    return "dust" if s.is_decided and is_too_small(s, s.n_held) else None


def exit_actions(s: Situation, why: str) -> list[Action]:
    """Cancel what could enlarge the position or fill beside the exit, then sell or buy it back at the market.

    The stop stays until the position is gone.
    """
    actions: list[Action] = []
    if why == "unprotected" and not s.is_halted:
        actions.append(HaltTrading(f"{s.market.symbol}: the venue refused {s.n_refused('stop')} stops"))
    actions += [CancelOrder(order, why) for order in s.orders if order.kind != "stop" and not is_exit(order)]
    n_lots = _n_to_leave(s, why) - sum(s.left(order) for order in s.orders if is_exit(order))
    if n_lots > 0 and not s.is_resting("exit"):
        actions += [PlaceLeg("exit", -s.side, "market", part, None, why) for part in in_parts(n_lots, s.n_most)]
    return actions


def is_exit(order: VenueOrder) -> bool:
    """Whether an open order is an exit at the market that is under way."""
    return order.kind == "market" and order.is_reduce_only


def _n_to_leave(s: Situation, why: str) -> int:
    """Own time, stop and aim leave what the trade's fills explain, once they are known; all else leaves everything.

    Of an entry that rests they are known where the venue tells of none: then the position is somebody else's.
    """
    is_known = s.sums.opened_base > 0 or (s.rests and s.has_entry_fills)
    is_own_part = why in ("time", "stop", REBALANCED) and is_known and s.wish is None
    return s.n_own if is_own_part else s.n_held
