"""What is asked of Binance's spot market in every part: its markets, whose money it is, and which id an order has."""

from collections.abc import Collection, Mapping
from typing import Any, Unpack

from tradsys.live.telling import Tell
from tradsys.live.venue import MarketRules, OrderStatus, VenueOrder, VenueRefused
from tradsys.live.venues import binance_spot_reading as reading
from tradsys.live.venues.binance_venue import BinanceVenue
from tradsys.live.venues.ccxt_venue import ApiOptions, readable
from tradsys.live.venues.listing import ListedMarket

NAME = "binance-spot"


class BinanceSpotClient(BinanceVenue):
    """The spot market through ccxt; money is the quote currency of the symbols that were asked for."""

    KLINES = "publicGetKlines"
    MOST_BARS = 1_000
    MAKER = "isMaker"
    REGULAR = (0.001, 0.001)

    def __init__(self, *, tell: Tell | None = None, **api: Unpack[ApiOptions]) -> None:
        super().__init__(NAME, "binance", reading.BinanceSpotWording(), tell, **api)
        self._without_stops: frozenset[str] = frozenset()

    async def markets(self, symbols: Collection[str]) -> Mapping[str, MarketRules]:
        """The rules of each; one whose stops cannot sell at the market is refused, since nothing would protect it."""
        found = await super().markets(symbols)
        for symbol in symbols:
            if (market_id := self.listings.find(symbol).market_id) in self._without_stops:
                raise VenueRefused(
                    f"{NAME} takes no STOP_LOSS orders of {market_id}: a position could not be protected"
                )
        return found

    @property
    def quote(self) -> str:
        quotes = {
            self.listings.find(self.listings.name(one)).symbol.partition("/")[2] for one in self.listings.asked_ids
        }
        if len(quotes) > 1:
            raise VenueRefused(f"{NAME}: money is counted in one currency, found {', '.join(sorted(quotes))}")
        return quotes.pop() if quotes else "USDT"

    def seen(self, row: dict[str, Any], symbol: str, otherwise: OrderStatus | None = None) -> VenueOrder:
        """An order; which id of ours its own stands for is remembered for its fills."""
        order = reading.order(row, symbol, otherwise)
        self.remember(row["symbol"], str(row["orderId"]), order.client_id)
        return order

    async def client_id(self, symbol: str, market_id: str, order_id: str) -> str:
        """The client id of an order by its id at the venue; "" where the venue has forgotten it."""
        if (market_id, order_id) not in self.known_ids:
            row = await self.or_none("privateGetOrder", symbol=market_id, orderId=order_id)
            if row is None:
                return ""
            with readable(self.name, "an order"):
                self.seen(row, symbol, "open")
        return self.known_ids[market_id, order_id]

    async def read_fee_rates(self, market_id: str) -> tuple[float, float]:
        told = await self.ask_signed("privateGetAccountCommission", symbol=market_id)
        with readable(self.name, "the account's fees"):
            return reading.fee_rate(told, "maker"), reading.fee_rate(told, "taker")

    async def _listed(self) -> Collection[Any]:
        body = await self.ask_public("publicGetExchangeInfo", showPermissionSets="false")
        with readable(self.name, "its markets"):
            rows = list(body["symbols"])
            self._without_stops = frozenset(row["symbol"] for row in rows if not reading.has_stops(row))
            return rows

    def _listing(self, row: Any) -> ListedMarket:
        return reading.listing(row)
