"""One symbol of the exchange: its price, position, open orders, settings and bars."""

from dataclasses import dataclass, field

from tests.exchange import refusals
from tests.exchange.holding import Holding
from tests.exchange.records import BookOrder
from tests.exchange.rules import SymbolRules
from tests.exchange.tape import BarBook


@dataclass(slots=True)
class SymbolState:
    """What is so now; the mark is the last price and `mark_gap`. Settled funding is (time, rate, mark)."""

    rules: SymbolRules
    price: float
    bars: BarBook
    mark_gap: float = 0.0
    holding: Holding = field(default_factory=Holding)
    open: dict[int, BookOrder] = field(default_factory=dict)
    by_id: dict[tuple[str, bool], BookOrder] = field(default_factory=dict)
    history: dict[int, BookOrder] = field(default_factory=dict)
    status: str = "TRADING"
    leverage: int = 20
    margin_type: str = "cross"
    funding_rate: float = 0.0001
    settled: list[tuple[int, float, float]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.rules.symbol

    @property
    def mark(self) -> float:
        """What margin, bands and funding go by; triggers and fills go by the last price."""
        return self.price + self.mark_gap

    @property
    def notional(self) -> float:
        return abs(self.holding.size) * self.mark

    def check_is_trading(self) -> None:
        if self.status != "TRADING":
            raise refusals.not_trading()

    def has_open(self, client_id: str, is_algo: bool) -> bool:
        found = self.by_id.get((client_id, is_algo))
        return found is not None and found.is_open

    def remember(self, order: BookOrder) -> None:
        self.history[order.order_id] = order
        self.by_id[(order.client_id, order.is_algo)] = order
        self.open[order.order_id] = order

    def close(self, order: BookOrder, status: str, now_ms: int) -> None:
        order.status, order.updated_ms = status, now_ms
        self.open.pop(order.order_id, None)

    def n_open(self, is_algo: bool) -> int:
        return sum(order.is_algo == is_algo for order in self.open.values())

    def forget(self, before_ms: int) -> None:
        """Forget, as Binance does, what never filled and ended before a time."""
        ended = [o for o in self.history.values() if not o.is_open and not o.filled and o.updated_ms < before_ms]
        for order in ended:
            del self.history[order.order_id]
            if self.by_id.get((order.client_id, order.is_algo)) is order:
                del self.by_id[(order.client_id, order.is_algo)]
