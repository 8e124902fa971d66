"""Binance's answers about spot markets in this project's words: rules, orders, balances, fees and codes."""

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from tradsys.live.venue import OrderKind, OrderStatus, VenueOrder, VenueUnknown
from tradsys.live.venues.binance_reading import BinanceWording
from tradsys.live.venues.listing import ListedMarket
from tradsys.live.venues.transport import Reply

REFUSED: Final = "-2010"
"""Of an order that is not taken; the words say why."""
SAME_ID: Final = "duplicate order"
PASSED: Final = "trigger immediately"

WEIGHT_A_MINUTE = 6_000
_WEIGHTS: Mapping[str, int] = {
    "publicGetExchangeInfo": 20,
    "publicGetKlines": 2,
    "publicGetTickerPrice": 4,
    "privateGetAccount": 20,
    "privateGetAccountCommission": 20,
    "privateGetMyTrades": 20,
    "privateGetOpenOrders": 6,
    "privateGetOrder": 4,
}
_WHOLE_WEIGHT = 80
"""Of the open orders of all symbols."""

_STATUS: Mapping[str, OrderStatus] = {
    "NEW": "open",
    "PENDING_NEW": "open",
    "PARTIALLY_FILLED": "open",
    "PENDING_CANCEL": "open",
    "FILLED": "filled",
    "CANCELED": "cancelled",
    "REJECTED": "refused",
    "EXPIRED": "expired",
    "EXPIRED_IN_MATCH": "expired",
}


class BinanceSpotWording(BinanceWording):
    """Codes are those of the futures; limits and endpoints are others."""

    time_endpoint = "publicGetTime"

    def used_share(self, reply: Reply) -> float | None:
        used = reply.headers.get("x-mbx-used-weight-1m", "")
        return int(used) / WEIGHT_A_MINUTE if used.isdigit() else None

    def share_of(self, endpoint: str, params: Mapping[str, Any]) -> float:
        is_whole = endpoint == "privateGetOpenOrders" and "symbol" not in params
        return (_WHOLE_WEIGHT if is_whole else _WEIGHTS.get(endpoint, 1)) / WEIGHT_A_MINUTE


def listing(row: Mapping[str, Any]) -> ListedMarket:
    """One symbol of `exchangeInfo`; a step of 0 is none."""
    by_type = {rule["filterType"]: rule for rule in row["filters"]}
    size, market_size = by_type["LOT_SIZE"], by_type.get("MARKET_LOT_SIZE", by_type["LOT_SIZE"])
    least = by_type.get("NOTIONAL") or by_type.get("MIN_NOTIONAL") or {}
    lot = max(Decimal(size["stepSize"]), Decimal(market_size["stepSize"])).normalize()
    tick = Decimal(by_type["PRICE_FILTER"]["tickSize"]).normalize()
    if lot <= 0 or tick <= 0:
        raise ValueError(f"steps of {tick} and {lot}")
    return ListedMarket(
        market_id=row["symbol"],
        symbol=f"{row['baseAsset']}/{row['quoteAsset']}",
        tick=tick,
        lot=lot,
        min_size_base=max(float(size["minQty"]), float(market_size["minQty"])),
        max_market_size_base=min(float(size["maxQty"]), float(market_size["maxQty"])),
        min_notional_quote=float(least.get("minNotional", 0)),
        price_band=_band(by_type),
        is_trading=row["status"] == "TRADING" and bool(row["isSpotTradingAllowed"]),
        can_short=False,
        sells_lock=True,
        can_pair=bool(row["ocoAllowed"]),
    )


def has_stops(row: Mapping[str, Any]) -> bool:
    """Whether a stop that sells at the market can wait there."""
    return "STOP_LOSS" in row["orderTypes"]


def _band(by_type: Mapping[str, Any]) -> float:
    """How far from the average price of the last minutes an order to sell may be."""
    sides = by_type.get("PERCENT_PRICE_BY_SIDE")
    if sides:
        return min(float(sides["askMultiplierUp"]) - 1, 1 - float(sides["askMultiplierDown"]))
    both = by_type.get("PERCENT_PRICE")
    return min(float(both["multiplierUp"]) - 1, 1 - float(both["multiplierDown"])) if both else math.inf


def order(row: Mapping[str, Any], symbol: str, otherwise: OrderStatus | None = None) -> VenueOrder:
    """An order; `otherwise` is what a status that is not known here comes to, else a VenueUnknown.

    Nothing says there that an order only reduces: whatever sells, sells what is held.
    """
    status = _STATUS.get(row["status"], otherwise)
    if status is None:
        raise VenueUnknown(f"Binance told of {row['clientOrderId']} a status that is not known here, {row['status']!r}")
    kind, filled = _kind(row["type"]), float(row["executedQty"])
    price = float(row.get("stopPrice") or 0) if kind == "stop" else float(row["price"])
    return VenueOrder(
        client_id=row["clientOrderId"],
        symbol=symbol,
        side={"BUY": 1, "SELL": -1}[row["side"]],
        kind=kind,
        size_base=float(row["origQty"]),
        filled_base=filled,
        price=price or None if kind != "market" else None,
        average_price=float(row["cummulativeQuoteQty"]) / filled if filled else None,
        is_reduce_only=row["side"] == "SELL",
        status=status,
        updated_ms=int(row.get("updateTime") or row.get("transactTime") or row["time"]),
    )


def _kind(text: str) -> OrderKind:
    if text == "MARKET":
        return "market"
    return "limit" if text in ("LIMIT", "LIMIT_MAKER") else "stop"


def balances(body: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """By asset what is free, and what is held with what orders lock."""
    rows = body["balances"]
    return {row["asset"]: (float(row["free"]), float(row["free"]) + float(row["locked"])) for row in rows}


def fee_rate(row: Mapping[str, Any], kind: str) -> float:
    """What "maker" or "taker" pays of a notional, on the dearer side; in BNB less, where the account pays so."""
    discount = row.get("discount") or {}
    is_less = bool(discount.get("enabledForAccount")) and bool(discount.get("enabledForSymbol"))
    shares = {"standardCommission": float(discount["discount"]) if is_less else 1.0}
    groups = ("standardCommission", "specialCommission", "taxCommission")
    return sum(shares.get(group, 1.0) * _rate(row[group], kind) for group in groups if row.get(group))


def _rate(group: Mapping[str, Any], kind: str) -> float:
    return float(group[kind]) + max(float(group["buyer"]), float(group["seller"]))
