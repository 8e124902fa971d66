"""The spot exchange over HTTP and WebSocket, behind the same faults, gate and controls as the futures."""

import json
from typing import Any

from aiohttp import web
from tests.exchange.app import LoopbackExchange
from tests.exchange.model import Exchange
from tests.exchange.records import Event
from tests.exchange.signing import Gate
from tests.exchange.spot import views
from tests.exchange.spot.model import SpotExchange
from tests.exchange.spot.rest import SpotRest
from tests.exchange.streams import Channel, Streams


class SpotStreams(Streams):
    """Bars at /stream, the account's events at /ws-api/v3 after a signed subscription."""

    gate = Gate()

    async def _answer(self, socket: web.WebSocketResponse, channel: Channel, asked: dict[str, Any]) -> None:
        if asked.get("method") != "userDataStream.subscribe.signature":
            await Streams._answer(self, socket, channel, asked)
            return
        given = asked["params"]
        query = f"apiKey={given['apiKey']}&timestamp={given['timestamp']}&signature={given['signature']}"
        params = {name: str(value) for name, value in given.items()}
        self.gate.check(given["apiKey"], query, "", params, self.exchange.advance())
        channel.listen_key = "subscribed"
        await socket.send_str(json.dumps(dict(id=asked["id"], status=200, result=dict(subscriptionId=0))))

    def _deliver(self, channel: Channel, event: Event) -> None:
        if event.kind == "kline":
            channel.group = "market"
            self._deliver_bar(channel, event)
        elif event.kind == "order" and channel.listen_key:
            told = views.order_event(
                self.exchange.symbols[event.symbol], event.what["order"], event.what["what"], event.ts_ms
            )
            channel.put("", dict(subscriptionId=0, event=told))


class LoopbackSpot(LoopbackExchange):
    """Binance's spot market on this machine."""

    is_spot = True

    def _parts(self, exchange: Exchange, interval: str) -> tuple[SpotRest, SpotStreams]:
        assert isinstance(exchange, SpotExchange)
        return SpotRest(exchange, interval), SpotStreams(exchange, interval)
