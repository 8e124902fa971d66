"""What is asked of Binance's spot market in every part: its markets, whose money it is, and which id an order has."""

from collections.abc import Collection, Mapping
from typing import Any

from tradsys.live.clock import Clock
from tradsys.live.telling import Tell
from tradsys.live.venue import MarketRules, OrderStatus, VenueOrder, VenueRefused
from tradsys.live.venues import binance_spot_reading as reading
from tradsys.live.venues.ccxt_venue import TIMEOUT_S, CcxtApi, CcxtVenue, Keys, Refusal, readable
from tradsys.live.venues.listing import ListedMarket
from tradsys.live.venues.transport import Transport

NAME = "binance-spot"
MOST_KEPT = 20_000


class BinanceSpotClient(CcxtVenue):
    """The spot market through ccxt; money is the quote currency of the symbols that were asked for."""

    def __init__(
        self,
        *,
        keys: Keys | None = None,
        url: str | None = None,
        transport: Transport | None = None,
        timeout_s: float = TIMEOUT_S,
        clock: Clock | None = None,
        tell: Tell | None = None,
    ) -> None:
        wording = reading.BinanceSpotWording()
        api = CcxtApi("binance", wording, keys=keys, url=url, transport=transport, timeout_s=timeout_s, clock=clock)
        super().__init__(NAME, api, tell)
        self._without_stops: frozenset[str] = frozenset()
        self._client_ids: dict[tuple[str, str], str] = {}
        self.unpriced: set[str] = set()

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
        """The asset that money is counted in."""
        quotes = {
            self.listings.find(self.listings.name(one)).symbol.partition("/")[2] for one in self.listings.asked_ids
        }
        if len(quotes) > 1:
            raise VenueRefused(f"{NAME}: money is counted in one currency, found {', '.join(sorted(quotes))}")
        return quotes.pop() if quotes else "USDT"

    def seen(self, row: dict[str, Any], symbol: str, otherwise: OrderStatus | None = None) -> VenueOrder:
        """An order; which id of ours its own stands for is remembered for its fills."""
        order = reading.order(row, symbol, otherwise)
        self._client_ids[row["symbol"], str(row["orderId"])] = order.client_id
        while len(self._client_ids) > MOST_KEPT:
            del self._client_ids[next(iter(self._client_ids))]
        return order

    async def client_id(self, symbol: str, market_id: str, order_id: str) -> str:
        """The client id of an order by its id at the venue; "" where the venue has forgotten it."""
        if (market_id, order_id) not in self._client_ids:
            row = await self.or_none("privateGetOrder", symbol=market_id, orderId=order_id)
            if row is None:
                return ""
            with readable(self.name, "an order"):
                self.seen(row, symbol, "open")
        return self._client_ids[market_id, order_id]

    async def or_none(self, endpoint: str, **params: Any) -> Any:
        """The answer to a signed question, None where the venue says that there is no such order."""
        try:
            return await self.api.signed(endpoint, **params)
        except Refusal as error:
            said = error
        if said.code == reading.NOT_THERE:
            return None
        raise VenueRefused(f"{self.name} refused {endpoint} ({said})")

    async def _listed(self) -> Collection[Any]:
        body = await self.ask_public("publicGetExchangeInfo", showPermissionSets="false")
        with readable(self.name, "its markets"):
            rows = list(body["symbols"])
            self._without_stops = frozenset(row["symbol"] for row in rows if not reading.has_stops(row))
            return rows

    def _listing(self, row: Any) -> ListedMarket:
        return reading.listing(row)
