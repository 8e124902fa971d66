"""Binance USD-M futures behind the `Venue` port; conditional orders go to, and are asked for at, the algo endpoints."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from typing import Any

from tradsys.live.venue import (
    AccountMode,
    AccountState,
    CashTransfer,
    Fill,
    FundingPayment,
    Hint,
    OrderKind,
    OrderRefused,
    OrderRequest,
    StopPassed,
    VenueOrder,
    VenueRefused,
    VenueUnknown,
)
from tradsys.live.venues import binance_reading as reading
from tradsys.live.venues.binance_client import MOST_ROWS, BinanceClient
from tradsys.live.venues.binance_fills import fills_of
from tradsys.live.venues.binance_income import income_of, transfers_of
from tradsys.live.venues.binance_streams import hints_of
from tradsys.live.venues.ccxt_venue import Refusal, readable
from tradsys.live.venues.listing import ListedMarket

SPARED_FROM, WHOLE_LOOK_S = 0.25, 60.0
"""From this share of the minute's limit on open orders are asked for by symbol, and of all symbols once a minute."""


class BinanceFutures(BinanceClient):
    """USD-M perpetuals of an account in one-way, single-asset mode; money is in `quote`."""

    _elsewhere: tuple[VenueOrder, ...] = ()
    _whole_look_s = -WHOLE_LOOK_S

    async def mark_price(self, symbol: str) -> float:
        market_id = (await self.listing(symbol)).market_id
        body = await self.ask_public("fapiPublicGetPremiumIndex", symbol=market_id)
        with readable(self.name, "a mark price"):
            rows = body if isinstance(body, list) else [body]
            return next(float(row["markPrice"]) for row in rows if row["symbol"] == market_id)

    async def funding_rates(self, symbol: str, start_ms: int) -> Sequence[tuple[int, float]]:
        market_id, found = (await self.listing(symbol)).market_id, list[tuple[int, float]]()
        while True:
            rows = await self.ask_public(
                "fapiPublicGetFundingRate", symbol=market_id, startTime=start_ms, limit=MOST_ROWS
            )
            with readable(self.name, "funding rates"):
                found += sorted((int(row["fundingTime"]), float(row["fundingRate"])) for row in rows)
            if len(rows) < MOST_ROWS:
                return found
            start_ms = found[-1][0] + 1

    def hints(self, symbols: Collection[str], interval_ms: int) -> AsyncIterator[Hint]:
        return hints_of(self, symbols, interval_ms)

    async def mode(self, symbols: Collection[str]) -> AccountMode:
        ids = {symbol: (await self.listing(symbol)).market_id for symbol in symbols}
        account, key, configs, *fees = await asyncio.gather(
            self.ask_signed("fapiPrivateGetAccountConfig"),
            self.ask_signed("sapiGetAccountApiRestrictions"),
            self.ask_signed("fapiPrivateGetSymbolConfig"),
            *(self.ask_signed("fapiPrivateGetCommissionRate", symbol=market_id) for market_id in ids.values()),
        )
        with readable(self.name, "the account's mode"):
            by_id = {row["symbol"]: row for row in configs}
            return AccountMode(
                can_trade=bool(account["canTrade"]) and bool(key["enableFutures"]),
                can_withdraw=bool(key["enableWithdrawals"]),
                is_hedge_mode=bool(account["dualSidePosition"]),
                is_multi_asset=bool(account["multiAssetsMargin"]),
                taker_bps=1e4 * max((float(row["takerCommissionRate"]) for row in fees), default=0.0),
                maker_bps=1e4 * max((float(row["makerCommissionRate"]) for row in fees), default=0.0),
                leverage={symbol: float(by_id[one]["leverage"]) for symbol, one in ids.items()},
                margin_type={symbol: _margin_type(by_id[one]) for symbol, one in ids.items()},
            )

    async def set_leverage(self, symbol: str, leverage: float, margin_type: str) -> None:
        """Set what differs, then read back: a VenueRefused says what was wanted and what is there."""
        market_id, wanted = (await self.listing(symbol)).market_id, (margin_type, float(leverage))
        if margin_type not in ("isolated", "cross") or leverage != int(leverage) or leverage < 1:
            raise VenueRefused(
                f"{self.name} takes a whole leverage from 1 on, isolated or cross; {symbol} was to have {leverage:g}, "
                f"{margin_type}"
            )
        found = await self._margin(market_id)
        if found[0] != margin_type:
            await self._set_margin_type(market_id, margin_type)
        if found[1] != leverage:
            await self.ask_signed("fapiPrivatePostLeverage", symbol=market_id, leverage=int(leverage))
        if found != wanted and (found := await self._margin(market_id)) != wanted:
            raise VenueRefused(
                f"{symbol} was to have leverage {leverage:g}, {margin_type}; after it was set {self.name} reads back "
                f"{found[1]:g}, {found[0]}"
            )

    async def account(self) -> AccountState:
        body, rows = await asyncio.gather(
            self.ask_signed("fapiPrivateV3GetAccount"), self.ask_signed("fapiPrivateV3GetPositionRisk")
        )
        with readable(self.name, "the account"):
            money = next((row for row in body["assets"] if row["asset"] == self._quote), None)
            return AccountState(
                wallet_quote=float(money["walletBalance"]) if money else 0.0,
                unrealised_quote=float(money["unrealizedProfit"]) if money else 0.0,
                available_quote=float(money["availableBalance"]) if money else 0.0,
                positions=tuple(reading.positions(rows, self.listings.name)),
            )

    async def open_orders(self) -> Sequence[VenueOrder]:
        """All in two questions; symbol by symbol where that spares a limit of which much is used."""
        ids = self.listings.asked_ids
        if not self._is_to_be_spared(len(ids)):
            orders = await self._open_orders()
            self._elsewhere = tuple(order for order in orders if order.symbol not in map(self.listings.name, ids))
            self._whole_look_s = asyncio.get_running_loop().time()
            return orders
        each = await asyncio.gather(*(self._open_orders(symbol=market_id) for market_id in ids))
        return [*(order for orders in each for order in orders), *self._elsewhere]

    def _is_to_be_spared(self, n_symbols: int) -> bool:
        """Orders of markets that nobody asked for are looked at once a minute then."""
        age_s = asyncio.get_running_loop().time() - self._whole_look_s
        is_cheaper = 0 < n_symbols < reading.WHOLE_WEIGHT
        return is_cheaper and age_s < WHOLE_LOOK_S and self.api.restraint.used_share() > SPARED_FROM

    async def _open_orders(self, **of: str) -> list[VenueOrder]:
        rows, algos = await asyncio.gather(
            self.ask_signed("fapiPrivateGetOpenOrders", **of), self.ask_signed("fapiPrivateGetOpenAlgoOrders", **of)
        )
        name, now_ms = self.listings.name, await self.api.now_ms()
        with readable(self.name, "open orders"):
            plain = [reading.order(row, name(row["symbol"]), "open") for row in rows]
            waiting = [row for row in algos if not reading.is_triggered(row, now_ms)]
            return plain + [reading.algo_order(row, name(row["symbol"]), otherwise="open") for row in waiting]

    async def order(self, symbol: str, client_id: str, kind: OrderKind) -> VenueOrder | None:
        market_id = (await self.listing(symbol)).market_id
        if kind == "stop":
            return await self._algo_order(symbol, market_id, client_id)
        row = await self.or_none("fapiPrivateGetOrder", symbol=market_id, origClientOrderId=client_id)
        with readable(self.name, f"order {client_id}"):
            return None if row is None else self.seen(row, symbol)

    async def place(self, order: OrderRequest) -> VenueOrder:
        listing = await self.listing(order.symbol)
        is_stop = order.kind == "stop"
        endpoint, params = "fapiPrivatePostAlgoOrder" if is_stop else "fapiPrivatePostOrder", _params(order, listing)
        try:
            row = await self.api.signed(endpoint, is_order=True, **params)
        except Refusal as error:
            said = error
        else:
            with readable(self.name, f"order {order.client_id}"):
                return reading.algo_order(row, order.symbol) if is_stop else self.seen(row, order.symbol)
        if said.code in reading.SAME_ID:
            return await self._already(order)
        no = StopPassed if is_stop and said.code == reading.PASSED else OrderRefused
        raise no(f"{self.name} refused {order.client_id} ({said})")

    async def cancel(self, symbol: str, client_id: str, kind: OrderKind) -> None:
        market_id = (await self.listing(symbol)).market_id
        if kind == "stop":
            asked = self.api.signed("fapiPrivateDeleteAlgoOrder", is_order=True, clientAlgoId=client_id)
        else:
            asked = self.api.signed(
                "fapiPrivateDeleteOrder", is_order=True, symbol=market_id, origClientOrderId=client_id
            )
        await self._cancelled(asked, client_id)

    async def fills(self, symbol: str, start_ms: int) -> Sequence[Fill]:
        return await fills_of(self, symbol, (await self.listing(symbol)).market_id, start_ms)

    async def funding(self, start_ms: int) -> Sequence[FundingPayment]:
        rows = await income_of(self, "funding payments", start_ms, incomeType="FUNDING_FEE")
        with readable(self.name, "funding payments"):
            return [_payment(row, self.listings.name(row["symbol"])) for row in rows]

    async def transfers(self, start_ms: int) -> Sequence[CashTransfer]:
        return await transfers_of(self, start_ms)

    async def _algo_order(self, symbol: str, market_id: str, client_id: str) -> VenueOrder | None:
        """A stop, with what the order came to that it became.

        One that was triggered a while ago, and whose order nobody tells of, is over: Binance forgets orders that ended
        without a fill after days. What it filled all the same the executions tell, and they alone.
        """
        row = await self.or_none("fapiPrivateGetAlgoOrder", clientAlgoId=client_id)
        if row is None:
            return None
        now_ms = await self.api.now_ms()
        with readable(self.name, f"order {client_id}"):
            if not reading.is_triggered(row, now_ms):
                return reading.algo_order(row, symbol)
            actual, triggered_ms = reading.became(row), reading.triggered_ms(row)
        became = None
        if actual is not None:
            self.remember(market_id, actual, client_id)
            became = await self.or_none("fapiPrivateGetOrder", symbol=market_id, orderId=actual)
        if became is None and now_ms <= triggered_ms + reading.TOLD_WITHIN_MS:
            raise VenueUnknown(f"{self.name}: {client_id} was triggered, and not yet told which order it became")
        with readable(self.name, f"order {client_id}"):
            return reading.algo_order(row, symbol, became) if became else reading.forgotten(row, symbol)

    async def _margin(self, market_id: str) -> tuple[str | None, float]:
        rows = await self.ask_signed("fapiPrivateGetSymbolConfig", symbol=market_id)
        with readable(self.name, "a symbol's leverage"):
            row = next(row for row in rows if row["symbol"] == market_id)
            return _margin_type(row), float(row["leverage"])

    async def _set_margin_type(self, market_id: str, margin_type: str) -> None:
        kind = "ISOLATED" if margin_type == "isolated" else "CROSSED"
        try:
            await self.api.signed("fapiPrivatePostMarginType", symbol=market_id, marginType=kind)
            return
        except Refusal as error:
            said = error
        if said.code != reading.SAME_MARGIN_TYPE:
            raise VenueRefused(f"{self.name} would not make {market_id} {margin_type} ({said}); is a position open?")


