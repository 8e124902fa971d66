"""All executions of a Binance futures symbol, page after page, each under the client id of its order."""

from collections.abc import Sequence
from typing import Any

from tradsys.live.venue import Fill
from tradsys.live.venues.binance_client import MOST_ROWS, BinanceClient
from tradsys.live.venues.binance_fees import fees_of
from tradsys.live.venues.binance_reading import WEEK_MS
from tradsys.live.venues.ccxt_venue import readable

KEPT_MS = 180 * 86_400_000
"""Binance tells executions of the last six months."""


async def fills_of(venue: BinanceClient, symbol: str, market_id: str, start_ms: int) -> Sequence[Fill]:
    """Executions from `start_ms` on, in order."""
    rows = await _trades(venue, market_id, start_ms)
    with readable(venue.name, "executions"):
        traded_ms = {str(row["orderId"]): int(row["time"]) for row in rows}
    names = await venue.client_ids(symbol, market_id, traded_ms)
    fees = await fees_of(venue, symbol, market_id, rows)
    with readable(venue.name, "executions"):
        return [_fill(row, symbol, names[str(row["orderId"])], fee) for row, fee in zip(rows, fees, strict=True)]


async def _trades(venue: BinanceClient, market_id: str, start_ms: int) -> list[dict[str, Any]]:
    """Windows of a week, as long as they are not full; from a full page on by the ids of the trades."""
    now_ms = await venue.api.now_ms()
    found: dict[int, dict[str, Any]] = {}
    start_ms = max(start_ms, now_ms - KEPT_MS)
    for week_ms in range(start_ms, max(now_ms, start_ms) + 1, WEEK_MS):
        rows = await _page(venue, symbol=market_id, startTime=week_ms, endTime=week_ms + WEEK_MS - 1)
        found |= rows
        while len(rows) >= MOST_ROWS:
            rows = await _page(venue, symbol=market_id, fromId=max(found) + 1)
            found |= rows
    return [row for _, row in sorted(found.items()) if int(row["time"]) >= start_ms]


async def _page(venue: BinanceClient, **params: Any) -> dict[int, dict[str, Any]]:
    rows = await venue.ask_signed("fapiPrivateGetUserTrades", limit=MOST_ROWS, **params)
    with readable(venue.name, "executions"):
        return {int(row["id"]): row for row in rows}


def _fill(row: dict[str, Any], symbol: str, client_id: str, fee_quote: float) -> Fill:
    return Fill(
        trade_id=str(row["id"]),
        client_id=client_id,
        symbol=symbol,
        side={"BUY": 1, "SELL": -1}[row["side"]],
        size_base=float(row["qty"]),
        price=float(row["price"]),
        fee_quote=fee_quote,
        realised_quote=float(row["realizedPnl"]),
        is_maker=bool(row["maker"]),
        ts_ms=int(row["time"]),
    )
