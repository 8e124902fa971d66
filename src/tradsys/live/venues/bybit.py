"""Bybit's linear perpetuals (v5, unified account) behind the `Venue` port."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from typing import Any, Unpack

from tradsys.core.time import DAY_MS
from tradsys.live.telling import Tell
from tradsys.live.venue import (
    AccountMode,
    AccountState,
    Fill,
    FundingPayment,
    Hint,
    Kline,
    OrderKind,
    OrderRefused,
    OrderRequest,
    StopPassed,
    VenueOrder,
    VenueRefused,
    VenueUnknown,
)
from tradsys.live.venues import bybit_reading as reading
from tradsys.live.venues.bybit_streams import INTERVALS, hints_of
from tradsys.live.venues.ccxt_venue import ApiOptions, CcxtApi, CcxtVenue, Refusal, readable
from tradsys.live.venues.listing import ListedMarket

LINEAR = "linear"
WEEK_MS = 7 * DAY_MS
KEPT_MS = 180 * DAY_MS
MOST_BARS, MOST_RATES = 1_000, 200


class BybitLinear(CcxtVenue):
    """Perpetuals settled in `quote`, of a unified account in one-way mode; the margin type is the account's."""

    def __init__(self, *, quote: str = "USDT", tell: Tell | None = None, **api: Unpack[ApiOptions]) -> None:
        super().__init__("bybit", CcxtApi("bybit", reading.BybitWording(), **api), tell)
        self._quote = quote

    async def server_time_ms(self) -> int:
        return await self.api.server_time_ms()

    async def klines(self, symbol: str, interval_ms: int, start_ms: int, *, limit: int = 1_000) -> Sequence[Kline]:
        n_bars = min(limit, MOST_BARS)
        rows = await self._rows(
            "publicGetV5MarketKline",
            symbol=(await self.listing(symbol)).market_id,
            interval=interval_name(interval_ms),
            start=start_ms,
            end=start_ms + n_bars * interval_ms - 1,
            limit=n_bars,
        )
        with readable(self.name, "bars"):
            return sorted((reading.kline(row) for row in rows), key=lambda bar: bar.ts_ms)

    async def mark_price(self, symbol: str) -> float:
        rows = await self._rows("publicGetV5MarketTickers", symbol=(await self.listing(symbol)).market_id)
        with readable(self.name, "a mark price"):
            return float(rows[0]["markPrice"])

    async def funding_rates(self, symbol: str, start_ms: int) -> Sequence[tuple[int, float]]:
        """Told from the newest back."""
        market_id, end_ms = (await self.listing(symbol)).market_id, await self.api.now_ms()
        found: dict[int, float] = {}
        while end_ms >= start_ms:
            rows = await self._rows(
                "publicGetV5MarketFundingHistory",
                symbol=market_id,
                startTime=start_ms,
                endTime=end_ms,
                limit=MOST_RATES,
            )
            with readable(self.name, "funding rates"):
                found |= {int(row["fundingRateTimestamp"]): float(row["fundingRate"]) for row in rows}
            if len(rows) < MOST_RATES:
                break
            end_ms = min(found) - 1
        return sorted(found.items())

    def hints(self, symbols: Collection[str], interval_ms: int) -> AsyncIterator[Hint]:
        return hints_of(self, symbols, interval_ms)

    async def mode(self, symbols: Collection[str]) -> AccountMode:
        ids = {symbol: (await self.listing(symbol)).market_id for symbol in symbols}
        account, key, coins, *each = await asyncio.gather(
            self.ask_signed("privateGetV5AccountInfo"),
            self.ask_signed("privateGetV5UserQueryApi"),
            self._coins(),
            *(self._signed_rows("privateGetV5AccountFeeRate", symbol=one) for one in ids.values()),
            *(self._signed_rows("privateGetV5PositionList", symbol=one) for one in ids.values()),
        )
        fees, positions = each[: len(ids)], dict(zip(ids, each[len(ids) :], strict=True))
        with readable(self.name, "the account's mode"):
            rights, margin_mode = key["result"]["permissions"], account["result"]["marginMode"]
            types = {mode: margin_type for margin_type, mode in reading.MARGIN_MODES.items()}
            return AccountMode(
                can_trade=int(key["result"]["readOnly"]) == 0 and "Order" in rights["ContractTrade"],
                can_withdraw="Withdraw" in rights["Wallet"],
                is_hedge_mode=any(int(row["positionIdx"]) for rows in positions.values() for row in rows),
                is_multi_asset=margin_mode != "ISOLATED_MARGIN" and reading.pools_other_coins(coins, self._quote),
                taker_bps=1e4 * max((float(row["takerFeeRate"]) for rows in fees for row in rows), default=0.0),
                maker_bps=1e4 * max((float(row["makerFeeRate"]) for rows in fees for row in rows), default=0.0),
                leverage={symbol: float(rows[0]["leverage"] or 0) or None for symbol, rows in positions.items()},
                margin_type=dict.fromkeys(ids, types.get(margin_mode)),
            )

    async def set_leverage(self, symbol: str, leverage: float, margin_type: str) -> None:
        """Set what differs, then read back; the margin type is changed for the whole account."""
        if margin_type not in reading.MARGIN_MODES or leverage < 1:
            raise VenueRefused(f"{self.name} takes a leverage from 1 on, isolated or cross; {symbol} was to have "
                               f"{leverage:g}, {margin_type}")  # fmt: skip
        market_id, found, wanted = (await self.listing(symbol)).market_id, await self.mode([symbol]), f"{leverage:g}"
        if found.margin_type[symbol] != margin_type:
            await self.ask_signed("privatePostV5AccountSetMarginMode", setMarginMode=reading.MARGIN_MODES[margin_type])
        if found.leverage[symbol] != leverage:
            await self._accept(
                {reading.SAME_LEVERAGE}, "privatePostV5PositionSetLeverage",
                category=LINEAR, symbol=market_id, buyLeverage=wanted, sellLeverage=wanted,
            )  # fmt: skip
        found = await self.mode([symbol])
        if (found.margin_type[symbol], found.leverage[symbol]) != (margin_type, leverage):
            raise VenueRefused(
                f"{symbol} was to have leverage {leverage:g}, {margin_type}; after it was set {self.name} reads back "
                f"{found.leverage[symbol]}, {found.margin_type[symbol]}"
            )

    async def account(self) -> AccountState:
        coins, rows = await asyncio.gather(
            self._coins(), self._pages("privateGetV5PositionList", settleCoin=self._quote, limit=200)
        )
        with readable(self.name, "the account"):
            held = [row for row in rows if float(row["size"] or 0)]
            positions = [reading.position(row, self.listings.name(row["symbol"])) for row in held]
            return reading.account(coins, self._quote, positions)

    async def open_orders(self) -> Sequence[VenueOrder]:
        rows = await self._pages("privateGetV5OrderRealtime", settleCoin=self._quote, openOnly=0, limit=50)
        with readable(self.name, "open orders"):
            orders = [reading.order(row, self.listings.name(row["symbol"])) for row in rows]
        return [order for order in orders if order.status == "open"]

    async def order(self, symbol: str, client_id: str, kind: OrderKind) -> VenueOrder | None:
        """Asked for among the open ones, then the lately closed, then the history: an order moves only that way."""
        market_id = (await self.listing(symbol)).market_id
        for endpoint, how in (
            ("privateGetV5OrderRealtime", {"openOnly": 0}),
            ("privateGetV5OrderRealtime", {"openOnly": 1}),
            ("privateGetV5OrderHistory", {}),
        ):
            rows = await self._signed_rows(endpoint, symbol=market_id, orderLinkId=client_id, **how)
            with readable(self.name, f"order {client_id}"):
                found = [reading.order(row, symbol) for row in rows if row["orderLinkId"] == client_id]
            if found:
                return found[0]
        return None

    async def place(self, order: OrderRequest) -> VenueOrder:
        """Bybit answers that it took an order, and not what came of it: that is asked for."""
        params = _params(order, await self.listing(order.symbol))
        try:
            await self.api.signed("privatePostV5OrderCreate", is_order=True, **params)
            said = None
        except Refusal as error:
            said = error
        if said is not None and said.code != reading.SAME_ID:
            no = StopPassed if order.kind == "stop" and said.code in reading.PASSED else OrderRefused
            raise no(f"{self.name} refused {order.client_id} ({said})")
        found = await self.order(order.symbol, order.client_id, order.kind)
        if found is None:
            raise VenueUnknown(f"{self.name} took {order.client_id}, and does not show it yet")
        if said is not None and (found.side, found.size_base) != (order.side, order.size_base):
            raise OrderRefused(f"{self.name} has another order under {order.client_id}, of {found.size_base:g}")
        return found

    async def cancel(self, symbol: str, client_id: str, kind: OrderKind) -> None:
        market_id = (await self.listing(symbol)).market_id
        await self._accept(
            {reading.NOT_OPEN}, "privatePostV5OrderCancel",
            is_order=True, category=LINEAR, symbol=market_id, orderLinkId=client_id,
        )  # fmt: skip

    async def fills(self, symbol: str, start_ms: int) -> Sequence[Fill]:
        market_id = (await self.listing(symbol)).market_id
        rows = await self._weeks("privateGetV5ExecutionList", start_ms, symbol=market_id, limit=100)
        with readable(self.name, "executions"):
            traded = [reading.fill(row, symbol) for row in rows if row["execType"] != "Funding"]
        found = {one.trade_id: one for one in traded}
        return sorted(found.values(), key=lambda one: (one.ts_ms, one.trade_id))

    async def funding(self, start_ms: int) -> Sequence[FundingPayment]:
        rows = await self._weeks(
            "privateGetV5AccountTransactionLog",
            start_ms,
            accountType="UNIFIED",
            currency=self._quote,
            type="SETTLEMENT",
            limit=50,
        )
        with readable(self.name, "funding payments"):
            found = {row["id"]: reading.payment(row, self.listings.name) for row in rows}
        return sorted(found.values(), key=lambda one: (one.ts_ms, one.payment_id))

    async def _rows(self, endpoint: str, **params: Any) -> list[Any]:
        """The list of a public answer."""
        return self._list(await self.ask_public(endpoint, category=LINEAR, **params), endpoint)

    async def _signed_rows(self, endpoint: str, **params: Any) -> list[Any]:
        return self._list(await self.ask_signed(endpoint, category=LINEAR, **params), endpoint)

    def _list(self, body: Any, endpoint: str) -> list[Any]:
        with readable(self.name, endpoint):
            return list(body["result"]["list"])

    async def _pages(self, endpoint: str, **params: Any) -> list[Any]:
        """All rows, page after page."""
        found, cursor = list[Any](), ""
        while True:
            more = {"cursor": cursor} if cursor else {}
            body = await self.ask_signed(endpoint, category=LINEAR, **params, **more)
            found += self._list(body, endpoint)
            with readable(self.name, endpoint):
                cursor = str(body["result"].get("nextPageCursor") or "")
            if not cursor:
                return found

    async def _weeks(self, endpoint: str, start_ms: int, **params: Any) -> list[Any]:
        """All rows from `start_ms` on, in windows of a week, which is the longest that Bybit answers."""
        now_ms, found = await self.api.now_ms(), list[Any]()
        for week_ms in range(max(start_ms, now_ms - KEPT_MS), max(now_ms, start_ms) + 1, WEEK_MS):
            found += await self._pages(endpoint, startTime=week_ms, endTime=week_ms + WEEK_MS - 1, **params)
        return found

    async def _coins(self) -> list[Any]:
        body = await self.ask_signed("privateGetV5AccountWalletBalance", accountType="UNIFIED")
        with readable(self.name, "the wallet"):
            return list(body["result"]["list"][0]["coin"])

    async def _accept(self, fine: Collection[str], endpoint: str, **params: Any) -> None:
        """Do something; a refusal with one of these codes says that it is so already."""
        try:
            await self.api.signed(endpoint, **params)
            return
        except Refusal as error:
            said = error
        if said.code not in fine:
            raise VenueRefused(f"{self.name} refused {endpoint} ({said})")

    def _listing(self, row: Any) -> ListedMarket:
        return reading.listing(row)

    async def _listed(self) -> Collection[Any]:
        found, cursor = list[Any](), ""
        while True:
            more = {"cursor": cursor} if cursor else {}
            body = await self.ask_public("publicGetV5MarketInstrumentsInfo", category=LINEAR, limit=1_000, **more)
            with readable(self.name, "its markets"):
                found += body["result"]["list"]
                cursor = str(body["result"].get("nextPageCursor") or "")
            if not cursor:
                return found


