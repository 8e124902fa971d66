"""What should be done about one symbol now: a pure function of what is known.

Nothing in it remembers a step that was meant to come next: it may be asked at any moment, after any crash, and what it
answers brings the symbol nearer to where it should be.
"""

from tradsys.live.execution.actions import Action, Adopt, CancelOrder, EndTrade, ForgetWish, PlaceLeg, SendAgain
from tradsys.live.execution.intent import Intent
from tradsys.live.execution.leaving import exit_actions, why_leave
from tradsys.live.execution.protection import stop_actions, target_actions
from tradsys.live.execution.situation import Situation
from tradsys.live.execution.sizes import in_lots
from tradsys.live.execution.spot_plan import spot_actions


def plan(s: Situation) -> list[Action]:
    """The actions that are due; none where everything is as it should be, or where only waiting helps."""
    if not s.held:
        return _flat(s)
    return [*_late_entries(s), *spot_actions(s)] if s.market.sells_lock else _holding(s)


def _holding(s: Situation) -> list[Action]:
    if s.trade is None:
        return [Adopt()] if s.wish is not None or _has_lasted(s, s.rules.foreign_wait_ms) else []
    if not s.is_own:
        return [EndTrade("unknown")] if s.is_decided and _has_lasted(s, s.rules.foreign_wait_ms) else []
    if _is_closed(s):
        return [EndTrade(None)]
    why = why_leave(s)
    if why is None:
        return [*_late_entries(s), *stop_actions(s), *target_actions(s)]
    leaving = exit_actions(s, why)
    is_leaving = any(isinstance(action, PlaceLeg) for action in leaving)
    return leaving if is_leaving else [*leaving, *stop_actions(s)]


def _flat(s: Situation) -> list[Action]:
    if not s.is_decided:
        return _late_entries(s)
    lost = _lost_entry(s)
    if lost is not None:
        return [SendAgain(lost)]
    if s.orders:
        return [CancelOrder(order, "nothing is held") for order in s.orders]
    if s.unsettled:
        return []
    if s.trade is not None:
        return _ended(s)
    return [ForgetWish()] if s.wish is not None else []


def _late_entries(s: Situation) -> list[Action]:
    """What of an entry has not filled is waited for, until it is too old or nobody wants it any more."""
    is_late = s.trade is not None and s.now_ms >= s.trade.created_ms + s.rules.entry_patience_ms
    if not is_late and s.wish is None:
        return []
    why = "the entry is too old" if is_late else "exit"
    return [CancelOrder(order, why) for order in s.orders if not order.is_reduce_only]


def _lost_entry(s: Situation) -> Intent | None:
    """An entry that definitely never arrived, while it is young: it may be sent again under the same id."""
    if s.trade is None or s.wish is not None or not s.may_enter:
        return None
    if s.now_ms >= s.trade.created_ms + s.rules.entry_patience_ms:
        return None
    lost = [intent for intent in s.tries("entry") if intent.state == "absent"]
    return lost[0] if lost else None


def _ended(s: Situation) -> list[Action]:
    """Flat with nothing left at the venue: over, once the fills say so too, or have not come for long."""
    if not s.is_explained:
        return [EndTrade("unknown")] if _has_lasted(s, s.rules.settle_ms) else []
    entries = s.tries("entry")
    if s.sums.opened_base == 0 and entries:
        return [EndTrade(entries[-1].state)]
    return [EndTrade(None if s.sums.exit_reason else s.sums.last_reason)]  # less than a lot may be left of coins


def _is_closed(s: Situation) -> bool:
    """The fills say that the trade is over, though the venue's position does not, or not yet."""
    is_closed = s.sums.opened_base > 0 and in_lots(s.sums.open_base, s.market.lot) == 0
    return is_closed and s.is_decided and s.has_entry_fills


def _has_lasted(s: Situation, wait_ms: int) -> bool:
    return s.since_ms is not None and s.now_ms >= s.since_ms + wait_ms
