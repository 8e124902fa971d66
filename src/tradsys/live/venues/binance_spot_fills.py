"""All executions of a Binance spot symbol, each under the client id of its order, with what its fee was worth."""

from collections.abc import Sequence
from typing import Any, Final

from tradsys.core.time import DAY_MS
from tradsys.live.venue import Fill
from tradsys.live.venues.binance_fees import fees_of
from tradsys.live.venues.binance_spot_client import BinanceSpotClient
from tradsys.live.venues.ccxt_venue import readable

MOST_ROWS: Final = 1_000
MOST_DAYS: Final = 30
"""Binance tells of a day in one answer; from further back all trades of the symbol are fewer questions."""


async def fills_of(venue: BinanceSpotClient, symbol: str, market_id: str, start_ms: int) -> Sequence[Fill]:
    """Executions from `start_ms` on, in order."""
    rows = await _trades(venue, market_id, start_ms)
    coin = (await venue.listing(symbol)).symbol.partition("/")[0]
    fees = await fees_of(venue, symbol, market_id, rows, coin=coin)
    found = []
    for row, fee_quote in zip(rows, fees, strict=True):
        with readable(venue.name, "executions"):
            client_id = await venue.client_id(symbol, market_id, str(row["orderId"]))
            fee_base = float(row["commission"]) if row["commissionAsset"] == coin else 0.0
            found.append(_fill(row, symbol, client_id, fee_quote, fee_base))
    return found


async def _trades(venue: BinanceSpotClient, market_id: str, start_ms: int) -> list[dict[str, Any]]:
    """Windows of a day while they are not full; from a full page on, and from long ago, by the ids of the trades."""
    now_ms = await venue.api.now_ms()
    found: dict[int, dict[str, Any]] = {}
    if start_ms < now_ms - MOST_DAYS * DAY_MS:
        while rows := await _page(venue, symbol=market_id, fromId=max(found, default=-1) + 1):
            found |= rows
        return [row for _, row in sorted(found.items()) if int(row["time"]) >= start_ms]
    for day_ms in range(max(start_ms, 0), max(now_ms, start_ms) + 1, DAY_MS):
        rows = await _page(venue, symbol=market_id, startTime=day_ms, endTime=day_ms + DAY_MS - 1)
        found |= rows
        while len(rows) >= MOST_ROWS:
            rows = await _page(venue, symbol=market_id, fromId=max(found) + 1)
            found |= rows
    return [row for _, row in sorted(found.items()) if int(row["time"]) >= start_ms]


async def _page(venue: BinanceSpotClient, **params: Any) -> dict[int, dict[str, Any]]:
    rows = await venue.ask_signed("privateGetMyTrades", limit=MOST_ROWS, **params)
    with readable(venue.name, "executions"):
        return {int(row["id"]): row for row in rows}


def _fill(row: dict[str, Any], symbol: str, client_id: str, fee_quote: float, fee_base: float) -> Fill:
    return Fill(
        trade_id=str(row["id"]),
        client_id=client_id,
        symbol=symbol,
        side=1 if row["isBuyer"] else -1,
        size_base=float(row["qty"]),
        price=float(row["price"]),
        fee_quote=fee_quote,
        realised_quote=None,
        is_maker=bool(row["isMaker"]),
        ts_ms=int(row["time"]),
        fee_base=fee_base,
    )
