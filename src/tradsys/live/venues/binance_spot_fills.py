"""All executions of a Binance spot symbol, each under the client id of its order, with what its fee was worth."""

from collections.abc import Sequence
from typing import Any, Final

from tradsys.core.time import DAY_MS
from tradsys.live.venue import Fill, VenueRefused, VenueUnknown
from tradsys.live.venues import binance_spot_reading as reading
from tradsys.live.venues.binance_spot_client import BinanceSpotClient
from tradsys.live.venues.ccxt_venue import Refusal, readable

MOST_ROWS: Final = 1_000
MOST_DAYS: Final = 30
"""Binance tells of a day in one answer; from further back all trades of the symbol are fewer questions."""
MINUTE_MS: Final = 60_000
TOLD_WITHIN_MS: Final = 60_000
"""How long the bar of a minute may take to be told."""
NO_SUCH_SYMBOL: Final = "-1121"
REGULAR: Final = 0.001
"""What an account without a tier pays, for where its own rate is not told."""


async def fills_of(venue: BinanceSpotClient, symbol: str, market_id: str, start_ms: int) -> Sequence[Fill]:
    """Executions from `start_ms` on, in order."""
    rows = await _trades(venue, market_id, start_ms)
    base, _, quote = (await venue.listing(symbol)).symbol.partition("/")
    found = []
    for row in rows:
        with readable(venue.name, "executions"):
            client_id = await venue.client_id(symbol, market_id, str(row["orderId"]))
            fee, asset = float(row["commission"]), row["commissionAsset"]
            worth = fee if asset == quote else fee * float(row["price"]) if asset == base else None
            if worth is None:
                worth = await _worth(venue, symbol, row, asset, quote)
            found.append(_fill(row, symbol, client_id, worth, fee if asset == base else 0.0))
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


async def _worth(venue: BinanceSpotClient, symbol: str, row: dict[str, Any], asset: str, quote: str) -> float:
    """A fee paid in another asset, such as BNB, at its price of that minute, else by the account's rate."""
    fee = float(row["commission"])
    if not fee:
        return 0.0
    minute_ms = int(row["time"]) // MINUTE_MS * MINUTE_MS
    price = None if asset in venue.unpriced else await _price(venue, asset, quote, minute_ms)
    if price is not None:
        return fee * price
    rate = await _rate(venue, row)
    reason = f"{asset} has no price in {quote}: {rate:.4%} of what was traded is counted"
    venue.tell_once(f"fees of {symbol} paid in {asset}", reason)
    return float(row["price"]) * float(row["qty"]) * rate


async def _price(venue: BinanceSpotClient, asset: str, quote: str, minute_ms: int) -> float | None:
    """The last price of that minute; one that is not there yet is a VenueUnknown, and after a while there is none."""
    try:
        bars = await venue.api.public(
            "publicGetKlines", symbol=f"{asset}{quote}", interval="1m", startTime=minute_ms, limit=1
        )
    except Refusal as error:
        if error.code == NO_SUCH_SYMBOL:
            venue.unpriced.add(asset)
        return None
    with readable(venue.name, f"the price of {asset}"):
        if bars and int(bars[0][0]) == minute_ms:
            return float(bars[0][4])
    if await venue.api.now_ms() <= minute_ms + MINUTE_MS + TOLD_WITHIN_MS:
        raise VenueUnknown(f"{venue.name} has no price of {asset} yet, in which a fee was paid")
    return None


async def _rate(venue: BinanceSpotClient, row: dict[str, Any]) -> float:
    try:
        told = await venue.ask_signed("privateGetAccountCommission", symbol=row["symbol"])
    except VenueRefused:
        return REGULAR
    with readable(venue.name, "the account's fees"):
        return reading.fee_rate(told, "maker" if row["isMaker"] else "taker")


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
