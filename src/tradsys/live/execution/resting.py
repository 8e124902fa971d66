"""Entries that rest in the book: until when they are waited for, and why one is taken back before."""

from tradsys.live.execution.intent import MISSED, WITHDRAWN
from tradsys.live.execution.leaving import why_leave
from tradsys.live.execution.protection import is_too_small, n_missing
from tradsys.live.execution.situation import Situation


def why_taken_back(s: Situation) -> str | None:
    """Why what is left of an entry may not rest any longer, None while it may.

    Whatever it fills begins or enlarges a position: so it goes as soon as nothing may be entered, and as soon as
    anything of the position is left, which a late fill would bring back.
    """
    assert s.trade is not None and s.trade.rests_until_ms is not None  # who asks has looked
    if s.now_ms >= s.trade.rests_until_ms:
        return "it has rested its time"
    if s.wish is not None:
        return "exit"
    if not s.may_enter:
        return "nothing may be entered"
    if s.sums.closed_base > 0:
        return "what it opened is being closed"
    if not s.held:
        return None
    if not s.is_own:
        return "somebody else holds the other side"
    if (why := why_leave(s)) is not None:
        return why
    return "what it has filled is too small to be protected" if _is_bare_dust(s) else None


def unfilled_end(s: Situation) -> str | None:
    """Why a trade is over of whose entry nothing was filled; None where the entry's own state says it."""
    if not s.is_unfilled:
        return None
    assert s.trade is not None and s.trade.rests_until_ms is not None  # it rested
    return MISSED if s.now_ms >= s.trade.rests_until_ms else WITHDRAWN


def _is_bare_dust(s: Situation) -> bool:
    """Whether no stop can be placed, and more that would make it large enough has not come for a moment."""
    filled_ms = s.sums.last_ms
    is_bare = n_missing(s) > 0 and is_too_small(s, s.n_held)
    return is_bare and (filled_ms is None or s.now_ms >= filled_ms + s.rules.unsure_ms)
