"""The same random sequences on a spot market: long only, coins of somebody else beside ours, stop and target as one."""

from contextlib import suppress
from typing import Any

from tests.exchange.faults import FaultSchedule
from tests.exchange.spot.in_process import InProcessSpot
from tests.exchange.spot.model import SpotExchange, random_spot
from tests.live.execution.lives import Life
from tests.live.execution.simulation import BAR_MS, RULES, UNPROTECTED_MS, WALLET, CountingVenue, Sequence

from tradsys.live.venue import OrderRefused, OrderRequest, VenueOrder, VenueRefused, VenueUnknown


class CountingSpot(InProcessSpot, CountingVenue):
    """Counts orders sent, a pair as one."""

    async def place(self, order: OrderRequest) -> Any:
        return await self._counted(InProcessSpot.place(self, order))

    async def place_pair(self, stop: OrderRequest, target: OrderRequest) -> tuple[VenueOrder, VenueOrder]:
        return await self._counted(InProcessSpot.place_pair(self, stop, target))


class SpotSequence(Sequence):
    """One seed's story; in some the account's owner holds coins of his own, and trades them by hand."""

    sides = (1,)
    exchange: SpotExchange

    def _list(self, symbols: tuple[str, ...], faults: FaultSchedule) -> None:
        self.exchange = random_spot(
            self.clock, symbols, seed=self.seed, faults=faults, interval_ms=BAR_MS, volatility=1.5e-3, wallet=WALLET
        )
        self.venue = CountingSpot(self.exchange, seed=self.seed)
        self.has_coins = self.draw.random() < 0.4
        for symbol in symbols if self.has_coins else ():
            self.exchange.give(symbol, 1_000 / self.exchange.state(symbol).price)

    async def _other_hand(self, symbol: str) -> None:
        """The owner buys, or sells some of his own."""
        if not self.has_coins:
            return
        state = self.exchange.state(symbol)
        order = OrderRequest(
            f"hand-{self.clock.now_ms()}", symbol, self.draw.choice((1, -1)), "market",
            state.rules.to_size(max(state.rules.lot, 30 / state.price)),
        )  # fmt: skip
        with suppress(VenueUnknown, OrderRefused, VenueRefused):
            await InProcessSpot.place(self.venue, order)

    def _own(self, symbol: str) -> float:
        """What the bot has bought and not sold, with what it could not sell."""
        books = self.exchange.books
        held = books.own.get(symbol)
        return (held.size if held else 0.0) + books.dust.get(symbol, 0.0)

    def _at_rest(self, life: Life) -> list[str]:
        problems, rows = [], life.executor.trades()
        for symbol, rules in self.markets.items():
            own = sum(r["open_base"] for r in rows if r["symbol"] == symbol)
            if abs(self._own(symbol) - own) > rules.lot / 2:
                problems.append(f"{symbol}: {self._own(symbol)} bought, {own} in the journal")
            state = self.exchange.symbols[symbol]
            guarded = self.exchange.matching.guarded(state).size
            stops = sum(o.left for o in state.open.values() if o.type == "STOP_LOSS")
            if any(r["is_open"] for r in rows if r["symbol"] == symbol) and stops < guarded - rules.lot * 1.5:
                problems.append(f"{symbol}: {guarded} bought, stops of {stops}")
        return problems

    def _positions(self) -> dict[str, float]:
        """Ours that could be sold."""
        found = {name: self.exchange.matching.guarded(state).size for name, state in self.exchange.symbols.items()}
        return {name: size for name, size in found.items() if size}

    def _check_money(self, wallet: float, rows: list[dict[str, Any]]) -> None:
        """Results are of what was sold; what could not be sold was paid for, and is there still."""
        self._none("sold what was not ours", self.exchange.books.oversold)
        left = sum(row["open_base"] * row["entry_price"] for row in rows)
        if not self._other_hands():
            self._same("wallet", wallet, WALLET + sum(row["result_quote"] for row in rows) - left, 1e-3)

    def _allowed_ms(self) -> int:
        """A lost order to sell is waited for until it cannot come any more, where it could sell somebody's coins."""
        return UNPROTECTED_MS + (2 * RULES.grace_ms if self.has_coins else 0)
