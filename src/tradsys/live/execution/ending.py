"""When a trade is over: nothing is held of it any more, and the fills say so too, or have not come for long."""

from tradsys.live.execution.actions import Action, EndTrade
from tradsys.live.execution.resting import unfilled_end
from tradsys.live.execution.situation import Situation
from tradsys.live.execution.sizes import in_lots


def ended(s: Situation) -> list[Action]:
    """Flat with nothing left at the venue: over, once the fills say so too, or have not come for long."""
    if not s.is_explained:
        return [EndTrade("unknown")] if has_lasted(s, s.rules.settle_ms) else []
    entries = s.tries("entry")
    if s.sums.opened_base == 0 and entries:
        return [EndTrade(unfilled_end(s) or entries[-1].state)]
    return [EndTrade(None if s.sums.exit_reason else s.sums.last_reason)]  # less than a lot may be left of coins


def is_closed(s: Situation) -> bool:
    """The fills say that the trade is over, though the venue's position does not, or not yet."""
    is_over = s.sums.opened_base > 0 and in_lots(s.sums.open_base, s.market.lot) == 0
    return is_over and s.is_decided and s.has_entry_fills


def has_lasted(s: Situation, wait_ms: int) -> bool:
    """Whether journal and venue have disagreed for so long."""
    return s.since_ms is not None and s.now_ms >= s.since_ms + wait_ms
