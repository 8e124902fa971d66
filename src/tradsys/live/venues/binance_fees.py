"""What fees at Binance come to in the account's currency; no execution is lost for the want of a price."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from tradsys.live.venue import VenueRefused
from tradsys.live.venues.binance_venue import MINUTE_MS, BinanceVenue
from tradsys.live.venues.ccxt_venue import readable

DOLLARS: Final = frozenset({"USDT", "USDC", "FDUSD", "BFUSD"})
"""Coins that Binance exchanges for a dollar, give or take a percent, so that a fee is off by a percent of itself.

One for one is taken only where there is no price; a market's price goes first.
"""
type Prices = dict[tuple[str, int], float | None]


async def fees_of(
    venue: BinanceVenue, symbol: str, market_id: str, rows: Sequence[Mapping[str, Any]], *, coin: str = ""
) -> list[float]:
    """The fee of each execution: at what its asset was worth in that minute, or what the account's rates make of it.

    One that was paid in the `coin` that was traded is worth what the coin went for.
    """
    with readable(venue.name, "executions"):
        own = {venue.quote, coin}
        wanted = {_paid_in(row) for row in rows if row["commissionAsset"] not in own and float(row["commission"])}
    prices: Prices = {one: await _price(venue, *one) for one in sorted(wanted)}
    unpriced = sorted({asset for (asset, _), price in prices.items() if price is None})
    rates = await _rates(venue, market_id) if unpriced else venue.REGULAR
    for asset in unpriced:
        shown = f"{rates[0]:.4%}".rstrip("%0"), f"{rates[1]:.4%}".rstrip("%0")
        reason = f"{asset} has no price in {venue.quote}: {shown[1]}% of what was taken, {shown[0]}% of what was made"
        venue.tell_once(f"fees of {symbol} paid in {asset}", reason)
    with readable(venue.name, "executions"):
        return [_fee_quote(venue, row, prices, rates, coin) for row in rows]


def _paid_in(row: Mapping[str, Any]) -> tuple[str, int]:
    return row["commissionAsset"], int(row["time"]) // MINUTE_MS * MINUTE_MS


def _fee_quote(
    venue: BinanceVenue, row: Mapping[str, Any], prices: Prices, rates: tuple[float, float], coin: str
) -> float:
    fee = float(row["commission"])
    if not fee or row["commissionAsset"] == venue.quote:
        return fee
    price = float(row["price"]) if row["commissionAsset"] == coin else prices[_paid_in(row)]
    return fee * price if price is not None else float(row["price"]) * float(row["qty"]) * rates[not row[venue.MAKER]]


async def _price(venue: BinanceVenue, asset: str, minute_ms: int) -> float | None:
    """What an asset such as BNB was worth in that minute, None where nobody tells."""
    price = None if asset in venue.unpriced else await venue.asset_price(asset, minute_ms)
    if price is None and {asset, venue.quote} <= DOLLARS:
        venue.tell_once(f"fees paid in {asset}", f"{asset} has no price in {venue.quote}: it is taken one for one")
        return 1.0
    return price


async def _rates(venue: BinanceVenue, market_id: str) -> tuple[float, float]:
    """What the account pays of a notional as maker and as taker; asked for once."""
    if market_id not in venue.fee_rates:
        try:
            venue.fee_rates[market_id] = await venue.read_fee_rates(market_id)
        except VenueRefused:
            return venue.REGULAR
    return venue.fee_rates[market_id]
