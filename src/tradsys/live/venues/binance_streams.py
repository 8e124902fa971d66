"""Binance futures' streams as hints: closed bars of the market, and whatever happened to the account.

Each group of streams has its own address since April 2026: on another one a connection stands and stays silent.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any

from tradsys.live.venue import Hint, VenueUnknown
from tradsys.live.venues.binance_client import BinanceClient
from tradsys.live.venues.ccxt_venue import readable
from tradsys.live.venues.merging import merged
from tradsys.live.venues.transport import Talk

STREAMS = "wss://fstream.binance.com"
RENEWED_S = 1_800.0
"""A listen key lives an hour after it was last renewed."""
ACCOUNT_EVENTS = frozenset({"ORDER_TRADE_UPDATE", "TRADE_LITE", "ALGO_UPDATE", "ACCOUNT_UPDATE", "MARGIN_CALL"})


def hints_of(venue: BinanceClient, symbols: Collection[str], interval_ms: int) -> AsyncIterator[Hint]:
    """Hints of both streams until one of them ends; the account's only where there is a key."""
    sources = [venue.bar_hints(f"{venue.stream_base(STREAMS)}/market", symbols, interval_ms)]
    if venue.api.has_keys:
        sources += [_account(venue), _renewals(venue)]
    return merged(sources)


async def _account(venue: BinanceClient) -> AsyncIterator[Hint]:
    key = await _listen_key(venue)
    async for message in venue.api.transport.messages(
        f"{venue.stream_base(STREAMS)}/private/ws?listenKey={key}", Talk()
    ):
        with readable(venue.name, "a message of the account's stream"):
            told: Mapping[str, Any] = message.get("data", message)
            event = told.get("e", "")
            symbols = _symbols(told) if event in ACCOUNT_EVENTS else ()
        if event == "listenKeyExpired":
            raise VenueUnknown(f"{venue.name} ended the account's stream: its listen key has expired")
        for market_id in symbols:
            yield Hint("account", venue.listings.name(market_id) if market_id else "")


async def _renewals(venue: BinanceClient) -> AsyncIterator[Hint]:
    """Nothing, for ever; it keeps the listen key alive, and fails where that fails."""
    nothing: tuple[Hint, ...] = ()
    while True:
        await asyncio.sleep(RENEWED_S)
        await venue.ask_signed("fapiPrivatePutListenKey")
        for hint in nothing:
            yield hint


async def _listen_key(venue: BinanceClient) -> str:
    body = await venue.ask_signed("fapiPrivatePostListenKey")
    with readable(venue.name, "a listen key"):
        return str(body["listenKey"])


def _symbols(told: Mapping[str, Any]) -> tuple[str, ...]:
    """The market ids that an event is about; "" where it is about the account as a whole."""
    if "o" in told:
        return (str(told["o"]["s"]),)
    held = (*told.get("a", {}).get("P", ()), *told.get("p", ()) * (told["e"] == "MARGIN_CALL"))
    return tuple(str(row["s"]) for row in held) or (str(told.get("s", "")),)
