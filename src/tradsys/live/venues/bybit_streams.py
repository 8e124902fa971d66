"""Bybit's streams as hints: confirmed bars of the market, and whatever happened to the account."""

import json
from collections.abc import AsyncIterator, Collection, Mapping
from urllib.parse import urlsplit

from tradsys.live.venue import Hint, VenueRefused, VenueUnknown
from tradsys.live.venues.ccxt_venue import CcxtVenue, readable
from tradsys.live.venues.merging import merged
from tradsys.live.venues.transport import Talk

STREAMS = "wss://stream.bybit.com"
SILENT_S = 60.0
AUTH_MS = 10_000
PING = json.dumps({"op": "ping"})
TOPICS = ("order", "execution", "position")
INTERVALS: Mapping[int, str] = {
    **{minutes * 60_000: str(minutes) for minutes in (1, 3, 5, 15, 30, 60, 120, 240, 360, 720)},
    86_400_000: "D",
    604_800_000: "W",
}


def hints_of(venue: CcxtVenue, symbols: Collection[str], interval_ms: int) -> AsyncIterator[Hint]:
    """Hints of both streams until one of them ends; the account's only where there is a key."""
    return merged([_bars(venue, symbols, interval_ms), *([_account(venue)] if venue.api.has_keys else [])])


async def _bars(venue: CcxtVenue, symbols: Collection[str], interval_ms: int) -> AsyncIterator[Hint]:
    if interval_ms not in INTERVALS:
        raise VenueRefused(f"{venue.name} has no bars of {interval_ms} ms")
    symbol_of = {(await venue.listing(symbol)).market_id: symbol for symbol in symbols}
    topics = {f"kline.{INTERVALS[interval_ms]}.{market_id}": symbol for market_id, symbol in symbol_of.items()}
    talk = Talk((json.dumps({"op": "subscribe", "args": list(topics)}),), PING, SILENT_S)
    async for message in venue.api.transport.messages(f"{_base(venue)}/v5/public/linear", talk):
        _must_succeed(venue, message)
        with readable(venue.name, "a message of the stream"):
            symbol = topics.get(message.get("topic", ""))
            closed = [int(bar["start"]) for bar in message["data"] if bar["confirm"]] if symbol else []
        for bar_ms in closed:
            yield Hint("bar", symbol or "", bar_ms)


async def _account(venue: CcxtVenue) -> AsyncIterator[Hint]:
    until_ms = await venue.api.now_ms() + AUTH_MS
    auth = [venue.api.key, until_ms, venue.api.signature(f"GET/realtime{until_ms}")]
    first = tuple(json.dumps({"op": op, "args": args}) for op, args in (("auth", auth), ("subscribe", TOPICS)))
    async for message in venue.api.transport.messages(f"{_base(venue)}/v5/private", Talk(first, PING, SILENT_S)):
        _must_succeed(venue, message)
        with readable(venue.name, "a message of the account's stream"):
            is_ours = message.get("topic", "").partition(".")[0] in TOPICS
            ids = [str(row["symbol"]) for row in message["data"]] if is_ours else []
        for market_id in dict.fromkeys(ids):
            yield Hint("account", venue.listings.name(market_id))


def _must_succeed(venue: CcxtVenue, message: Mapping[str, object]) -> None:
    """What is refused on a stream is refused in words; they may hold what was said, and are not told."""
    if not isinstance(message, dict) or message.get("success") is False:
        raise VenueUnknown(f"{venue.name} refused to open a stream")


def _base(venue: CcxtVenue) -> str:
    if venue.api.url is None:
        return STREAMS
    moved = urlsplit(venue.api.url)
    return f"{'wss' if moved.scheme == 'https' else 'ws'}://{moved.netloc}{moved.path}"
