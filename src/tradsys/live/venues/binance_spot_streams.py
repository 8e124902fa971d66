"""Binance spot's streams as hints: closed bars, and whatever happened to the account.

The account is told of by the WebSocket API after a signed subscription: the listen keys of earlier years are no more.
"""

import json
from collections.abc import AsyncIterator, Collection

from tradsys.live.venue import Hint, VenueUnknown
from tradsys.live.venues.binance_spot_client import BinanceSpotClient
from tradsys.live.venues.ccxt_venue import readable
from tradsys.live.venues.merging import merged
from tradsys.live.venues.transport import Talk

STREAMS = "wss://stream.binance.com:9443"
ASKED = "wss://ws-api.binance.com:443"
ORDERS = frozenset({"executionReport"})
ACCOUNT = frozenset({"outboundAccountPosition", "balanceUpdate", "listStatus"})


def hints_of(venue: BinanceSpotClient, symbols: Collection[str], interval_ms: int) -> AsyncIterator[Hint]:
    """Hints of both streams until one of them ends; the account's only where there is a key."""
    sources = [venue.bar_hints(venue.stream_base(STREAMS), symbols, interval_ms)]
    if venue.api.has_keys:
        sources.append(_account(venue))
    return merged(sources)


async def _account(venue: BinanceSpotClient) -> AsyncIterator[Hint]:
    stamp = await venue.api.now_ms()
    signed = f"apiKey={venue.api.key}&timestamp={stamp}"
    params = {"apiKey": venue.api.key, "timestamp": stamp, "signature": venue.api.signature(signed)}
    asked = json.dumps({"id": "account", "method": "userDataStream.subscribe.signature", "params": params})
    async for message in venue.api.transport.messages(f"{venue.stream_base(ASKED)}/ws-api/v3", Talk(first=(asked,))):
        with readable(venue.name, "a message of the account's stream"):
            is_refused = int(message.get("status", 200)) >= 300
            event = message.get("event") or {}
            kind, market_id = str(event.get("e", "")), str(event.get("s", ""))
        if is_refused or kind == "eventStreamTerminated":
            raise VenueUnknown(f"{venue.name} ended the account's stream, or would not open it")
        if kind in ORDERS | ACCOUNT:
            yield Hint("account", venue.listings.name(market_id) if market_id else "")
