"""The spot endpoints under /api/v3, as functions of the model and a request's parameters."""

from typing import Any

from tests.exchange import refusals
from tests.exchange.model import DAY_MS
from tests.exchange.records import BookOrder
from tests.exchange.rest import EVER, Params, Rest, needed, real, whole
from tests.exchange.spot import views
from tests.exchange.spot.model import TYPES, SpotExchange
from tests.exchange.wishes import OrderWish


class SpotRest(Rest):
    """Answers in Binance's JSON, or a Refusal."""

    exchange: SpotExchange

    def __post_init__(self) -> None:
        public = {
            "ping": lambda _: {},
            "time": lambda _: {"serverTime": self.exchange.advance()},
            "exchangeInfo": self.info,
            "klines": self.klines,
            "ticker/price": self.prices,
        }
        asked = {
            "order": lambda p: self.one(p, is_algo=False),
            "openOrders": lambda p: self.open(p, is_algo=False),
            "allOrders": lambda p: self.all(p, is_algo=False),
            "myTrades": self.trades,
            "account": lambda _: self.account(),
            "account/commission": lambda p: views.fees(self.exchange, self.exchange.state(needed(p, "symbol")).name),
        }
        self.routes = {("GET", f"/api/v3/{name}"): act for name, act in (public | asked).items()}
        self.routes |= {
            ("POST", "/api/v3/order"): self.place,
            ("POST", "/api/v3/orderList/oco"): self.place_pair,
            ("DELETE", "/api/v3/order"): lambda p: self.cancel(p, is_algo=False),
        }

    def info(self, _: Params) -> dict[str, Any]:
        limits = [dict(rateLimitType="REQUEST_WEIGHT", interval="MINUTE", intervalNum=1, limit=6_000)]
        symbols = [views.symbol_info(state) for state in self.exchange.symbols.values()]
        return dict(
            timezone="UTC", serverTime=self.exchange.advance(), rateLimits=limits, exchangeFilters=[], symbols=symbols
        )

    def prices(self, params: Params) -> Any:
        named = params.get("symbols", "")
        names = [part.strip('"') for part in named.strip("[]").split(",") if part] or self.names(params)
        rows = [dict(symbol=name, price=f"{self.exchange.state(name).price:.8f}") for name in names]
        return rows[0] if params.get("symbol") else rows

    def view(self, found: BookOrder) -> dict[str, Any]:
        return views.order(self.exchange.symbols[found.symbol], found)

    def place(self, params: Params) -> dict[str, Any]:
        kind = needed(params, "type")
        if kind not in TYPES:
            raise refusals.Refusal(-1116, "Invalid orderType.")
        level = real(params, "price") if kind.startswith("LIMIT") else None
        level = real(params, "stopPrice") if kind == "STOP_LOSS" else level
        found = self.exchange.place(_wish(params, kind, level, params.get("newClientOrderId", "")))
        return views.placed(self.exchange.symbols[found.symbol], found)

    def place_pair(self, params: Params) -> dict[str, Any]:
        if (needed(params, "aboveType"), needed(params, "belowType")) != ("LIMIT_MAKER", "STOP_LOSS"):
            raise refusals.Refusal(-1116, "Invalid orderType.")
        stop = _wish(params, "STOP_LOSS", real(params, "belowStopPrice"), needed(params, "belowClientOrderId"))
        limit = _wish(params, "LIMIT_MAKER", real(params, "abovePrice"), needed(params, "aboveClientOrderId"))
        both = self.exchange.place_pair(stop, limit)
        return views.pair(self.exchange.symbols[stop.symbol], both, params.get("listClientOrderId", "list"))

    def trades(self, params: Params) -> list[Any]:
        """A day from the start that is given at most, or what follows an id; a page at most."""
        state, limit = self.exchange.state(needed(params, "symbol")), min(1_000, whole(params, "limit", 500))
        start, end = whole(params, "startTime", 0), whole(params, "endTime", EVER)
        if "startTime" in params and "endTime" in params and end - start > DAY_MS:
            raise refusals.Refusal(-1127, "More than 24 hours between startTime and endTime.")
        rows = self.exchange.executions(state.name, start, end, whole(params, "fromId", 0))
        rows = rows[:limit] if "startTime" in params or "fromId" in params else rows[-limit:]
        return [views.trade(state, row, state.history[row.order_id].pair_id) for row in rows]

    def account(self) -> dict[str, Any]:
        return views.account(self.exchange)


def _wish(params: Params, kind: str, level: float | None, client_id: str) -> OrderWish:
    if needed(params, "side") not in ("BUY", "SELL"):
        raise refusals.bad_parameter("side")
    side = 1 if params["side"] == "BUY" else -1
    return OrderWish(
        needed(params, "symbol"), side, kind, real(params, "quantity"), level, side < 0, client_id,
        params.get("timeInForce") or "GTC",
    )  # fmt: skip
