"""What Binance's futures and its spot market do alike: bars, prices, streams of bars, ids of orders, fees."""

from abc import abstractmethod
from collections.abc import AsyncIterator, Awaitable, Collection, Mapping, Sequence
from typing import Any, ClassVar, Final, Unpack

from tradsys.core.time import format_step
from tradsys.live.telling import Tell
from tradsys.live.venue import (
    Hint,
    Kline,
    OrderKind,
    OrderRefused,
    OrderRequest,
    VenueOrder,
    VenueRefused,
    VenueUnknown,
)
from tradsys.live.venues.binance_reading import NOT_OPEN, NOT_THERE, TOLD_WITHIN_MS, kline
from tradsys.live.venues.ccxt_venue import ApiOptions, CcxtApi, CcxtVenue, Refusal, VenueWording, readable
from tradsys.live.venues.transport import Talk

INTERVALS: Final = ("1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w")
MOST_KEPT: Final = 20_000
MINUTE_MS: Final = 60_000
NO_SUCH_SYMBOL: Final = "-1121"
SILENT_S: Final = 60.0
"""Bars are told every second or two: a market stream that is silent for this long is dead."""


class BinanceVenue(CcxtVenue):
    """One of Binance's markets through ccxt: what differs are names, numbers, and what is abstract here."""

    KLINES: ClassVar[str]
    """Endpoint of the bars, of which MOST_BARS come at once."""
    MOST_BARS: ClassVar[int]
    MAKER: ClassVar[str]
    """What an execution calls it that the order was waiting in the book."""
    REGULAR: ClassVar[tuple[float, float]]
    """Maker's and taker's rate of an account without a tier, for where the account's own are refused."""

    def __init__(
        self, name: str, exchange: str, wording: VenueWording, tell: Tell | None, **api: Unpack[ApiOptions]
    ) -> None:
        super().__init__(name, CcxtApi(exchange, wording, **api), tell)
        self.unpriced: set[str] = set()
        self.fee_rates: dict[str, tuple[float, float]] = {}
        self._client_ids: dict[tuple[str, str], str] = {}

    @property
    @abstractmethod
    def quote(self) -> str:
        """The asset that money is counted in."""

    @abstractmethod
    async def read_fee_rates(self, market_id: str) -> tuple[float, float]:
        """Maker's and taker's rate of the account; a VenueRefused where they are not told."""

    @abstractmethod
    async def order(self, symbol: str, client_id: str, kind: OrderKind) -> VenueOrder | None: ...

    async def server_time_ms(self) -> int:
        return await self.api.server_time_ms()

    async def klines(self, symbol: str, interval_ms: int, start_ms: int, *, limit: int = 1_000) -> Sequence[Kline]:
        rows = await self.ask_public(
            self.KLINES,
            symbol=(await self.listing(symbol)).market_id,
            interval=interval_name(interval_ms),
            startTime=start_ms,
            limit=min(limit, self.MOST_BARS),
        )
        with readable(self.name, "bars"):
            return [kline(row) for row in rows]

    async def asset_price(self, asset: str, minute_ms: int) -> float | None:
        """What an asset cost last in that minute; a VenueUnknown until that is told, None where it never will be."""
        try:
            bars = await self.api.public(
                self.KLINES, symbol=f"{asset}{self.quote}", interval="1m", startTime=minute_ms, limit=1
            )
        except Refusal as error:
            if error.code == NO_SUCH_SYMBOL:
                self.unpriced.add(asset)
            return None
        with readable(self.name, f"the price of {asset}"):
            if bars and int(bars[0][0]) == minute_ms:
                return float(bars[0][4])
        if await self.api.now_ms() <= minute_ms + MINUTE_MS + TOLD_WITHIN_MS:
            raise VenueUnknown(f"{self.name} has no price of {asset} yet, in which a fee was paid")
        return None

    async def bar_hints(self, base: str, symbols: Collection[str], interval_ms: int) -> AsyncIterator[Hint]:
        """A hint for each bar that closes, from the stream of them at this address."""
        name = interval_name(interval_ms)
        symbol_of = {(await self.listing(symbol)).market_id: symbol for symbol in symbols}
        streams = "/".join(f"{market_id.lower()}@kline_{name}" for market_id in symbol_of)
        async for message in self.api.transport.messages(f"{base}/stream?streams={streams}", Talk(silent_s=SILENT_S)):
            with readable(self.name, "a message of the stream"):
                bar = message.get("data", message).get("k")
                closed = [Hint("bar", symbol_of[bar["s"]], int(bar["t"]))] if bar and bar["x"] else []
            for hint in closed:
                yield hint

    def stream_base(self, usual: str) -> str:
        """Streams of a venue that was moved are where its REST is."""
        return usual if self.api.url is None else "ws" + self.api.url.removeprefix("http")

    async def or_none(self, endpoint: str, **params: Any) -> Any:
        """The answer to a signed question, None where the venue says that there is no such order."""
        try:
            return await self.api.signed(endpoint, **params)
        except Refusal as error:
            said = error
        if said.code == NOT_THERE:
            return None
        raise VenueRefused(f"{self.name} refused {endpoint} ({said})")

    def remember(self, market_id: str, order_id: str, client_id: str) -> None:
        """Keep which id an order has here, and of the oldest ones no more than there is use for."""
        self._client_ids[market_id, order_id] = client_id
        while len(self._client_ids) > MOST_KEPT:
            del self._client_ids[next(iter(self._client_ids))]

    @property
    def known_ids(self) -> Mapping[tuple[str, str], str]:
        """Client ids by market and the order's id at the venue, as far as they were seen."""
        return self._client_ids

    async def _cancelled(self, asked: Awaitable[Any], client_id: str) -> None:
        """Nothing where the order is cancelled, or is not open; a VenueRefused otherwise."""
        try:
            await asked
            return
        except Refusal as error:
            said = error
        if said.code not in NOT_OPEN:
            raise VenueRefused(f"{self.name} refused to cancel {client_id} ({said})")

    async def _already(self, order: OrderRequest) -> VenueOrder:
        """The open order that keeps this id from being used again: it is this one, sent before."""
        found = await self.order(order.symbol, order.client_id, order.kind)
        if found is None:
            raise VenueUnknown(f"{self.name} says that {order.client_id} is there already, and that it is not")
        if (found.side, found.size_base) != (order.side, order.size_base):
            raise OrderRefused(f"{self.name} has another order open under {order.client_id}, of {found.size_base:g}")
        return found


def interval_name(interval_ms: int) -> str:
    """Binance's name of a bar's length.

    >>> interval_name(900_000), interval_name(604_800_000)
    ('15m', '1w')
    """
    name = {"7d": "1w"}.get(text := format_step(interval_ms), text)
    if name not in INTERVALS:
        raise VenueRefused(f"Binance has no bars of {name}, it has {', '.join(INTERVALS)}")
    return name
