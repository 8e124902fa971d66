"""What the executor has noticed since it began, and may forget: when a symbol was last clean, odd or bare."""

from dataclasses import dataclass, field

from tradsys.live.execution.protection import n_missing
from tradsys.live.execution.situation import Situation
from tradsys.live.execution.sizes import of_lots
from tradsys.live.telling import Tell


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
    bare_since_ms: dict[str, int] = field(default_factory=dict)
    """Since when a position has had too little of a stop."""
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
        return symbol in self.bare_since_ms or symbol in self.orphaned

    def _see_bare(self, s: Situation) -> None:
        symbol, missing = s.market.symbol, n_missing(s)
        was = self.bare_since_ms.get(symbol)
        now = _since(self.bare_since_ms, symbol, s.now_ms, missing > 0)
        if was is None and now is not None:
            self.tell("unprotected", {"symbol": symbol, "size_base": of_lots(missing, s.market.lot)})
        elif was is not None and now is None and s.held:
            self.tell("protected", {"symbol": symbol, "after_ms": s.now_ms - was})


def _since(times: dict[str, int], symbol: str, now_ms: int, is_so: bool) -> int | None:
    if is_so:
        return times.setdefault(symbol, now_ms)
    times.pop(symbol, None)
    return None
