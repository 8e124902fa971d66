"""The loopback exchange over HTTP: every request passes the faults, the gate, and then the endpoints."""

import asyncio
import json
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web
from tests.exchange import refusals, views
from tests.exchange.driving import Driver
from tests.exchange.model import Exchange
from tests.exchange.rest import Rest
from tests.exchange.signing import Gate
from tests.exchange.streams import Streams

UNSIGNED = frozenset({"price", "ping", "time", "exchangeInfo", "klines", "premiumIndex", "fundingRate", "fundingInfo"})
RETRY_S = {"limited": ("2", 429), "banned": ("120", 418)}


class LostAnswer(Exception):
    """The connection is to be cut instead of an answer."""


class HungAnswer(Exception):
    """Nothing is ever to come, while the connection stands."""


class LoopbackExchange:
    """Joins model, endpoints, streams and control; `speed` is how much faster than the world its clock goes."""

    is_spot = False
    tick_s = 1.0

    def __init__(self, exchange: Exchange, interval: str, gate: Gate, *, speed: float = 1.0) -> None:
        self.exchange, self.gate = exchange, gate
        self.rest, self.streams = self._parts(exchange, interval)
        self.driver = Driver(exchange, speed=speed)
        self.counts: Counter[str] = Counter()
        self.seen: deque[tuple[int, str, str]] = deque(maxlen=50_000)
        self._weight = (0, 0)
        self._account_paths: Mapping[tuple[str, str], Callable[[str], Any]] = {
            ("POST", "/fapi/v1/listenKey"): lambda _: {"listenKey": self.streams.keys.take()},
            ("PUT", "/fapi/v1/listenKey"): lambda _: self._renewed(),
            ("DELETE", "/fapi/v1/listenKey"): lambda _: self.streams.keys.expire() or {},
        }
        exchange.tells_ticks = True
        exchange.listeners.append(self._note)

    def _parts(self, exchange: Exchange, interval: str) -> tuple[Rest, Streams]:
        """The endpoints and the streams."""
        return Rest(exchange, interval), Streams(exchange, interval)

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self.handle)
        app.on_startup.append(self._start)
        app.on_cleanup.append(self._stop)
        return app

    async def _start(self, _: web.Application) -> None:
        self.driver.arm()
        self._ticker = asyncio.ensure_future(self._tick())

    async def _stop(self, _: web.Application) -> None:
        self.driver.stop()
        self._ticker.cancel()

    async def _tick(self) -> None:
        """Bars under way are told every second, as at Binance."""
        while True:
            await asyncio.sleep(self.tick_s)
            self.exchange.tell_live_bars()
            self.driver.arm()

    def _note(self, event: Any) -> None:
        """When closed bars left: what an order's latency is measured from."""
        if event.kind == "kline" and event.what["is_closed"]:
            self.seen.append((time.monotonic_ns(), "kline", f"{event.symbol} {event.what['bar'].ts_ms}"))

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self.streams.handle(request)
        if request.path.startswith("/_ctl"):
            return await self._control(request)
        body = (await request.read()).decode()
        self.counts[f"{request.method} {request.path}"] += 1
        try:
            return self._answered(await self._asked(request, body))
        except LostAnswer:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        except HungAnswer:
            self.driver.arm()
            await _given_up(request)
            return web.Response()
        except refusals.Refusal as refusal:
            return self._refused(refusal)
        finally:
            self.driver.arm()

    def _answered(self, answer: Any) -> web.Response:
        minute, used = self._weight
        now = self.exchange.agenda.time_ms // 60_000
        self._weight = (now, used + 1 if now == minute else 1)
        return web.json_response(answer, headers={"X-MBX-USED-WEIGHT-1M": str(self._weight[1])})

    def _refused(self, refusal: refusals.Refusal) -> web.Response:
        wait = next(({"Retry-After": text} for text, status in RETRY_S.values() if status == refusal.status), {})
        return web.json_response(dict(code=refusal.code, msg=refusal.text), status=refusal.status, headers=wait)

    async def _asked(self, request: web.Request, body: str) -> Any:
        """The answer, or what a fault makes of it."""
        params = dict(parse_qsl(request.query_string) + parse_qsl(body))
        key, name = request.headers.get("X-MBX-APIKEY"), request.path.rsplit("/", 1)[-1]
        now = self.exchange.advance()
        is_private = name not in UNSIGNED
        self._fail_before(is_private)
        if name == "listenKey":
            self.gate.check_key(key)
        elif is_private:
            self.gate.check(key, request.query_string, body, params, now)
        if request.method == "POST" and name in ("order", "algoOrder", "oco"):
            self._arrived(params, request)
        answer = self._act(request.method, request.path, params, key or "")
        self._fail_after()
        return answer

    def _arrived(self, params: Mapping[str, str], request: web.Request) -> None:
        """An order has come; by a fault only once its sender has given up."""
        ids = ("newClientOrderId", "clientAlgoId", "belowClientOrderId")
        client_id = next((params[name] for name in ids if name in params), "")
        self.seen.append((time.monotonic_ns(), "order", client_id))
        if self._hits("late_arrival"):
            method, path = request.method, request.path
            later_s = self.exchange.faults.between("late_arrival", 0.05, 0.8)
            asyncio.get_running_loop().call_later(later_s, lambda: self._act_late(method, path, params))
            raise LostAnswer

    def _act_late(self, method: str, path: str, params: Mapping[str, str]) -> None:
        try:
            self._act(method, path, params, "")
        except refusals.Refusal:
            self.counts["late and refused"] += 1
        finally:
            self.driver.arm()

    def _act(self, method: str, path: str, params: Mapping[str, str], key: str) -> Any:
        if (method, path) in self._account_paths:
            return self._account_paths[(method, path)](key)
        if path == "/sapi/v1/account/apiRestrictions":
            return self._restrictions(key)
        act = self.rest.routes.get((method, path))
        if act is None:
            self.counts[f"unknown {method} {path}"] += 1
            raise refusals.Refusal(-5000, f"Path {path}, Method {method} is invalid", 404)
        return act(params)

    def _restrictions(self, key: str) -> dict[str, Any]:
        return dict(
            ipRestrict=True, createTime=1_569_398_400_000, enableReading=True, enableFutures=not self.is_spot,
            enableMargin=False,
            enableSpotAndMarginTrading=self.is_spot, enableWithdrawals=key == "WITHDRAW", enableInternalTransfer=False,
            permitsUniversalTransfer=False, enableVanillaOptions=False, enableFixApiTrade=False,
            enableFixReadOnly=False, enablePortfolioMarginTrading=False,
        )  # fmt: skip

    def _renewed(self) -> dict[str, Any]:
        if not self.streams.keys.renew():
            raise refusals.Refusal(-1125, "This listenKey does not exist.")
        return {"listenKey": self.streams.keys.key}

    def _fail_before(self, is_private: bool) -> None:
        if self._hits("lose_request"):
            raise LostAnswer
        for name, (_, status) in RETRY_S.items():
            if self._hits(name):
                raise refusals.Refusal(-1003, "Too many requests.", status)
        if is_private and self._hits("maintenance"):
            raise refusals.Refusal(-1001, "Internal error; unable to process your request. Please try again.", 503)
        if self._hits("busy"):
            raise refusals.Refusal(-1001, "Internal error; unable to process your request. Please try again.", 503)

    def _fail_after(self) -> None:
        if self._hits("lose_answer"):
            raise LostAnswer
        if self._hits("hang"):
            raise HungAnswer
        if self._hits("busy_after"):
            words = "Timeout waiting for response from backend server. Send status unknown; execution status unknown."
            raise refusals.Refusal(-1007, words, 503)

    def _hits(self, name: str) -> bool:
        return self.exchange.faults.hits(name, self.exchange.agenda.time_ms)

    async def _control(self, request: web.Request) -> web.Response:
        """GET tells, POST changes; see `control`."""
        if request.method == "POST":
            try:
                self.control(json.loads(await request.read()))
            except (ValueError, KeyError, TypeError, refusals.Refusal) as error:
                return web.json_response(dict(error=f"{type(error).__name__}: {error}"), status=400)
        return web.json_response(self.told())

    def control(self, wanted: Mapping[str, Any]) -> None:
        """What a test may do to it, in this order.

        `faults` rates by name, `once` how often each is certain next, `price` by symbol (with `gap` it jumps),
        `mark_gap` by symbol, `up` whether the bot is up, `delist` a symbol, `transfer` an amount, `drop_streams`,
        `silence_streams`, `expire_listen_key`, `hedge_mode` and `multi_asset` as settings of the account.
        """
        known = {
            "faults": self.exchange.faults.set,
            "once": self.exchange.faults.certain,
            "price": lambda prices: self._move(prices, is_gap=bool(wanted.get("gap"))),
            "gap": lambda _: None,
            "mark_gap": self._set_marks,
            "up": self.exchange.turn,
            "delist": self.exchange.delist,
            "transfer": self.exchange.transfer,
            "drop_streams": lambda is_wanted: self.streams.drop() if is_wanted else None,
            "silence_streams": self.streams.silence,
            "expire_listen_key": lambda is_wanted: self.streams.keys.expire() if is_wanted else None,
            "hedge_mode": lambda is_so: setattr(self.rest, "is_hedge_mode", is_so),
            "multi_asset": lambda is_so: setattr(self.rest, "is_multi_asset", is_so),
        }
        unknown = set(wanted) - set(known)
        if unknown:
            raise ValueError(f"no such control: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
        for name, act in known.items():
            if name in wanted:
                act(wanted[name])  # type: ignore[no-untyped-call]
        self.driver.arm()

    def _move(self, prices: Mapping[str, float], *, is_gap: bool) -> None:
        for name, price in prices.items():
            self.exchange.move(name, price, is_gap=is_gap)

    def _set_marks(self, gaps: Mapping[str, float]) -> None:
        for name, gap in gaps.items():
            self.exchange.state(name).mark_gap = gap

    def told(self) -> dict[str, Any]:
        """Invariants and everything that happened, as plain values."""
        report, states = self.exchange.report(), self.exchange.symbols
        history = [order for state in states.values() for order in state.history.values()]
        return report | dict(
            orders=[self.rest.view(o) for o in history if not o.is_algo],
            algos=[views.algo_order(states[o.symbol], o) for o in history if o.is_algo],
            executions=[asdict(done) for done in self.exchange.books.executions],
            income=[asdict(one) for one in self.exchange.books.income],
            counts=dict(self.counts),
            seen=list(self.seen),
        )


async def _given_up(request: web.Request) -> None:
    """Wait until the client has."""
    while request.transport is not None and not request.transport.is_closing():
        await asyncio.sleep(0.02)
