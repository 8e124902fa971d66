"""Bybit's answers (v5, linear) in this project's words: rules, orders, positions, fills and errors."""

import math
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from tradsys.live.venue import AccountState, Fill, FundingPayment, Kline, OrderKind, OrderStatus, Position, VenueOrder
from tradsys.live.venues.ccxt_venue import YES, Said
from tradsys.live.venues.listing import ListedMarket
from tradsys.live.venues.transport import Reply

TOO_OFTEN = frozenset({"10006", "10018", "10429"})
UNCLEAR = frozenset({"10000", "10016", "10019", "12000"})
"""Time ran out or something failed inside Bybit: what was asked may have happened."""
CLOCK = "10002"
NOT_OPEN = "110001"
SAME_ID = "110072"
SAME_LEVERAGE = "110043"
PASSED = frozenset({"110092", "110093"})
"""A stop whose trigger the last price has passed."""

SIDES: Mapping[int, str] = {1: "Buy", -1: "Sell"}
MARGIN_MODES: Mapping[str, str] = {"isolated": "ISOLATED_MARGIN", "cross": "REGULAR_MARGIN"}
_STATUS: Mapping[str, OrderStatus] = {
    "New": "open",
    "PartiallyFilled": "open",
    "Untriggered": "open",
    "Triggered": "open",
    "Filled": "filled",
    "Cancelled": "cancelled",
    "PartiallyFilledCanceled": "cancelled",
    "Deactivated": "cancelled",
    "Rejected": "refused",
}


class BybitWording:
    """What a reply comes to, by Bybit's codes."""

    time_endpoint = "publicGetV5MarketTime"

    def server_ms(self, body: Any) -> int:
        return int(body["result"]["timeNano"]) // 1_000_000

    def said(self, reply: Reply) -> Said:
        code = str(reply.body.get("retCode", "")) if isinstance(reply.body, dict) else ""
        if code == "0" and reply.status < 300:
            return YES
        if not code.isdigit() or code == "0":
            return Said("none", f"HTTP {reply.status}", is_definite=False)
        words = str(reply.body.get("retMsg", ""))
        return Said(
            code, words, is_definite=code not in UNCLEAR, is_clock=code == CLOCK, is_too_often=code in TOO_OFTEN
        )

    def used_share(self, reply: Reply) -> float | None:
        """Limits are an endpoint's own, so that questions take no room from orders."""
        return None

    def share_of(self, endpoint: str, params: Mapping[str, Any]) -> float:
        return 0.0


def listing(row: Mapping[str, Any]) -> ListedMarket:
    """One row of `instruments-info`; a future that ends has its date in its name."""
    size, band = row["lotSizeFilter"], row.get("riskParameters", {}).get("priceLimitRatioX")
    name = f"{row['baseCoin']}/{row['quoteCoin']}:{row['settleCoin']}"
    _, _, ends = row["symbol"].partition("-")
    return ListedMarket(
        market_id=row["symbol"],
        symbol=name if row["contractType"] == "LinearPerpetual" else f"{name}-{ends or row['contractType']}",
        tick=_step(row["priceFilter"]["tickSize"]),
        lot=_step(size["qtyStep"]),
        min_size_base=float(size["minOrderQty"]),
        max_market_size_base=float(size.get("maxMktOrderQty") or size["maxOrderQty"]),
        min_notional_quote=float(size.get("minNotionalValue") or 0),
        price_band=float(band) if band else math.inf,
        is_trading=row["status"] == "Trading",
    )


def _step(text: str) -> Decimal:
    step = Decimal(text).normalize()
    if step <= 0:
        raise ValueError(f"a step of {text}")
    return step


def kline(row: list[Any]) -> Kline:
    """One bar, with the turnover that Bybit tells besides."""
    start, high, low, end, volume = (float(value) for value in row[1:6])
    return Kline(int(row[0]), start, high, low, end, volume, {"quote_volume": float(row[6])})


def order(row: Mapping[str, Any], symbol: str) -> VenueOrder:
    """An order, conditional or not: one that was triggered stays the same order here."""
    trigger = float(row.get("triggerPrice") or 0)
    kind: OrderKind = "stop" if trigger else "market" if row["orderType"] == "Market" else "limit"
    limit = float(row["price"] or 0) or None
    return VenueOrder(
        client_id=row["orderLinkId"],
        symbol=symbol,
        side=_side(row["side"]),
        kind=kind,
        size_base=float(row["qty"]),
        filled_base=float(row["cumExecQty"] or 0),
        price={"stop": trigger or None, "limit": limit, "market": None}[kind],
        average_price=float(row["avgPrice"] or 0) or None,
        is_reduce_only=bool(row["reduceOnly"]),
        status=_STATUS[row["orderStatus"]],
        updated_ms=int(row["updatedTime"]),
    )


def _side(text: str) -> int:
    return {"Buy": 1, "Sell": -1}[text]


def account(coins: Iterable[Mapping[str, Any]], quote: str, held: Iterable[Position]) -> AccountState:
    """Money in one coin; what its positions and orders bind is not available."""
    coin = next((row for row in coins if row["coin"] == quote), None)
    if coin is None:
        return AccountState(0.0, 0.0, 0.0, tuple(held))
    bound = sum(float(coin.get(name) or 0) for name in ("totalPositionIM", "totalOrderIM", "locked"))
    wallet, unrealised = float(coin["walletBalance"]), float(coin["unrealisedPnl"])
    return AccountState(wallet, unrealised, max(wallet + min(unrealised, 0.0) - bound, 0.0), tuple(held))


def pools_other_coins(coins: Iterable[Mapping[str, Any]], quote: str) -> bool:
    """Whether other coins than the quote stand for its losses too."""
    others = (row for row in coins if row["coin"] != quote and float(row.get("equity") or 0) > 0)
    return any(bool(row.get("marginCollateral")) and bool(row.get("collateralSwitch")) for row in others)


def position(row: Mapping[str, Any], symbol: str) -> Position:
    """One side of a position that is held."""
    return Position(
        symbol=symbol,
        size_base=_side(row["side"]) * float(row["size"]),
        entry_price=float(row["avgPrice"]),
        mark_price=float(row["markPrice"]),
        unrealised_quote=float(row["unrealisedPnl"] or 0),
        liquidation_price=float(row.get("liqPrice") or 0) or None,
    )


def fill(row: Mapping[str, Any], symbol: str) -> Fill:
    """One execution."""
    return Fill(
        trade_id=row["execId"],
        client_id=row["orderLinkId"],
        symbol=symbol,
        side=_side(row["side"]),
        size_base=float(row["execQty"]),
        price=float(row["execPrice"]),
        fee_quote=float(row["execFee"]),
        realised_quote=float(row["execPnl"] or 0),
        is_maker=bool(row["isMaker"]),
        ts_ms=int(row["execTime"]),
    )


def payment(row: Mapping[str, Any], name: Callable[[str], str]) -> FundingPayment:
    """One settlement: positive in the log is received."""
    return FundingPayment(row["id"], name(row["symbol"]), -float(row["funding"]), int(row["transactionTime"]))
