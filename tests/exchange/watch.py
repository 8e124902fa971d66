"""The exchange's own invariants: ids seen twice, orders that outlive their position, time without protection."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.exchange.holding import Holding
from tests.exchange.records import BookOrder


def covers(order: BookOrder, size: float) -> bool:
    """Whether an open order protects a position of that signed size: a stop that waits, or an exit under way."""
    is_exit = order.reduce_only and order.side * size < 0
    return is_exit and (order.type in ("STOP_MARKET", "STOP_LOSS") or (order.type == "MARKET" and not order.is_algo))


@dataclass(slots=True)
class Bare:
    """Since when a state that should not be has been, and the longest that it ever was, while the bot was up."""

    since_ms: int | None = None
    worst_ms: int = 0

    def see(self, is_so: bool, now_ms: int, is_up: bool) -> None:
        if self.since_ms is not None and is_up:
            self.worst_ms = max(self.worst_ms, now_ms - self.since_ms)
        if not is_so:
            self.since_ms = None
        elif self.since_ms is None:
            self.since_ms = now_ms


@dataclass(slots=True)
class Watch:
    """Measures continuously; while the bot is down nothing but duplicates is held against it.

    `orphan_after_ms` is how long a reduce-only order may be left after the position has gone.
    """

    orphan_after_ms: int = 5_000
    is_up: bool = True
    ids: Counter[str] = field(default_factory=Counter)
    bare: dict[str, Bare] = field(default_factory=dict)
    left: dict[int, tuple[str, str, Bare]] = field(default_factory=dict)

    def accepted(self, client_id: str) -> None:
        self.ids[client_id] += 1

    def see(self, symbol: str, holding: Holding, orders: Iterable[BookOrder], now_ms: int) -> None:
        """To be told of after every change of a symbol's position or orders."""
        orders = list(orders)
        cover = sum(order.left for order in orders if covers(order, holding.size))
        is_bare = bool(holding.size) and cover < abs(holding.size) - 1e-9
        self.bare.setdefault(symbol, Bare()).see(is_bare, now_ms, self.is_up)
        open_now = {order.order_id for order in orders if order.reduce_only and not holding.size}
        for order in orders:
            if order.order_id in open_now and order.order_id not in self.left:
                self.left[order.order_id] = (symbol, order.client_id, Bare())
        for order_id, (of, _, state) in list(self.left.items()):
            if of == symbol:
                state.see(order_id in open_now, now_ms, self.is_up)
                if order_id not in open_now and state.worst_ms <= self.orphan_after_ms:
                    del self.left[order_id]

    def turn(self, is_up: bool, now_ms: int) -> None:
        """The bot went down or came up: what goes on at that moment is measured up to it, or from it on."""
        for state in [*self.bare.values(), *(state for _, _, state in self.left.values())]:
            is_so = state.since_ms is not None
            state.see(is_so, now_ms, self.is_up)
            state.since_ms = now_ms if is_so else None
        self.is_up = is_up

    def duplicates(self) -> list[str]:
        """Client ids under which more than one order was accepted."""
        return sorted(name for name, n in self.ids.items() if n > 1)

    def orphans(self, now_ms: int) -> list[str]:
        """Reduce-only orders that were open longer than is allowed without a position, while the bot was up."""
        return sorted(name for _, name, b in self.left.values() if self._longest(b, now_ms) > self.orphan_after_ms)

    def unprotected_ms(self, now_ms: int) -> dict[str, int]:
        """By symbol the longest time that a position was without stops of its full size, while the bot was up."""
        return {symbol: self._longest(state, now_ms) for symbol, state in sorted(self.bare.items())}

    def _longest(self, state: Bare, now_ms: int) -> int:
        goes_on = self.is_up and state.since_ms is not None
        return max(state.worst_ms, now_ms - state.since_ms if goes_on else 0)
