"""What fees of Binance futures come to in the account's currency; no execution is lost for the want of a price."""

from typing import Any, Final

from tradsys.live.venue import VenueRefused, VenueUnknown
from tradsys.live.venues.binance_client import BinanceClient
from tradsys.live.venues.binance_reading import TOLD_WITHIN_MS
from tradsys.live.venues.ccxt_venue import Refusal, readable

MINUTE_MS = 60_000
DOLLARS: Final = frozenset({"USDT", "USDC", "FDUSD", "BFUSD"})
"""Coins that Binance exchanges for a dollar, give or take a percent, so that a fee is off by a percent of itself.

One for one is taken only where there is no price; a market's price goes first.
"""
NO_SUCH_SYMBOL: Final = "-1121"
REGULAR: Final = (0.0002, 0.0005)
"""Maker's and taker's rate of an account without a tier, for where the account's own are refused."""

type Prices = dict[tuple[str, int], float | None]


async def fees_of(venue: BinanceClient, symbol: str, market_id: str, rows: list[dict[str, Any]]) -> list[float]:
    """The fee of each execution: at what its asset was worth in that minute, or what the account's rates make of it."""
    with readable(venue.name, "executions"):
        wanted = {_paid_in(row) for row in rows if row["commissionAsset"] != venue.quote and float(row["commission"])}
    prices: Prices = {one: await _price(venue, *one) for one in sorted(wanted)}
    unpriced = sorted({asset for (asset, _), price in prices.items() if price is None})
    rates = await _rates(venue, market_id) if unpriced else REGULAR
    for asset in unpriced:
        shown = f"{rates[0]:.4%}".rstrip("%0"), f"{rates[1]:.4%}".rstrip("%0")
        reason = f"{asset} has no price in {venue.quote}: {shown[1]}% of what was taken, {shown[0]}% of what was made"
        venue.tell_once(f"fees of {symbol} paid in {asset}", reason)
    with readable(venue.name, "executions"):
        return [_fee_quote(venue, row, prices, rates) for row in rows]


def _paid_in(row: dict[str, Any]) -> tuple[str, int]:
    return row["commissionAsset"], int(row["time"]) // MINUTE_MS * MINUTE_MS


def _fee_quote(venue: BinanceClient, row: dict[str, Any], prices: Prices, rates: tuple[float, float]) -> float:
    fee = float(row["commission"])
    if not fee or row["commissionAsset"] == venue.quote:
        return fee
    price = prices[_paid_in(row)]
    return fee * price if price is not None else float(row["price"]) * float(row["qty"]) * rates[not row["maker"]]


async def _price(venue: BinanceClient, asset: str, minute_ms: int) -> float | None:
    """What an asset such as BNB was worth in that minute, None where nobody tells."""
    price = None if asset in venue.unpriced else await _market_price(venue, asset, minute_ms)
    if price is None and {asset, venue.quote} <= DOLLARS:
        venue.tell_once(f"fees paid in {asset}", f"{asset} has no price in {venue.quote}: it is taken one for one")
        return 1.0
    return price


async def _market_price(venue: BinanceClient, asset: str, minute_ms: int) -> float | None:
    """The last price of that minute; one that is not there yet is a VenueUnknown, and after a while there is none."""
    try:
        bars = await venue.api.public(
            "fapiPublicGetKlines", symbol=f"{asset}{venue.quote}", interval="1m", startTime=minute_ms, limit=1
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


async def _rates(venue: BinanceClient, market_id: str) -> tuple[float, float]:
    """What the account pays of a notional as maker and as taker; asked for once."""
    if market_id not in venue.fee_rates:
        try:
            row = await venue.ask_signed("fapiPrivateGetCommissionRate", symbol=market_id)
        except VenueRefused:
            return REGULAR
        with readable(venue.name, "the account's fees"):
            venue.fee_rates[market_id] = (float(row["makerCommissionRate"]), float(row["takerCommissionRate"]))
    return venue.fee_rates[market_id]
