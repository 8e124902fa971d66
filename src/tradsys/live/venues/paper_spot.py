"""The paper account of a spot market: coins instead of positions, nothing borrowed, fees taken in what is bought."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tradsys.live.venue import (
    AccountMode,
    AccountState,
    CoinBalance,
    MarketData,
    MarketRules,
    OrderRefused,
    OrderRequest,
    SpotBalances,
    VenueOrder,
    VenueRefused,
)
from tradsys.live.venues.paper import PaperVenue
from tradsys.live.venues.paper_book import PaperOrder
from tradsys.live.venues.paper_rules import PaperRules, on_step, refuse_impossible
from tradsys.live.venues.paper_spot_fills import NoFunding, SpotFills, end_pair


class PaperSpot(PaperVenue):
    """A simulated spot account over live market data or a tape; orders to sell lock what they would sell."""

    def __init__(self, data: MarketData, rules: PaperRules, interval_ms: int, *, path: Path | str = ":memory:") -> None:
        super().__init__(data, rules, interval_ms, path=path)
        self._fills = SpotFills(self.book, rules)
        self._funding = NoFunding(self.book, data, rules.costs, interval_ms)
        self._asked: set[str] = set()

    async def markets(self, symbols: Collection[str]) -> Mapping[str, MarketRules]:
        """The data's, as rules of a spot market: bars of a tape do not say that they are of one."""
        found = await self._data.markets(symbols)
        self._asked |= set(found)
        return {name: replace(one, can_short=False, sells_lock=True, can_pair=True) for name, one in found.items()}

    async def mode(self, symbols: Collection[str]) -> AccountMode:
        costs, nothing = self._rules.costs, dict.fromkeys(symbols)
        return AccountMode(True, False, False, False, costs.taker_bps, costs.maker_bps, nothing, nothing)

    async def set_leverage(self, symbol: str, leverage: float, margin_type: str) -> None:
        raise VenueRefused(f"{self.name} borrows nothing: {symbol} has no leverage to set")

    async def account(self) -> AccountState:
        async with self._looking:
            await self._look()
            held = {one.symbol: one.size_base for one in self.book.held()}
            coins = [
                CoinBalance(one, held.get(one, 0.0), await self._price(one)) for one in sorted({*held, *self._asked})
            ]
        cash = self.book.wallet
        return AccountState(cash, 0.0, cash - self._bound_quote(), (), SpotBalances(cash, tuple(coins)))

    async def place(self, order: OrderRequest) -> VenueOrder:
        (placed,) = await self._place((order,))
        return placed

    async def place_pair(self, stop: OrderRequest, target: OrderRequest) -> tuple[VenueOrder, VenueOrder]:
        """Both or neither; whatever fills or cancels the one ends the other."""
        if stop.size_base != target.size_base or (stop.side, target.side) != (-1, -1):
            raise OrderRefused(f"{stop.client_id} and {target.client_id} are no pair that sells the same")
        placed = await self._place((stop, target))
        return placed[0], placed[1]

    def _end(self, order: PaperOrder, now_ms: int) -> None:
        """Cancel an open order, and the other one of a pair with it."""
        super()._end(order, now_ms)
        end_pair(self.book, order, "cancelled", now_ms)

    async def _place(self, orders: Sequence[OrderRequest]) -> list[VenueOrder]:
        async with self._looking:
            symbol = orders[0].symbol
            rules = (await self.markets([symbol]))[symbol]
            now = await self._look(symbol)
            price = await self._price_for(orders[0])
            self._touch(symbol, now)
            for order in orders:
                # nothing only reduces here: the smallest order is the smallest of those that sell, too
                refuse_impossible(replace(order, is_reduce_only=False), rules, price)
                self._refuse_for_account(order, rules, price)
            if len(orders) > 1 and not price < (orders[1].price or 0.0):
                raise OrderRefused(f"{orders[1].client_id} at {orders[1].price} is not above the price, {price:g}")
            with self.book.change():
                sized = [replace(order, size_base=on_step(order.size_base, rules.lot)) for order in orders]
                placed = [self._placed(order, price, now) for order in sized]
                if len(placed) > 1:
                    placed = [replace(one, pair_id=placed[0].number) for one in placed]
                    for one in placed:
                        self.book.write(one)
                placed = self._caught_up(placed)
            self._hint(symbol)
            return [one.told() for one in placed]

    def _refuse_for_account(self, order: OrderRequest, rules: MarketRules, price: float) -> None:
        """OrderRefused where the account does not allow it."""
        of, waiting = f"order {order.client_id} on {order.symbol}", self.book.open_orders(order.symbol)
        if any(one.client_id == order.client_id for one in waiting):
            raise OrderRefused(f"{of}: an open order has this client id already")
        free = self.book.holding(order.symbol).size_base - _locked_base(waiting)
        if order.side < 0 and order.size_base > free + 1e-12:
            raise OrderRefused(f"{of}: the balance is insufficient, {order.size_base:g} to sell and {free:g} free")
        needed, cash = order.size_base * (order.price or price), self.book.wallet - self._bound_quote()
        if order.side > 0 and needed > cash:
            raise OrderRefused(f"{of}: the balance is insufficient, {needed:.2f} needed and {cash:.2f} free")

    def _bound_quote(self) -> float:
        """Money that orders to buy hold back."""
        return sum(one.left_base * (one.price or one.seen_price) for one in self.book.open_orders() if one.side > 0)


def _locked_base(orders: Sequence[PaperOrder]) -> float:
    """Coins that orders to sell hold back; the two of a pair hold the same."""
    firsts = {one.pair_id or one.number: one.left_base for one in orders if one.side < 0}
    return sum(firsts.values())
