"""A transport that answers from a list, and Binance's answers as they are written."""

import asyncio
import inspect
import json
from urllib.parse import parse_qsl, urlsplit

from tradsys.live.venue import VenueUnknown
from tradsys.live.venues.transport import reply_of

KEY, SECRET = "CANARYKEYq7+/w==", "CANARYSECRET/z9+x=="

SYMBOL = {
    "symbol": "BTCUSDT",
    "contractType": "PERPETUAL",
    "status": "TRADING",
    "baseAsset": "BTC",
    "quoteAsset": "USDT",
    "marginAsset": "USDT",
    "filters": [
        {"filterType": "PRICE_FILTER", "maxPrice": "4529764", "minPrice": "556.80", "tickSize": "0.10"},
        {"filterType": "LOT_SIZE", "stepSize": "0.001", "maxQty": "1000", "minQty": "0.001"},
        {"filterType": "MARKET_LOT_SIZE", "stepSize": "0.001", "maxQty": "120", "minQty": "0.001"},
        {"filterType": "MAX_NUM_ORDERS", "limit": 200},
        {"filterType": "MIN_NOTIONAL", "notional": "50"},
        {"filterType": "PERCENT_PRICE", "multiplierUp": "1.0500", "multiplierDown": "0.9600"},
    ],
}
ORDER = {
    "orderId": 22542179,
    "symbol": "BTCUSDT",
    "status": "FILLED",
    "clientOrderId": "acct-btcusdt-1700000000-e1",
    "price": "0",
    "avgPrice": "60001.50000",
    "origQty": "0.010",
    "executedQty": "0.010",
    "type": "MARKET",
    "origType": "MARKET",
    "reduceOnly": False,
    "side": "BUY",
    "positionSide": "BOTH",
    "stopPrice": "0",
    "updateTime": 1700000000123,
}
ALGO = {
    "algoId": 2146760,
    "clientAlgoId": "acct-btcusdt-1700000000-s1",
    "algoType": "CONDITIONAL",
    "orderType": "STOP_MARKET",
    "symbol": "BTCUSDT",
    "side": "SELL",
    "quantity": "0.010",
    "algoStatus": "NEW",
    "triggerPrice": "59000.00",
    "price": "0",
    "reduceOnly": True,
    "createTime": 1700000000200,
    "updateTime": 1700000000200,
}
TRADE = {
    "symbol": "BTCUSDT",
    "id": 1,
    "orderId": 22542179,
    "side": "BUY",
    "price": "60001.50",
    "qty": "0.010",
    "realizedPnl": "0",
    "commission": "0.30",
    "commissionAsset": "USDT",
    "time": 1700000000123,
    "maker": False,
}


def refused(code, words="no", status=400):
    return status, {"code": code, "msg": words}


class Turns:
    """One answer after the other; the last one stays."""

    def __init__(self, *answers):
        self.answers = list(answers)

    def next(self):
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class Recorded:
    """Answers `replies[path]`: a body, (status, body), (status, body, headers), an exception, Turns, or a function."""

    def __init__(self, **replies):
        self.replies = {"fapi/v1/exchangeInfo": {"symbols": [SYMBOL]}, "fapi/v1/time": {"serverTime": 1}}
        self.replies |= {path.replace("__", "/"): answer for path, answer in replies.items()}
        self.asked, self.streams, self.is_closed = [], [], False

    async def send(self, method, url, headers, body):
        parts = urlsplit(url)
        path = parts.path.strip("/")
        params = dict(parse_qsl(parts.query or body or "")) if not str(body).startswith("{") else json.loads(body)
        await asyncio.sleep(0.001)
        self.asked.append((method, path, params, dict(headers)))
        answer = self.replies.get(f"{method} {path}", self.replies.get(path, refused(-5000, "Path not known", 404)))
        if isinstance(answer, Turns):
            answer = answer.next()
        if callable(answer):
            answer = answer(params)
        if inspect.isawaitable(answer):
            answer = await answer
        if isinstance(answer, Exception):
            raise answer
        status, content, *more = answer if isinstance(answer, tuple) else (200, answer)
        return reply_of(status, more[0] if more else {}, content if isinstance(content, str) else json.dumps(content))

    async def messages(self, url, talk):
        self.streams.append((url, talk))
        path = urlsplit(url).path.strip("/")
        if path not in self.replies:
            await asyncio.Event().wait()
        for message in self.replies[path]:
            if isinstance(message, Exception):
                raise message
            yield message

    async def close(self):
        self.is_closed = True

    def sent(self, path):
        return [params for _, asked, params, _ in self.asked if asked == path]


LOST = VenueUnknown("the connection failed (ServerDisconnectedError)")
