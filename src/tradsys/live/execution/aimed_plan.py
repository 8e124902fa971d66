"""What should be done about a symbol that target weights aim at: what is held and what is wanted, and the difference.

A position that is too large is made smaller at any time, by orders that only reduce. One that is too small is made
larger while the choice is young and nothing else has cut it; it never turns around but through nothing: what is held is
left, its trade ends, and another begins. Whatever is held has its stop at the venue, as every position has.
"""

from typing import Final

from tradsys.live.client_ids import stem
from tradsys.live.execution.actions import Action, CancelOrder, EndTrade, ForgetWish, Grow, PlaceLeg, SendAgain
from tradsys.live.execution.aims import REBALANCED
from tradsys.live.execution.ending import ended, has_lasted, is_closed
from tradsys.live.execution.intent import Intent
from tradsys.live.execution.leaving import exit_actions, is_exit, why_leave
from tradsys.live.execution.protection import is_too_small, n_missing, stop_actions
from tradsys.live.execution.situation import Situation
from tradsys.live.execution.sizes import in_lots, in_parts

N_REFUSALS: Final = 3
"""Refused orders in a row after which a position is not made larger until the next choice."""


def is_aimed(s: Situation) -> bool:
    """Whether the symbol is traded by target weights now; positions of others are not, whatever is aimed at."""
    if s.trade is not None:
        return s.trade.origin == "target"
    return s.aim is not None and not s.held


def aimed_actions(s: Situation) -> list[Action]:
    """The actions that are due; none where everything is as it should be, or where only waiting helps."""
    return _holding(s) if s.held else _flat(s)


def is_short_of_aim(s: Situation) -> bool:
    """Whether more is to be held than is, and may still be bought or sold: then it is soon to be looked at again."""
    return is_aimed(s) and _may_grow(s)


def _holding(s: Situation) -> list[Action]:
    if not s.is_own:
        return [EndTrade("unknown")] if s.is_decided and has_lasted(s, s.rules.foreign_wait_ms) else []
    if is_closed(s):
        return [EndTrade(None)]
    why = why_leave(s) or (REBALANCED if _n_wanted(s) <= 0 else None)
    if why is not None:
        leaving = exit_actions(s, why)
        is_leaving = any(isinstance(action, PlaceLeg) for action in leaving)
        return leaving if is_leaving else [*leaving, *stop_actions(s)]
    late = _late_entries(s)
    if n_missing(s) == 0 and (change := _growth(s) or _reduction(s)):
        return [*late, *change]
    return [*late, *stop_actions(s)]


def _flat(s: Situation) -> list[Action]:
    if not s.is_decided:
        return _late_entries(s)
    if s.orders:
        return [CancelOrder(order, "nothing is held") for order in s.orders]
    if s.unsettled:
        return []
    if s.trade is not None and (s.sums.opened_base > 0 or not _may_grow(s)):
        return ended(s)
    if _may_grow(s):
        return _growth(s)
    return [ForgetWish()] if s.wish is not None else []


def _n_wanted(s: Situation) -> int:
    """Lots that are wanted on the side of the trade, negative on the other; with no trade on that of the aim."""
    if s.aim is None:
        return 0
    side = s.aim.side if s.trade is None else s.trade.side
    return side * in_lots(s.aim.size_base, s.market.lot)


def _n_lacking(s: Situation) -> int:
    """Lots that an order could add to what the fills explain, none where the venue would not take so few."""
    n_lots = _n_wanted(s) - s.n_own
    return n_lots if n_lots > 0 and not _is_too_little(s, n_lots) else 0


def _is_too_little(s: Situation, n_lots: int) -> bool:
    if s.position is not None or s.aim is None:
        return is_too_small(s, n_lots)
    size = n_lots * s.market.lot
    return size < s.market.min_size_base or size * s.aim.reference_price < s.market.min_notional_quote


def _may_grow(s: Situation) -> bool:
    """Whether the position may still be made larger for the aim, now or after a rest."""
    if s.aim is None or s.wish is not None or not s.may_enter or not s.market.is_trading or s.is_cut:
        return False
    return s.now_ms < s.aim.until_ms and _n_lacking(s) > 0 and _n_refused(s) < N_REFUSALS


def _growth(s: Situation) -> list[Action]:
    """The order that is due for it; none while the last one is under way, or the venue shows less than was filled."""
    if not _may_grow(s) or s.aim is None or not s.is_decided or not s.has_all_fills:
        return []
    if in_lots(s.sums.open_base, s.market.lot) > s.n_held:
        return []
    if absent := [intent for intent in _tries(s) if intent.state == "absent"]:
        return [SendAgain(absent[0])]
    if _is_resting(s):
        return []
    return [Grow(s.aim, min(_n_lacking(s), s.n_most))]


def _reduction(s: Situation) -> list[Action]:
    """What is too much of our own, once nobody is in doubt of an earlier order; the rest stays."""
    is_under_way = any(is_exit(order) for order in s.orders) or any(
        intent.leg == "exit" and intent.state == "unknown" for intent in s.unsettled
    )
    if is_under_way or not s.is_decided or not s.has_all_fills or s.is_resting("exit"):
        return []
    n_lots = s.n_own - _n_wanted(s)
    if n_lots <= 0 or is_too_small(s, n_lots):
        return []
    return [PlaceLeg("exit", -s.side, "market", part, None, REBALANCED) for part in in_parts(n_lots, s.n_most)]


def _late_entries(s: Situation) -> list[Action]:
    """What of an entry has not filled is waited for, until its choice is too old or another one has come."""
    is_late = s.aim is None or s.wish is not None or s.now_ms >= s.aim.until_ms
    young = () if is_late else {intent.client_id for intent in _tries(s)}
    waiting = [order for order in s.orders if not order.is_reduce_only and order.client_id not in young]
    return [CancelOrder(order, "exit" if s.wish is not None else "the choice is too old") for order in waiting]


def _tries(s: Situation) -> list[Intent]:
    """Entries that were meant for this aim, in the order of their attempts."""
    if s.aim is None:
        return []
    begin = stem(s.rules.account, s.aim.symbol, s.aim.close_ms, "entry")
    return [intent for intent in s.tries("entry") if intent.client_id.startswith(begin)]


def _n_refused(s: Situation) -> int:
    """How many of this aim's entries came to nothing, refused or expired, since the last one that filled."""
    count = 0
    for intent in reversed(_tries(s)):
        if intent.filled_base > 0 or intent.state not in ("refused", "expired", "cancelled"):
            break
        count += 1
    return count


def _is_resting(s: Situation) -> bool:
    """Whether the last entry was refused so shortly ago that the next has to wait."""
    refused = _n_refused(s)
    if not refused:
        return False
    last = _tries(s)[-1]
    rest_ms = min(s.rules.retry_ms << (refused - 1), s.rules.max_retry_ms)
    return s.now_ms < (last.answered_ms or last.sent_ms) + rest_ms
