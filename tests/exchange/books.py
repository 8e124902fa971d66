"""The account's books: wallet, fees, income and executions, and margin."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count

from tests.exchange.records import BookOrder, Execution, Income
from tests.exchange.symbol import SymbolState


@dataclass(slots=True)
class Books:
    """Money: what came and went is in `income`, so that the wallet is what it began with and their sum."""

    wallet: float = 10_000.0
    taker: float = 0.0005
    maker: float = 0.0002
    executions: list[Execution] = field(default_factory=list)
    income: list[Income] = field(default_factory=list)
    _trade_ids: "count[int]" = field(default_factory=lambda: count(1))
    _income_ids: "count[int]" = field(default_factory=lambda: count(1))

    def earn(self, symbol: str, kind: str, amount: float, now_ms: int, trade_id: int | None = None) -> None:
        """Book a change of the wallet; nothing changes it but this."""
        self.wallet += amount
        self.income.append(Income(next(self._income_ids), symbol, kind, amount, now_ms, trade_id))

    def trade(
        self, state: SymbolState, order: BookOrder, size: float, price: float, is_maker: bool, now_ms: int
    ) -> Execution:
        """Book a fill of an order: position, fee and what was realised."""
        realised = state.holding.fill(order.side * size, price, state.rules.size_decimals)
        state.holding.updated_ms = now_ms
        fee = size * price * (self.maker if is_maker else self.taker)
        trade_id = next(self._trade_ids)
        done = Execution(
            trade_id,
            order.order_id,
            order.client_id,
            state.name,
            order.side,
            size,
            price,
            fee,
            realised,
            is_maker,
            now_ms,
        )
        self.executions.append(done)
        if realised:
            self.earn(state.name, "REALIZED_PNL", realised, now_ms, trade_id)
        self.earn(state.name, "COMMISSION", -fee, now_ms, trade_id)
        return done

    def settle_funding(self, state: SymbolState, now_ms: int) -> float:
        """A long position pays a positive rate on its notional at the mark; returns what was paid."""
        state.settled.append((now_ms, state.funding_rate, state.mark))
        paid = state.holding.size * state.mark * state.funding_rate
        if paid:
            self.earn(state.name, "FUNDING_FEE", -paid, now_ms)
        return paid

    def unrealised(self, symbols: Iterable[SymbolState]) -> float:
        return sum(state.holding.unrealised(state.mark) for state in symbols)

    def available(self, symbols: Iterable[SymbolState]) -> float:
        """What a new order may take as margin: equity less the initial margin of positions."""
        symbols = list(symbols)
        used = sum(state.notional / state.leverage for state in symbols)
        return max(0.0, self.wallet + self.unrealised(symbols) - used)

    def liquidation_price(self, state: SymbolState, symbols: Iterable[SymbolState]) -> float | None:
        """Where a position would be taken away, all other prices being as they are."""
        held, rules = state.holding, state.rules
        if not held.size:
            return None
        if state.margin_type == "isolated":
            return held.liquidation(abs(held.size) * held.entry / state.leverage, rules.maintenance)
        others = [other for other in symbols if other is not state]
        maintenance = sum(other.notional * other.rules.maintenance for other in others)
        return held.liquidation(self.wallet + self.unrealised(others) - maintenance, rules.maintenance)
