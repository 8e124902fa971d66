"""The books of a spot account: money, coins, and fees taken in what was bought."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.exchange.books import Books
from tests.exchange.holding import Holding
from tests.exchange.records import BookOrder, Execution
from tests.exchange.symbol import SymbolState

COIN_DECIMALS = 8
HANDS = "hand-"
"""How client ids of orders begin that somebody places by hand, beside the bot."""


def coin_of(symbol: str) -> str:
    return symbol.removesuffix("USDT")


@dataclass
class SpotBooks(Books):
    """`wallet` is all the money, `SymbolState.holding` all the coins of a symbol.

    `own` is what the bot has bought and not sold, `dust` what was less than a lot when it sold the rest. `oversold`
    names orders of the bot that sold coins which were not its own: there must be none.
    """

    taker: float = 0.001
    maker: float = 0.001
    own: dict[str, Holding] = field(default_factory=dict)
    dust: dict[str, float] = field(default_factory=dict)
    oversold: list[str] = field(default_factory=list)

    def trade(
        self, state: SymbolState, order: BookOrder, size: float, price: float, is_maker: bool, now_ms: int
    ) -> Execution:
        """A buyer pays in the coin, a seller in money."""
        is_buy, rate = order.side > 0, self.maker if is_maker else self.taker
        fee = int(size * rate * 1e8) / 1e8 if is_buy else size * price * rate
        change = size - fee if is_buy else -size
        state.holding.fill(change, price, COIN_DECIMALS)
        if not order.client_id.startswith(HANDS):
            self._book_own(state, order, change, price)
        trade_id = next(self._trade_ids)
        asset = coin_of(state.name) if is_buy else "USDT"
        done = Execution(
            trade_id, order.order_id, order.client_id, state.name, order.side, size, price, fee, 0.0, is_maker, now_ms,
            asset,
        )  # fmt: skip
        self.executions.append(done)
        self.earn(state.name, "TRADE", -order.side * size * price - (0.0 if is_buy else fee), now_ms, trade_id)
        return done

    def _book_own(self, state: SymbolState, order: BookOrder, change: float, price: float) -> None:
        own = self.own.setdefault(state.name, Holding())
        dust = self.dust.get(state.name, 0.0)
        if order.side < 0 and own.size + change < 0 < dust:  # too little before, now sold with the rest of its trade
            taken = min(dust, -own.size - change)
            self.dust[state.name] = dust - taken
            change += taken
        own.fill(change, price, COIN_DECIMALS)
        if own.size < -1e-9:
            self.oversold.append(order.client_id)
        if order.side < 0 and own.size < state.rules.lot * (1 - 1e-6):
            self.dust[state.name] = self.dust.get(state.name, 0.0) + own.size
            self.own[state.name] = Holding()

    def settle_funding(self, state: SymbolState, now_ms: int) -> float:
        """Nobody pays for holding coins."""
        return 0.0

    def unrealised(self, symbols: Iterable[SymbolState]) -> float:
        return 0.0

    def available(self, symbols: Iterable[SymbolState]) -> float:
        """Money that no order to buy locks."""
        bids = [o for state in symbols for o in state.open.values() if o.side > 0]
        return self.wallet - sum(o.left * (o.level or 0.0) for o in bids)

    def liquidation_price(self, state: SymbolState, symbols: Iterable[SymbolState]) -> float | None:
        return None


def locked_base(state: SymbolState) -> float:
    """Coins that orders to sell hold back; the two of a pair hold the same ones."""
    sells = [order for order in state.open.values() if order.side < 0]
    pairs: dict[int, float] = {}
    for order in sells:
        if order.pair_id:
            pairs[order.pair_id] = max(pairs.get(order.pair_id, 0.0), order.left)
    return sum(order.left for order in sells if not order.pair_id) + sum(pairs.values())
