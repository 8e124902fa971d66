"""WebSocket streams: bars at /market, the account's at /private; at another address a connection stands in silence."""

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import unquote

from aiohttp import WSMsgType, web
from tests.exchange import views
from tests.exchange.model import Exchange
from tests.exchange.records import Event
from tests.exchange.wire import Wire

KEY_LIFE_MS = 60 * 60_000
"""A listen key lives an hour after it was last renewed."""
PRIVATE = ("order", "algo", "account", "expired")


@dataclass(slots=True)
class ListenKeys:
    """Keys of the account's streams: one at a time, as at Binance; asking again renews it."""

    exchange: Exchange
    key: str = ""
    ends_ms: int = 0
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def take(self) -> str:
        """The key that there is, renewed, or a new one."""
        self.exchange.advance()
        self.key = self.key or f"loopback-listen-key-{next(self._numbers)}"
        self.renew()
        return self.key

    def renew(self) -> bool:
        """Give it another hour; False where there is none."""
        self.ends_ms = self.exchange.advance() + KEY_LIFE_MS
        self.exchange.agenda.at(self.ends_ms, self._end)
        return bool(self.key)

    def _end(self) -> None:
        if self.key and self.exchange.agenda.time_ms >= self.ends_ms:
            self.expire()

    def expire(self) -> None:
        """It ends now: its streams are told so, and say nothing more."""
        key, self.key = self.key, ""
        if key:
            now = self.exchange.agenda.time_ms
            for listener in list(self.exchange.listeners):
                listener(Event("expired", "", now, {"key": key}))


@dataclass(slots=True, eq=False)
class Channel:
    """One WebSocket: which streams it wants, and what waits to be sent."""

    group: str
    listen_key: str = ""
    names: set[str] = field(default_factory=set)
    is_combined: bool = False
    queue: "asyncio.Queue[str | None]" = field(default_factory=asyncio.Queue)

    def wants(self, names: Iterable[Any]) -> None:
        self.names.update(unquote(str(name)) for name in names)

    def end(self) -> None:
        self.queue.put_nowait(None)

    def put(self, name: str, message: dict[str, Any]) -> None:
        told = dict(stream=name, data=message) if self.is_combined else message
        self.queue.put_nowait(json.dumps(told))


class Streams:
    """Joins the exchange's events to the sockets, each by a wire with its own faults."""

    def __init__(self, exchange: Exchange, interval: str) -> None:
        self.exchange, self.interval = exchange, interval
        self.keys = ListenKeys(exchange)
        self.wires: dict[Channel, Wire] = {}

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """A connection from its handshake to its end."""
        channel = _channel(request)
        socket = web.WebSocketResponse(autoping=True)
        await socket.prepare(request)
        wire = Wire(self.exchange, lambda event: self._deliver(channel, event), channel.end, delay_ms=0)
        self.exchange.listeners.append(wire)
        sender = asyncio.ensure_future(_send(socket, channel))
        self.wires[channel] = wire
        try:
            async for message in socket:
                if message.type == WSMsgType.TEXT:
                    await self._answer(socket, channel, json.loads(message.data))
        finally:
            wire.close()
            del self.wires[channel]
            sender.cancel()
        return socket

    async def _answer(self, socket: web.WebSocketResponse, channel: Channel, asked: dict[str, Any]) -> None:
        if asked.get("method") == "SUBSCRIBE":
            channel.wants(asked["params"])
        elif asked.get("method") == "UNSUBSCRIBE":
            channel.names.difference_update(asked["params"])
        await socket.send_str(json.dumps(dict(result=None, id=asked.get("id"))))

    def _deliver(self, channel: Channel, event: Event) -> None:
        if event.kind in PRIVATE:
            if channel.listen_key:
                self._deliver_private(channel, event)
        elif channel.group == "market" and event.kind == "kline":
            self._deliver_bar(channel, event)

    def _deliver_private(self, channel: Channel, event: Event) -> None:
        if event.kind == "expired":
            if event.what["key"] == channel.listen_key:
                told = dict(e="listenKeyExpired", E=event.ts_ms, listenKey=channel.listen_key)
                channel.put(channel.listen_key, told)
                channel.listen_key = ""
            return
        if channel.listen_key != self.keys.key:
            return
        state = self.exchange.symbols[event.symbol]
        view = {"order": views.order_event, "algo": views.algo_event, "account": views.account_event}[event.kind]
        channel.put(channel.listen_key, view(state, event))

    def _deliver_bar(self, channel: Channel, event: Event) -> None:
        state, name = self.exchange.symbols[event.symbol], event.symbol.lower()
        bars, marks = f"{name}@kline_{self.interval}", f"{name}@markPrice"
        if bars in channel.names:
            channel.put(bars, views.kline_event(state, event, self.interval, self.exchange.interval_ms))
        for mark in (marks, f"{marks}@1s"):
            if mark in channel.names:
                price = f"{state.mark:.8f}"
                told = dict(e="markPriceUpdate", E=event.ts_ms, s=state.name, p=price, i=price)
                channel.put(mark, told | dict(P="0", r=f"{state.funding_rate:.8f}", T=0))

    def drop(self) -> None:
        """Break every connection."""
        for wire in list(self.wires.values()):
            wire.close()
            wire.drop()

    def silence(self, is_silent: bool) -> None:
        """Let every connection stand and say nothing, or speak again."""
        for wire in self.wires.values():
            wire.is_silent = is_silent


def _channel(request: web.Request) -> Channel:
    """/market/ws/NAME/NAME or /market/stream?streams=NAME/NAME; /private/ws?listenKey=KEY or /private/ws/KEY."""
    group, _, rest = request.path.strip("/").partition("/")
    kind, _, names = rest.partition("/")
    channel = Channel(group, is_combined=kind == "stream")
    if group == "private":
        channel.listen_key = request.query.get("listenKey") or names
    else:
        channel.wants(name for name in (names + "/" + request.query.get("streams", "")).split("/") if name)
    return channel


async def _send(socket: web.WebSocketResponse, channel: Channel) -> None:
    """What waits, in order; None ends the connection without a farewell."""
    while (text := await channel.queue.get()) is not None:
        if socket.closed:
            return
        await socket.send_str(text)
    transport = socket._req.transport if socket._req is not None else None
    if transport is not None:
        transport.abort()
