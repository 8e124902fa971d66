"""What should be done about one symbol now: a pure function of what is known.

Nothing in it remembers a step that was meant to come next: it may be asked at any moment, after any crash, and what it
answers brings the symbol nearer to where it should be.
"""

from tradsys.live.execution.actions import Action, Adopt, CancelOrder, EndTrade, ForgetWish, PlaceLeg, SendAgain
from tradsys.live.execution.aimed_plan import aimed_actions, is_aimed
from tradsys.live.execution.ending import ended, has_lasted, is_closed
from tradsys.live.execution.intent import Intent
from tradsys.live.execution.leaving import exit_actions, why_leave
from tradsys.live.execution.protection import stop_actions, target_actions
from tradsys.live.execution.resting import unfilled_end, why_taken_back
from tradsys.live.execution.situation import Situation
from tradsys.live.execution.spot_plan import spot_actions


def plan(s: Situation) -> list[Action]:
    """The actions that are due; none where everything is as it should be, or where only waiting helps."""
    if is_aimed(s):
        return aimed_actions(s)
    if not s.held:
        return _flat(s)
    return [*_late_entries(s), *spot_actions(s)] if s.market.sells_lock else _holding(s)


def _holding(s: Situation) -> list[Action]:
    if s.trade is None:
        return [Adopt()] if s.wish is not None or has_lasted(s, s.rules.foreign_wait_ms) else []
    if not s.is_own:
        is_over = s.is_decided and has_lasted(s, s.rules.foreign_wait_ms)
        return [EndTrade(unfilled_end(s) or "unknown")] if is_over else _resting_entries(s)
    if is_closed(s):
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
        return ended(s)
    return [ForgetWish()] if s.wish is not None else []


def _late_entries(s: Situation) -> list[Action]:
    """What of an entry has not filled is waited for, until it is too old or nobody wants it any more."""
    if s.rests:
        return _resting_entries(s)
    is_late = s.trade is not None and s.now_ms >= s.trade.created_ms + s.rules.entry_patience_ms
    if not is_late and s.wish is None:
        return []
    why = "the entry is too old" if is_late else "exit"
    return [CancelOrder(order, why) for order in s.orders if not order.is_reduce_only]


def _resting_entries(s: Situation) -> list[Action]:
    """Entries in the book that must not rest there any longer, such as one of an earlier trade that came late."""
    if not s.rests:
        return []
    entries, own = [order for order in s.orders if not order.is_reduce_only], {one.client_id for one in s.intents}
    if (why := why_taken_back(s)) is not None:
        return [CancelOrder(order, why) for order in entries]
    return [CancelOrder(order, "of an earlier trade") for order in entries if order.client_id not in own]


def _lost_entry(s: Situation) -> Intent | None:
    """An entry that definitely never arrived, while it is young or may rest: it is sent again under the same id."""
    if s.trade is None or s.wish is not None or not s.may_enter:
        return None
    until_ms = s.trade.rests_until_ms or s.trade.created_ms + s.rules.entry_patience_ms
    if s.now_ms >= until_ms:
        return None
    lost = [intent for intent in s.tries("entry") if intent.state == "absent"]
    return lost[0] if lost else None
