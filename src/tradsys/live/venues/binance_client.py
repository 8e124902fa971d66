"""What is asked of Binance's USD-M futures in every part: its markets, its orders, and which id an order has here."""

import asyncio
from collections.abc import Collection, Mapping
from typing import Any

from tradsys.core.time import format_step
from tradsys.live.clock import Clock
from tradsys.live.telling import Tell
from tradsys.live.venue import OrderStatus, VenueOrder, VenueRefused, VenueUnknown
from tradsys.live.venues import binance_reading as reading
from tradsys.live.venues.ccxt_venue import TIMEOUT_S, CcxtApi, CcxtVenue, Keys, Refusal, readable
from tradsys.live.venues.listing import ListedMarket
from tradsys.live.venues.transport import Transport

INTERVALS = ("1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w")
MOST_ROWS = 1_000
MOST_KEPT = 20_000


class BinanceClient(CcxtVenue):
    """USD-M futures through ccxt, with money in `quote`."""

    def __init__(
        self,
        *,
        keys: Keys | None = None,
        url: str | None = None,
        transport: Transport | None = None,
        timeout_s: float = TIMEOUT_S,
        clock: Clock | None = None,
        quote: str = "USDT",
        tell: Tell | None = None,
    ) -> None:
        api = CcxtApi(
            "binanceusdm",
            reading.BinanceWording(),
            keys=keys,
            url=url,
            transport=transport,
            timeout_s=timeout_s,
            clock=clock,
        )
        super().__init__("binanceusdm", api, tell)
        self._quote = quote
        self.became_of: dict[tuple[str, str], str] = {}
        self.unpriced: set[str] = set()
        self.fee_rates: dict[str, tuple[float, float]] = {}

    @property
    def quote(self) -> str:
        """The asset that money is counted in."""
        return self._quote

    async def client_ids(self, symbol: str, market_id: str, traded_ms: Mapping[str, int]) -> dict[str, str]:
        """Client ids of orders by their ids at the venue, given with when they traded.

        Of one that was conditional it is the id that it waited under; "" where the venue has forgotten the order.
        """
        if missing := {one for one in traded_ms if (market_id, one) not in self.became_of}:
            await self._learn_triggered(market_id, min(traded_ms.values()))
            asked = [one for one in sorted(missing) if (market_id, one) not in self.became_of]
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
        return names | {one: self.became_of[market_id, one] for one in traded_ms if (market_id, one) in self.became_of}

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

    def remember(self, market_id: str, order_id: str, client_id: str) -> None:
        """Keep which id an order has here, and of the oldest ones no more than there is use for."""
        self.became_of[market_id, order_id] = client_id
        while len(self.became_of) > MOST_KEPT:
            del self.became_of[next(iter(self.became_of))]

    def seen(self, row: dict[str, Any], symbol: str, otherwise: OrderStatus | None = None) -> VenueOrder:
        """An order; which id of ours its own stands for is remembered for its fills.

        Of one that was conditional only the conditional one can tell: that is asked for again until it does.
        """
        order, place = reading.order(row, symbol, otherwise), (row["symbol"], str(row["orderId"]))
        if order.kind != "stop" and place not in self.became_of:
            self.remember(*place, order.client_id)
        return order

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
        body = await self.ask_public("fapiPublicGetExchangeInfo")
        with readable(self.name, "its markets"):
            return list(body["symbols"])

    def _listing(self, row: Any) -> ListedMarket:
        return reading.listing(row)


def interval_name(interval_ms: int) -> str:
    """Binance's name of a bar's length.

    >>> interval_name(900_000), interval_name(604_800_000)
    ('15m', '1w')
    """
    name = {"7d": "1w"}.get(text := format_step(interval_ms), text)
    if name not in INTERVALS:
        raise VenueRefused(f"Binance has no bars of {name}, it has {', '.join(INTERVALS)}")
    return name