def _params(order: OrderRequest, listing: ListedMarket) -> dict[str, str]:
    """What is sent of an order; RESULT has a market order answered with what it filled."""
    sent = {
        "symbol": listing.market_id,
        "side": "BUY" if order.side > 0 else "SELL",
        "quantity": listing.size_text(order.size_base),
        "reduceOnly": "true" if order.is_reduce_only else "false",
    }
    if order.kind != "market" and order.price is None:
        raise OrderRefused(f"{order.client_id} is a {order.kind} order without a price; nothing was sent")
    price = "" if order.price is None else listing.price_text(order.price)
    if order.kind == "stop":
        conditional = {"algoType": "CONDITIONAL", "type": "STOP_MARKET", "workingType": "CONTRACT_PRICE"}
        return sent | conditional | {"triggerPrice": price, "clientAlgoId": order.client_id}
    sent |= {"newClientOrderId": order.client_id, "newOrderRespType": "RESULT"}
    if order.kind == "market":
        return sent | {"type": "MARKET"}
    return sent | {"type": "LIMIT", "timeInForce": "GTC", "price": price}


def _margin_type(row: dict[str, Any]) -> str:
    return {"ISOLATED": "isolated", "CROSSED": "cross"}[str(row["marginType"]).upper()]


def _payment(row: dict[str, Any], symbol: str) -> FundingPayment:
    return FundingPayment(f"{row['tranId']}-{row['symbol']}", symbol, -float(row["income"]), int(row["time"]))