def interval_name(interval_ms: int) -> str:
    """Bybit's name of a bar's length.

    >>> interval_name(3_600_000)
    '60'
    """
    name = INTERVALS.get(interval_ms)
    if name is None:
        raise VenueRefused(f"Bybit has no bars of {interval_ms} ms, it has {', '.join(map(str, INTERVALS))}")
    return name


def _params(order: OrderRequest, listing: ListedMarket) -> dict[str, Any]:
    """What is sent of an order; a stop that sells is triggered by a price that falls."""
    if order.kind != "market" and order.price is None:
        raise OrderRefused(f"{order.client_id} is a {order.kind} order without a price; nothing was sent")
    price = "" if order.price is None else listing.price_text(order.price)
    sent = {
        "category": LINEAR,
        "symbol": listing.market_id,
        "side": reading.SIDES[order.side],
        "orderType": "Limit" if order.kind == "limit" else "Market",
        "qty": listing.size_text(order.size_base),
        "reduceOnly": order.is_reduce_only,
        "orderLinkId": order.client_id,
        "positionIdx": 0,
    }
    if order.kind == "limit":
        return sent | {"price": price, "timeInForce": "GTC"}
    if order.kind == "stop":
        return sent | {"triggerPrice": price, "triggerDirection": 1 if order.side > 0 else 2, "triggerBy": "LastPrice"}
    return sent
