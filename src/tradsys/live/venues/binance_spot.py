"""Binance's spot market behind the `Venue` port: coins are bought and sold again, and nothing is borrowed."""

import asyncio
import json
from collections.abc import AsyncIterator, Collection, Sequence

from tradsys.live.venue import (
    AccountMode,
    AccountState,
    CoinBalance,
    Fill,
    FundingPayment,
    Hint,
    OrderKind,
    OrderRefused,
    OrderRequest,
    SpotBalances,
    StopPassed,
    VenueOrder,
    VenueRefused,
)
from tradsys.live.venues import binance_spot_reading as reading
from tradsys.live.venues.binance_spot_client import BinanceSpotClient
from tradsys.live.venues.binance_spot_fills import fills_of
from tradsys.live.venues.binance_spot_streams import hints_of
from tradsys.live.venues.ccxt_venue import Refusal, readable
from tradsys.live.venues.listing import ListedMarket


class BinanceSpot(BinanceSpotClient):
    """The spot account; a stop and a target of the same coins are one list of orders (OCO)."""

    async def mark_price(self, symbol: str) -> float:
        """The last price: a spot market has no other."""
        market_id = (await self.listing(symbol)).market_id
        return (await self._prices([market_id]))[market_id]

    async def funding_rates(self, symbol: str, start_ms: int) -> Sequence[tuple[int, float]]:
        return []

    def hints(self, symbols: Collection[str], interval_ms: int) -> AsyncIterator[Hint]:
        return hints_of(self, symbols, interval_ms)

    async def mode(self, symbols: Collection[str]) -> AccountMode:
        ids = [(await self.listing(symbol)).market_id for symbol in symbols]
        account, key, *fees = await asyncio.gather(
            self.ask_signed("privateGetAccount", omitZeroBalances="true"),
            self.ask_signed("sapiGetAccountApiRestrictions"),
            *(self.ask_signed("privateGetAccountCommission", symbol=market_id) for market_id in ids),
        )
        with readable(self.name, "the account's mode"):
            return AccountMode(
                can_trade=bool(account["canTrade"]) and bool(key["enableSpotAndMarginTrading"]),
                can_withdraw=bool(key["enableWithdrawals"]),
                is_hedge_mode=False,
                is_multi_asset=False,
                taker_bps=1e4 * max((reading.fee_rate(row, "taker") for row in fees), default=0.0),
                maker_bps=1e4 * max((reading.fee_rate(row, "maker") for row in fees), default=0.0),
                leverage=dict.fromkeys(symbols),
                margin_type=dict.fromkeys(symbols),
            )

    async def set_leverage(self, symbol: str, leverage: float, margin_type: str) -> None:
        raise VenueRefused(f"{self.name} borrows nothing: {symbol} has no leverage to set")

    async def account(self) -> AccountState:
        """Balances of the quote currency and of the coins that were asked for, valued at the last price."""
        ids = self.listings.asked_ids
        body, prices = await asyncio.gather(
            self.ask_signed("privateGetAccount", omitZeroBalances="true"), self._prices(ids)
        )
        with readable(self.name, "the account"):
            held, names = reading.balances(body), {one: self.listings.name(one) for one in ids}
            coins = tuple(
                CoinBalance(names[one], held.get(self._base_of(names[one]), (0.0, 0.0))[1], prices[one]) for one in ids
            )
            free, cash = held.get(self.quote, (0.0, 0.0))
            return AccountState(cash, 0.0, free, (), SpotBalances(cash, coins))

    def _base_of(self, symbol: str) -> str:
        return self.listings.find(symbol).symbol.partition("/")[0]

    async def _prices(self, market_ids: Sequence[str]) -> dict[str, float]:
        if not market_ids:
            return {}
        names = json.dumps(list(market_ids), separators=(",", ":"))
        rows = await self.ask_public("publicGetTickerPrice", symbols=names)
        with readable(self.name, "prices"):
            prices = {row["symbol"]: float(row["price"]) for row in rows}
            return {one: prices[one] for one in market_ids}

    async def open_orders(self) -> Sequence[VenueOrder]:
        """Those of the symbols that were asked for: orders of other coins concern nobody here."""
        ids = self.listings.asked_ids
        each = await asyncio.gather(*(self.ask_signed("privateGetOpenOrders", symbol=one) for one in ids))
        with readable(self.name, "open orders"):
            rows = [(self.listings.name(one), row) for one, own in zip(ids, each, strict=True) for row in own]
            return [self.seen(row, symbol, "open") for symbol, row in rows]

    async def order(self, symbol: str, client_id: str, kind: OrderKind) -> VenueOrder | None:
        market_id = (await self.listing(symbol)).market_id
        row = await self.or_none("privateGetOrder", symbol=market_id, origClientOrderId=client_id)
        with readable(self.name, f"order {client_id}"):
            return None if row is None else self.seen(row | {"clientOrderId": client_id}, symbol)

    async def place(self, order: OrderRequest) -> VenueOrder:
        listing = await self.listing(order.symbol)
        params = _params(order, listing)
        try:
            row = await self.api.signed("privatePostOrder", is_order=True, **params)
        except Refusal as error:
            said = error
        else:
            with readable(self.name, f"order {order.client_id}"):
                return self.seen(params | row, order.symbol)
        if said.code == reading.REFUSED and reading.SAME_ID in said.words.lower():
            return await self._already(order)
        raise self._no(said, order)

    async def place_pair(self, stop: OrderRequest, target: OrderRequest) -> tuple[VenueOrder, VenueOrder]:
        """A list of two orders: what fills, triggers or cancels the one ends the other."""
        listing = await self.listing(stop.symbol)
        if stop.price is None or target.price is None or stop.size_base != target.size_base or stop.side > 0:
            raise OrderRefused(f"{stop.client_id} and its target are no pair that sells the same; nothing was sent")
        params = {
            "symbol": listing.market_id,
            "side": "SELL",
            "quantity": listing.size_text(stop.size_base),
            "aboveType": "LIMIT_MAKER",
            "abovePrice": listing.price_text(target.price),
            "aboveClientOrderId": target.client_id,
            "belowType": "STOP_LOSS",
            "belowStopPrice": listing.price_text(stop.price),
            "belowClientOrderId": stop.client_id,
            "newOrderRespType": "RESULT",
        }
        try:
            body = await self.api.signed("privatePostOrderListOco", is_order=True, **params)
        except Refusal as error:
            said = error
        else:
            with readable(self.name, f"orders {stop.client_id} and {target.client_id}"):
                rows = {row["clientOrderId"]: row for row in body["orderReports"]}
                return self.seen(rows[stop.client_id], stop.symbol), self.seen(rows[target.client_id], stop.symbol)
        if said.code == reading.REFUSED and reading.SAME_ID in said.words.lower():
            return await self._already(stop), await self._already(target)
        raise self._no(said, stop)

    async def cancel(self, symbol: str, client_id: str, kind: OrderKind) -> None:
        """Cancel it; the other one of a pair ends with it."""
        market_id = (await self.listing(symbol)).market_id
        asked = self.api.signed("privateDeleteOrder", is_order=True, symbol=market_id, origClientOrderId=client_id)
        await self._cancelled(asked, client_id)

    async def fills(self, symbol: str, start_ms: int) -> Sequence[Fill]:
        return await fills_of(self, symbol, (await self.listing(symbol)).market_id, start_ms)

    async def funding(self, start_ms: int) -> Sequence[FundingPayment]:
        return []

    def _no(self, said: Refusal, order: OrderRequest) -> OrderRefused:
        is_passed = order.kind == "stop" and reading.PASSED in said.words.lower()
        return (StopPassed if is_passed else OrderRefused)(f"{self.name} refused {order.client_id} ({said})")


def _params(order: OrderRequest, listing: ListedMarket) -> dict[str, str]:
    """What is sent of an order; RESULT has a market order answered with what it filled."""
    sent = {
        "symbol": listing.market_id,
        "side": "BUY" if order.side > 0 else "SELL",
        "quantity": listing.size_text(order.size_base),
        "newClientOrderId": order.client_id,
        "newOrderRespType": "RESULT",
    }
    if order.kind == "market":
        return sent | {"type": "MARKET"}
    if order.price is None:
        raise OrderRefused(f"{order.client_id} is a {order.kind} order without a price; nothing was sent")
    price = listing.price_text(order.price)
    if order.kind == "stop":
        return sent | {"type": "STOP_LOSS", "stopPrice": price}
    return sent | {"type": "LIMIT", "timeInForce": "GTC", "price": price}
