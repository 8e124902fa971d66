"""The endpoints: what each path answers, as functions of the model and a request's parameters."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.exchange import refusals, views
from tests.exchange.model import DAY_MS, Exchange
from tests.exchange.records import BookOrder
from tests.exchange.wishes import CONDITIONAL, PLAIN, OrderWish

WEEK_MS = 7 * DAY_MS
UNITS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": DAY_MS}
EVER = 1 << 60

type Params = Mapping[str, str]


def interval_ms(name: str) -> int:
    """Milliseconds of an interval such as 15m."""
    found = re.fullmatch(r"([1-9]\d*)([smhd])", name)
    if found is None:
        raise refusals.Refusal(-1120, "Invalid interval.")
    return int(found[1]) * UNITS[found[2]]


def needed(params: Params, name: str) -> str:
    if not params.get(name):
        raise refusals.bad_parameter(name)
    return params[name]


def whole(params: Params, name: str, default: int) -> int:
    try:
        return int(params.get(name, default))
    except ValueError:
        raise refusals.bad_parameter(name) from None


def is_true(params: Params, name: str) -> bool:
    return str(params.get(name, "false")).lower() == "true"


def real(params: Params, name: str) -> float:
    try:
        return float(needed(params, name))
    except ValueError:
        raise refusals.bad_parameter(name) from None


@dataclass(slots=True)
class Rest:
    """Answers in Binance's JSON, or a Refusal; faults, keys and sockets are somebody else's."""

    exchange: Exchange
    interval: str
    is_hedge_mode: bool = False
    is_multi_asset: bool = False
    routes: Mapping[tuple[str, str], Callable[[Params], Any]] = field(init=False)

    def __post_init__(self) -> None:
        public = {
            "ping": lambda _: {},
            "time": lambda _: {"serverTime": self.exchange.advance()},
            "exchangeInfo": self.info,
            "klines": self.klines,
            "premiumIndex": self.premium,
            "fundingRate": self.funding_rate,
            "fundingInfo": lambda _: [],
        }
        asked = {
            "order": lambda p: self.one(p, is_algo=False),
            "openOrder": lambda p: self.one(p, is_algo=False, is_open=True),
            "openOrders": lambda p: self.open(p, is_algo=False),
            "allOrders": lambda p: self.all(p, is_algo=False),
            "algoOrder": lambda p: self.one(p, is_algo=True),
            "openAlgoOrders": lambda p: self.open(p, is_algo=True),
            "allAlgoOrders": lambda p: self.all(p, is_algo=True),
            "userTrades": self.trades,
            "income": self.income,
            "commissionRate": lambda p: views.fees(self.exchange.books, self.exchange.state(needed(p, "symbol")).name),
            "leverageBracket": self.brackets,
            "accountConfig": self.config,
            "symbolConfig": self.symbol_config,
            "positionSide/dual": lambda _: {"dualSidePosition": self.is_hedge_mode},
            "multiAssetsMargin": lambda _: {"multiAssetsMargin": self.is_multi_asset},
            "apiTradingStatus": lambda _: {"indicators": {}, "updateTime": self.exchange.advance()},
        }
        told = {
            "order": self.place,
            "algoOrder": self.place_algo,
            "leverage": self.leverage,
            "marginType": self.margin_type,
            "positionSide/dual": self.set_hedge_mode,
            "multiAssetsMargin": self.set_multi_asset,
        }
        ended = {
            "order": lambda p: self.cancel(p, is_algo=False),
            "algoOrder": lambda p: self.cancel(p, is_algo=True),
            "allOpenOrders": lambda p: self.cancel_all(p, is_algo=False),
            "algoOpenOrders": lambda p: self.cancel_all(p, is_algo=True),
        }
        self.routes = {("GET", f"/fapi/v1/{name}"): act for name, act in (public | asked).items()}
        self.routes |= {("POST", f"/fapi/v1/{name}"): act for name, act in told.items()}
        self.routes |= {("DELETE", f"/fapi/v1/{name}"): act for name, act in ended.items()}
        for version in ("v2", "v3"):
            self.routes |= {
                ("GET", f"/fapi/{version}/account"): lambda _: self.account(),
                ("GET", f"/fapi/{version}/balance"): lambda _: [views.balance(self.exchange)],
            }
        self.routes[("GET", "/fapi/v2/positionRisk")] = lambda p: self.positions(p, only_held=False)
        self.routes[("GET", "/fapi/v3/positionRisk")] = lambda p: self.positions(p, only_held=True)

    def names(self, params: Params) -> list[str]:
        """The symbol that is asked for, or all."""
        return [self.exchange.state(params["symbol"]).name] if params.get("symbol") else list(self.exchange.symbols)

    def info(self, _: Params) -> dict[str, Any]:
        limits = [
            dict(rateLimitType="REQUEST_WEIGHT", interval="MINUTE", intervalNum=1, limit=2_400),
            dict(rateLimitType="ORDERS", interval="MINUTE", intervalNum=1, limit=self.exchange.max_orders_a_minute),
        ]
        return dict(
            timezone="UTC",
            serverTime=self.exchange.advance(),
            futuresType="U_MARGINED",
            rateLimits=limits,
            exchangeFilters=[],
            assets=[dict(asset="USDT", marginAvailable=True, autoAssetExchange="-10000")],
            symbols=[views.symbol_info(state) for state in self.exchange.symbols.values()],
        )

    def klines(self, params: Params) -> list[Any]:
        state = self.exchange.state(needed(params, "symbol"))
        if interval_ms(needed(params, "interval")) != self.exchange.interval_ms:
            raise refusals.Refusal(-1120, f"Invalid interval. This exchange has bars of {self.interval}.")
        start, end = whole(params, "startTime", 0), whole(params, "endTime", EVER)
        limit = min(1_500, whole(params, "limit", 500))
        bars = self.exchange.klines(state.name, start, end, limit=limit, is_last="startTime" not in params)
        return [views.kline(state, bar, self.exchange.interval_ms) for bar in bars]

    def premium(self, params: Params) -> Any:
        now, every = self.exchange.advance(), self.exchange.funding_every_ms
        states = [self.exchange.state(name) for name in self.names(params)]
        rows = [
            dict(
                symbol=state.name, markPrice=f"{state.mark:.8f}", indexPrice=f"{state.mark:.8f}",
                estimatedSettlePrice="0", lastFundingRate=f"{state.funding_rate:.8f}", interestRate="0.00010000",
                nextFundingTime=(now // every + 1) * every, time=now,
            )
            for state in states
        ]  # fmt: skip
        return rows[0] if params.get("symbol") else rows

    def funding_rate(self, params: Params) -> list[Any]:
        state = self.exchange.state(needed(params, "symbol"))
        start, end, limit = whole(params, "startTime", 0), whole(params, "endTime", EVER), whole(params, "limit", 100)
        rows = [
            dict(symbol=state.name, fundingTime=ts, fundingRate=f"{rate:.8f}", markPrice=f"{mark:.8f}")
            for ts, rate, mark in state.settled
            if start <= ts <= end
        ]
        return rows[:limit] if "startTime" in params else rows[-limit:]

    def place(self, params: Params) -> dict[str, Any]:
        if needed(params, "type") not in PLAIN:
            raise refusals.Refusal(
                -4120, "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead."
            )
        level = real(params, "price") if params["type"] == "LIMIT" else None
        found = self.exchange.place(self._wish(params, level, params.get("newClientOrderId", "")))
        return views.order(self.exchange.symbols[found.symbol], found)

    def place_algo(self, params: Params) -> dict[str, Any]:
        if needed(params, "algoType") != "CONDITIONAL" or needed(params, "type") not in CONDITIONAL:
            raise refusals.bad_parameter("type")
        found = self.exchange.place(self._wish(params, real(params, "triggerPrice"), params.get("clientAlgoId", "")))
        return views.algo_order(self.exchange.symbols[found.symbol], found)

    def _wish(self, params: Params, level: float | None, client_id: str) -> OrderWish:
        if needed(params, "side") not in ("BUY", "SELL"):
            raise refusals.bad_parameter("side")
        if self.is_hedge_mode or params.get("positionSide", "BOTH") != "BOTH":
            raise refusals.Refusal(-4061, "Order's position side does not match user's setting.")
        return OrderWish(
            needed(params, "symbol"), 1 if params["side"] == "BUY" else -1, params["type"], real(params, "quantity"),
            level, is_true(params, "reduceOnly"), client_id, params.get("timeInForce") or "GTC",
        )  # fmt: skip

    def _which(self, params: Params, is_algo: bool) -> dict[str, Any]:
        """An order's symbol and id; conditional ones are asked for without their symbol."""
        id_name, client_name = ("algoId", "clientAlgoId") if is_algo else ("orderId", "origClientOrderId")
        order_id, client_id = whole(params, id_name, 0), params.get(client_name, "")
        if not order_id and not client_id:
            raise refusals.bad_parameter(client_name)
        symbol = params.get("symbol") or self._symbol_of(order_id, client_id) if is_algo else needed(params, "symbol")
        return dict(symbol=symbol, order_id=order_id, client_id="" if order_id else client_id, is_algo=is_algo)

    def _symbol_of(self, order_id: int, client_id: str) -> str:
        for name, state in self.exchange.symbols.items():
            if order_id in state.history or (client_id, True) in state.by_id:
                return name
        raise refusals.no_such_order()

    def view(self, found: BookOrder) -> dict[str, Any]:
        state = self.exchange.symbols[found.symbol]
        return views.algo_order(state, found) if found.is_algo else views.order(state, found)

    def one(self, params: Params, *, is_algo: bool, is_open: bool = False) -> dict[str, Any]:
        self.exchange.advance()
        found = self.exchange.find(**self._which(params, is_algo))
        if is_open and not found.is_open:
            raise refusals.no_such_order()
        return self.view(found)

    def open(self, params: Params, *, is_algo: bool) -> list[Any]:
        orders = self.exchange.open_orders(params.get("symbol") or None, is_algo=is_algo)
        return [self.view(found) for found in orders]

    def all(self, params: Params, *, is_algo: bool) -> list[Any]:
        """At most a week of orders, by when they were made, or those from an id on."""
        state = self.exchange.state(needed(params, "symbol"))
        now = self.exchange.agenda.time_ms
        start = whole(params, "startTime", now - WEEK_MS)
        end = min(whole(params, "endTime", start + WEEK_MS), start + WEEK_MS)
        first, limit = whole(params, "algoId" if is_algo else "orderId", 0), min(1_000, whole(params, "limit", 500))
        orders = [o for o in state.history.values() if o.is_algo == is_algo and o.visible_ms <= now]
        kept = [o for o in orders if (o.order_id >= first if first else start <= o.created_ms <= end)]
        return [self.view(found) for found in kept[:limit]]

    def trades(self, params: Params) -> list[Any]:
        """A week from the start that is given, or what follows an id, or the last ones; a page at most."""
        state, limit = self.exchange.state(needed(params, "symbol")), min(1_000, whole(params, "limit", 500))
        start, end = whole(params, "startTime", 0), whole(params, "endTime", EVER)
        if "startTime" in params:
            if "endTime" in params and end - start > WEEK_MS:
                raise refusals.Refusal(-4187, "Time interval between startTime and endTime cannot exceed 7 days.")
            end = min(end, start + WEEK_MS)
        rows = self.exchange.executions(state.name, start, end, whole(params, "fromId", 0))
        rows = rows[:limit] if "startTime" in params or "fromId" in params else rows[-limit:]
        return [views.trade(state, row) for row in rows]

    def income(self, params: Params) -> list[Any]:
        now = self.exchange.advance()
        start, end = whole(params, "startTime", now - WEEK_MS), whole(params, "endTime", EVER)
        rows = [row for row in self.exchange.income(start, params.get("incomeType")) if row.ts_ms <= end]
        rows = [row for row in rows if params.get("symbol") in (None, row.symbol)]
        limit, page = min(1_000, whole(params, "limit", 100)), whole(params, "page", 1)
        return [views.income(row) for row in rows[(page - 1) * limit : page * limit]]

    def cancel(self, params: Params, *, is_algo: bool) -> dict[str, Any]:
        self.exchange.advance()
        try:
            which = self._which(params, is_algo)
        except refusals.Refusal as refusal:
            raise refusals.nothing_to_cancel() if refusal.code == -2013 else refusal from None
        found = self.exchange.cancel(**which)
        if is_algo:
            return dict(algoId=found.order_id, clientAlgoId=found.client_id, code="200", msg="success")
        return self.view(found)

    def cancel_all(self, params: Params, *, is_algo: bool) -> dict[str, Any]:
        for found in self.exchange.open_orders(needed(params, "symbol"), is_algo=is_algo):
            self.exchange.cancel(found.symbol, order_id=found.order_id, is_algo=is_algo)
        return dict(code=200, msg="The operation of cancel all open order is done.")

    def account(self) -> dict[str, Any]:
        return self.config({}) | views.account(self.exchange)

    def config(self, _: Params) -> dict[str, Any]:
        return dict(
            feeTier=0, canTrade=True, canDeposit=True, canWithdraw=True, dualSidePosition=self.is_hedge_mode,
            multiAssetsMargin=self.is_multi_asset, tradeGroupId=-1, updateTime=0,
        )  # fmt: skip

    def symbol_config(self, params: Params) -> list[Any]:
        states = [self.exchange.state(name) for name in self.names(params)]
        kind = {"cross": "CROSSED", "isolated": "ISOLATED"}
        return [
            dict(
                symbol=state.name, marginType=kind[state.margin_type], isAutoAddMargin=False, leverage=state.leverage,
                maxNotionalValue="1000000",
            )
            for state in states
        ]  # fmt: skip

    def brackets(self, params: Params) -> Any:
        rows = [
            dict(
                symbol=name,
                brackets=[
                    dict(
                        bracket=1, initialLeverage=125, notionalCap=10_000_000, notionalFloor=0,
                        maintMarginRatio=self.exchange.symbols[name].rules.maintenance, cum=0.0,
                    )
                ],
            )
            for name in self.names(params)
        ]  # fmt: skip
        return rows[0] if params.get("symbol") else rows

    def positions(self, params: Params, *, only_held: bool) -> list[Any]:
        states = [self.exchange.state(name) for name in self.names(params)]
        return [views.position(self.exchange, state) for state in states if state.holding.size or not only_held]

    def leverage(self, params: Params) -> dict[str, Any]:
        symbol, wanted = needed(params, "symbol"), whole(params, "leverage", 0)
        self.exchange.set_mode(symbol, leverage=wanted)
        return dict(leverage=wanted, maxNotionalValue="1000000", symbol=symbol)

    def margin_type(self, params: Params) -> dict[str, Any]:
        symbol, kinds = needed(params, "symbol"), {"CROSSED": "cross", "ISOLATED": "isolated"}
        wanted = kinds.get(needed(params, "marginType"))
        if wanted is None:
            raise refusals.bad_parameter("marginType")
        if self.exchange.state(symbol).margin_type == wanted:
            raise refusals.Refusal(-4046, "No need to change margin type.")
        self.exchange.set_mode(symbol, margin_type=wanted)
        return dict(code=200, msg="success")

    def set_hedge_mode(self, params: Params) -> dict[str, Any]:
        self.is_hedge_mode = is_true(params, "dualSidePosition")
        return dict(code=200, msg="success")

    def set_multi_asset(self, params: Params) -> dict[str, Any]:
        self.is_multi_asset = is_true(params, "multiAssetsMargin")
        return dict(code=200, msg="success")
