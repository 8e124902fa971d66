"""What the executor has noticed since it began, and may forget: when a symbol was last clean, odd or bare."""

from dataclasses import dataclass, field

from tradsys.live.execution.protection import n_missing
from tradsys.live.execution.situation import Situation
from tradsys.live.execution.sizes import of_lots
from tradsys.live.telling import Tell

BARE_MS = 2_000
"""Every position is bare for a moment: what lasts longer than the bound within which a stop is to be there is news."""

STILL_BARE_MS = 300_000
"""Told again after this, while it goes on."""


@dataclass(slots=True)
class Bare:
    """Since when a position has had too little of a stop, how much is missing, and when that was told last."""

    since_ms: int
    size_base: float
    told_ms: int | None = None


@dataclass(slots=True)
class Notices:
    """Times by symbol. Nothing here is needed to be right after a restart: it is noticed again."""

    tell: Tell
    touched_ms: dict[str, int] = field(default_factory=dict)
    """When something was last sent."""
    clean_ms: dict[str, int] = field(default_factory=dict)
    """When the symbol was last seen without position, trade or order of ours; only while it is."""
    odd_since_ms: dict[str, int] = field(default_factory=dict)
    """Since when journal and venue disagree."""
    bare: dict[str, "Bare"] = field(default_factory=dict)
    """Positions that have too little of a stop."""
    unlisted_ms: dict[str, int] = field(default_factory=dict)
    """Since when the venue has refused to tell of a symbol."""
    is_making_room: bool = False
    """Whether positions are made smaller for their aims just now: others are made larger with what that sets free."""
    orphaned: set[str] = field(default_factory=set)
    """Symbols of which nothing is held while orders of ours are open that would reduce it."""

    def see(self, s: Situation) -> int | None:
        """Take a look in; returns since when journal and venue disagree, None where they agree."""
        symbol = s.market.symbol
        if s.held == 0 and s.trade is None and not s.orders and not s.unsettled:
            self.clean_ms[symbol] = s.now_ms
        else:
            self.clean_ms.pop(symbol, None)
        if s.held == 0 and any(order.is_reduce_only for order in s.orders):
            self.orphaned.add(symbol)
        else:
            self.orphaned.discard(symbol)
        self._see_bare(s)
        return _since(self.odd_since_ms, symbol, s.now_ms, not s.is_explained)

    def is_clean(self, symbol: str, now_ms: int, max_age_ms: int) -> bool:
        """Whether the symbol was seen to be empty a moment ago."""
        seen_ms = self.clean_ms.get(symbol)
        return seen_ms is not None and now_ms - seen_ms <= max_age_ms

    def is_urgent(self, symbol: str) -> bool:
        """Whether a position had too little of a stop, or a leg had no position, when the symbol was last seen."""
        return symbol in self.bare or symbol in self.orphaned

    def _see_bare(self, s: Situation) -> None:
        symbol, missing = s.market.symbol, of_lots(n_missing(s), s.market.lot)
        if missing > 0:
            self.bare.setdefault(symbol, Bare(s.now_ms, missing)).size_base = missing
            self.tell_of_bare(symbol, s.now_ms)
            return
        was = self.bare.pop(symbol, None)
        if was is not None and s.held:
            self.tell("protected", {"symbol": symbol, "after_ms": s.now_ms - was.since_ms})

    def tell_of_bare(self, symbol: str, now_ms: int) -> None:
        """Tell of a position that has been bare for longer than it may be, once, and again where it goes on."""
        bare = self.bare.get(symbol)
        if bare is None or now_ms < bare.since_ms + BARE_MS:
            return
        if bare.told_ms is None or now_ms >= bare.told_ms + STILL_BARE_MS:
            bare.told_ms = now_ms
            since = {"since_ms": bare.since_ms, "for_ms": now_ms - bare.since_ms}
            self.tell("unprotected", {"symbol": symbol, "size_base": bare.size_base, **since})


def _since(times: dict[str, int], symbol: str, now_ms: int, is_so: bool) -> int | None:
    if is_so:
        return times.setdefault(symbol, now_ms)
    times.pop(symbol, None)
    return None
