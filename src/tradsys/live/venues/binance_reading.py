"""Binance's answers in this project's words: rules, orders, conditional orders, positions, fills and errors."""

import math
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from tradsys.live.venue import Kline, OrderKind, OrderStatus, Position, VenueOrder, VenueUnknown
from tradsys.live.venues.ccxt_venue import YES, Said
from tradsys.live.venues.listing import ListedMarket
from tradsys.live.venues.transport import Reply

UNCLEAR = frozenset({"-1000", "-1001", "-1003", "-1004", "-1006", "-1007", "-1008", "-1015", "-1016"})
"""Codes of an error inside Binance, or of too many requests: what was asked may have happened or can be asked later."""
CLOCK = "-1021"
NOT_THERE = "-2013"
NOT_OPEN = frozenset({"-2011", NOT_THERE})
SAME_ID = frozenset({"-4116", "-20132"})
PASSED = "-2021"
SAME_MARGIN_TYPE = "-4046"

TOLD_WITHIN_MS = 60_000
"""How long a conditional order that was triggered may take to tell which order it became, and a minute its price."""

WEIGHT_A_MINUTE = 2_400
WEEK_MS = 604_800_000
"""The longest window that executions and conditional orders are told of in one answer."""
WHOLE_WEIGHT = 40
"""Of the open orders of all symbols in one question; those of one symbol weigh 1."""
_WHOLE = frozenset({"fapiPrivateGetOpenOrders", "fapiPrivateGetOpenAlgoOrders"})
_WEIGHTS: Mapping[str, int] = {
    "fapiPrivateV3GetAccount": 5,
    "fapiPrivateV3GetPositionRisk": 5,
    "fapiPrivateGetUserTrades": 5,
    "fapiPrivateGetAllAlgoOrders": 5,
    "fapiPrivateGetAccountConfig": 5,
    "fapiPrivateGetSymbolConfig": 5,
    "fapiPrivateGetCommissionRate": 20,
    "fapiPrivateGetIncome": 30,
    "fapiPublicGetKlines": 5,
}

_STATUS: Mapping[str, OrderStatus] = {
    "NEW": "open",
    "PARTIALLY_FILLED": "open",
    "FILLED": "filled",
    "CANCELED": "cancelled",
    "REJECTED": "refused",
    "EXPIRED": "expired",
    "EXPIRED_IN_MATCH": "expired",
}
_ALGO_STATUS: Mapping[str, OrderStatus] = {
    "NEW": "open",
    "TRIGGERING": "open",
    "CANCELED": "cancelled",
    "REJECTED": "refused",
    "EXPIRED": "expired",
}
"""Of one that has been triggered the order that it became tells: see `became`."""


class BinanceWording:
    """What a reply comes to, by Binance's codes."""

    time_endpoint = "fapiPublicGetTime"

    def server_ms(self, body: Any) -> int:
        return int(body["serverTime"])

    def said(self, reply: Reply) -> Said:
        code = str(reply.body.get("code", "")) if isinstance(reply.body, dict) else ""
        if reply.status < 300 and not code.startswith("-"):
            return YES
        if not code.startswith("-"):
            return Said("none", f"HTTP {reply.status}", is_definite=False)
        words = str(reply.body.get("msg", ""))
        return Said(code, words, is_definite=code not in UNCLEAR, is_clock=code == CLOCK)

    def used_share(self, reply: Reply) -> float | None:
        used = reply.headers.get("x-mbx-used-weight-1m", "")
        return int(used) / WEIGHT_A_MINUTE if used.isdigit() else None

    def share_of(self, endpoint: str, params: Mapping[str, Any]) -> float:
        is_whole = endpoint in _WHOLE and "symbol" not in params
        return (WHOLE_WEIGHT if is_whole else _WEIGHTS.get(endpoint, 1)) / WEIGHT_A_MINUTE


def listing(row: Mapping[str, Any]) -> ListedMarket:
    """One symbol of `exchangeInfo`."""
    by_type = {rule["filterType"]: rule for rule in row["filters"]}
    size, market_size = by_type["LOT_SIZE"], by_type.get("MARKET_LOT_SIZE", by_type["LOT_SIZE"])
    band = by_type.get("PERCENT_PRICE")
    return ListedMarket(
        market_id=row["symbol"],
        symbol=_symbol(row),
        tick=_step(by_type["PRICE_FILTER"]["tickSize"]),
        lot=max(_step(size["stepSize"]), _step(market_size["stepSize"])),
        min_size_base=max(float(size["minQty"]), float(market_size["minQty"])),
        max_market_size_base=min(float(size["maxQty"]), float(market_size["maxQty"])),
        min_notional_quote=float(by_type.get("MIN_NOTIONAL", {}).get("notional", 0)),
        price_band=min(float(band["multiplierUp"]) - 1, 1 - float(band["multiplierDown"])) if band else math.inf,
        is_trading=row["status"] == "TRADING",
    )


