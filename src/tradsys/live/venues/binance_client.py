"""What is asked of Binance's USD-M futures in every part: its markets, its orders, and which id an order has here."""

import asyncio
from collections.abc import Collection, Mapping
from typing import Any, Unpack

from tradsys.live.telling import Tell
from tradsys.live.venue import OrderStatus, VenueOrder, VenueUnknown
from tradsys.live.venues import binance_reading as reading
from tradsys.live.venues.binance_venue import BinanceVenue
from tradsys.live.venues.ccxt_venue import ApiOptions, readable
from tradsys.live.venues.listing import ListedMarket

MOST_ROWS = 1_000


class BinanceClient(BinanceVenue):
    """USD-M futures through ccxt, with money in `quote`."""

    KLINES = "fapiPublicGetKlines"
    MOST_BARS = 1_500
    MAKER = "maker"
    REGULAR = (0.0002, 0.0005)

    def __init__(self, *, quote: str = "USDT", tell: Tell | None = None, **api: Unpack[ApiOptions]) -> None:
        super().__init__("binanceusdm", "binanceusdm", reading.BinanceWording(), tell, **api)
        self._quote = quote

    @property
    def quote(self) -> str:
        return self._quote

    async def client_ids(self, symbol: str, market_id: str, traded_ms: Mapping[str, int]) -> dict[str, str]:
        """Client ids of orders by their ids at the venue, given with when they traded.

        Of one that was conditional it is the id that it waited under; "" where the venue has forgotten the order.
        """
        if missing := {one for one in traded_ms if (market_id, one) not in self.known_ids}:
            await self._learn_triggered(market_id, min(traded_ms.values()))
            asked = [one for one in sorted(missing) if (market_id, one) not in self.known_ids]
            rows = await asyncio.gather(
                *(self.or_none("fapiPrivateGetOrder", symbol=market_id, orderId=one) for one in asked)
            )
            with readable(self.name, "an order"):
                orders = {one: row and self.seen(row, symbol, "open") for one, row in zip(asked, rows, strict=True)}
            told_ms = await self.api.now_ms() - reading.TOLD_WITHIN_MS
            for one, order in orders.items():
                if traded_ms[one] > told_ms and (order is None or order.kind == "stop"):
                    raise VenueUnknown(f"{self.name} told an execution, and not yet of which order ({one})")
        else:
            orders = {}
        names = {one: order.client_id if order else "" for one, order in orders.items()}
        return names | {one: self.known_ids[market_id, one] for one in traded_ms if (market_id, one) in self.known_ids}

    async def _learn_triggered(self, market_id: str, start_ms: int) -> None:
        """Which orders were conditional ones: those placed from a week before on, when they may have been placed."""
        for week_ms in range(max(start_ms - reading.WEEK_MS, 0), await self.api.now_ms() + 1, reading.WEEK_MS):
            rows = await self.ask_signed(
                "fapiPrivateGetAllAlgoOrders",
                symbol=market_id,
                startTime=week_ms,
                endTime=week_ms + reading.WEEK_MS - 1,
                limit=MOST_ROWS,
            )
            with readable(self.name, "conditional orders"):
                for row in rows:
                    if actual := reading.became(row):
                        self.remember(market_id, actual, row["clientAlgoId"])

    def seen(self, row: dict[str, Any], symbol: str, otherwise: OrderStatus | None = None) -> VenueOrder:
        """An order; which id of ours its own stands for is remembered for its fills.

        Of one that was conditional only the conditional one can tell: that is asked for again until it does.
        """
        order, place = reading.order(row, symbol, otherwise), (row["symbol"], str(row["orderId"]))
        if order.kind != "stop" and place not in self.known_ids:
            self.remember(*place, order.client_id)
        return order

    async def read_fee_rates(self, market_id: str) -> tuple[float, float]:
        row = await self.ask_signed("fapiPrivateGetCommissionRate", symbol=market_id)
        with readable(self.name, "the account's fees"):
            return float(row["makerCommissionRate"]), float(row["takerCommissionRate"])

    async def _listed(self) -> Collection[Any]:
        body = await self.ask_public("fapiPublicGetExchangeInfo")
        with readable(self.name, "its markets"):
            return list(body["symbols"])

    def _listing(self, row: Any) -> ListedMarket:
        return reading.listing(row)