def _symbol(row: Mapping[str, Any]) -> str:
    """A perpetual is BTC/USDT:USDT, a future that ends BTC/USDT:USDT-260327."""
    name = f"{row['baseAsset']}/{row['quoteAsset']}:{row['marginAsset']}"
    if row["contractType"].endswith("PERPETUAL"):
        return name
    _, _, ends = row["symbol"].partition("_")
    return f"{name}-{ends or row['contractType'] or 'unnamed'}"


def _step(text: str) -> Decimal:
    step = Decimal(text).normalize()
    if step <= 0:
        raise ValueError(f"a step of {text}")
    return step


def kline(row: list[Any]) -> Kline:
    """One bar, with what Binance tells besides."""
    extra = {"quote_volume": float(row[7]), "n_trades": float(row[8]), "taker_buy_volume": float(row[9])}
    start, high, low, end, volume = (float(value) for value in row[1:6])
    return Kline(int(row[0]), start, high, low, end, volume, extra)


def order(row: Mapping[str, Any], symbol: str, otherwise: OrderStatus | None = None) -> VenueOrder:
    """An order of the order book; `otherwise` is what a status that is not known here comes to, else a VenueUnknown."""
    kind = _kind(row.get("origType") or row["type"])
    price = row["stopPrice"] if kind == "stop" else row["price"]
    return VenueOrder(
        client_id=row["clientOrderId"],
        symbol=symbol,
        side=_side(row["side"]),
        kind=kind,
        size_base=float(row["origQty"]),
        filled_base=float(row["executedQty"]),
        price=float(price) or None,
        average_price=float(row["avgPrice"]) or None,
        is_reduce_only=bool(row["reduceOnly"]),
        status=_status(_STATUS, row["status"], row["clientOrderId"], otherwise),
        updated_ms=int(row["updateTime"]),
    )


def became(row: Mapping[str, Any]) -> str | None:
    """The id of the order that a conditional one became, None while it waits or where it ended without one."""
    return str(row.get("actualOrderId") or "") or None


def is_triggered(row: Mapping[str, Any], now_ms: int) -> bool:
    """A conditional order that has gone into the order book; what came of it the order tells that it became.

    One that says for longer than TOLD_WITHIN_MS that it is about to go there waits no more: it protects nothing.
    """
    is_stuck = row["algoStatus"] == "TRIGGERING" and now_ms > triggered_ms(row) + TOLD_WITHIN_MS
    return is_stuck or row["algoStatus"] in ("TRIGGERED", "FINISHED")


def triggered_ms(row: Mapping[str, Any]) -> int:
    """When a conditional order was triggered."""
    return int(row.get("triggerTime") or row["updateTime"])


def _status(known: Mapping[str, OrderStatus], text: str, of: str, otherwise: OrderStatus | None) -> OrderStatus:
    found = known.get(text, otherwise)
    if found is None:
        raise VenueUnknown(f"Binance told of {of} a status that is not known here, {str(text)[:40]!r}")
    return found


def forgotten(row: Mapping[str, Any], symbol: str) -> VenueOrder:
    """A conditional order that was triggered, of which no order is known."""
    return algo_order({**row, "algoStatus": "EXPIRED"}, symbol)


def algo_order(
    row: Mapping[str, Any],
    symbol: str,
    actual: Mapping[str, Any] | None = None,
    *,
    otherwise: OrderStatus | None = None,
) -> VenueOrder:
    """A conditional order, with what the order filled that it became; `otherwise` as of `order`."""
    filled = order(actual, symbol) if actual else None
    return VenueOrder(
        client_id=row["clientAlgoId"],
        symbol=symbol,
        side=_side(row["side"]),
        kind=_kind(row["orderType"]),
        size_base=float(row.get("quantity") or 0),  # none of one that closes whatever is held
        filled_base=filled.filled_base if filled else 0.0,
        price=float(row.get("triggerPrice") or 0) or None,
        average_price=filled.average_price if filled else None,
        is_reduce_only=bool(row["reduceOnly"]),
        status=filled.status if filled else _status(_ALGO_STATUS, row["algoStatus"], row["clientAlgoId"], otherwise),
        updated_ms=filled.updated_ms if filled else int(row["updateTime"]),
    )


def _kind(text: str) -> OrderKind:
    if text == "MARKET":
        return "market"
    return "limit" if text == "LIMIT" else "stop"


def _side(text: str) -> int:
    return {"BUY": 1, "SELL": -1}[text]


def positions(rows: list[Any], name: Callable[[str], str]) -> Iterator[Position]:
    """What is held, of an account in one-way mode."""
    for row in rows:
        if float(row["positionAmt"]):
            yield Position(
                symbol=name(row["symbol"]),
                size_base=float(row["positionAmt"]),
                entry_price=float(row["entryPrice"]),
                mark_price=float(row["markPrice"]),
                unrealised_quote=float(row["unRealizedProfit"]),
                liquidation_price=float(row["liquidationPrice"]) or None,
            )
