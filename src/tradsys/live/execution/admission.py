"""Entries that our own rules deny: an order that the venue must refuse, or a trade that could not be protected."""

import math
from typing import Final

from tradsys.live.entry import Entry
from tradsys.live.execution.sizes import at_tick
from tradsys.live.execution.wishes import FLATTEN, STOP_ENTRY
from tradsys.live.state import Flags, TradingState, read_standing
from tradsys.live.venue import MarketRules

FEE_ROOM: Final = 0.002
"""A share of what is bought on a spot market that its fee may take, more than any venue's."""


_ROUNDING: Final = 1e-15
"""What a quotient of floats may be off by, as a share: of billions of tiny lots more than a fixed slack."""


def why_no_entry(flags: Flags) -> str | None:
    """Why nothing may be entered at all, None where it may; what the journal says survives restarts."""
    standing = read_standing(flags)
    if standing.state is not TradingState.ACTIVE:
        return f"{standing.state.value}: {standing.reason}"
    for name in (STOP_ENTRY, FLATTEN):
        why = flags.flag(name)
        if why is not None:
            return f"{name}: {why}"
    return None


def why_denied(entry: Entry, market: MarketRules | None) -> str | None:
    """Why this entry cannot be made, None where it can."""
    if market is None or not market.is_trading:
        return "the symbol is not trading"
    if entry.side not in (1, -1):
        return f"side must be 1 or -1, was {entry.side}"
    if entry.side < 0 and not market.can_short:
        return "the venue has no short positions"
    return _why_size(entry, market) or _why_barriers(entry, market) or _why_unsellable(entry, market)


def _why_size(entry: Entry, market: MarketRules) -> str | None:
    lots = entry.size_base / market.lot
    if not (math.isfinite(lots) and entry.size_base > 0 and abs(lots - round(lots)) < 1e-6 + _ROUNDING * lots):
        return f"size {entry.size_base} is no whole number of lots of {market.lot}"
    if entry.size_base < market.min_size_base:
        return f"size {entry.size_base} is below the smallest order of {market.min_size_base}"
    if entry.size_base > market.max_market_size_base:
        return f"size {entry.size_base} is above the largest market order of {market.max_market_size_base}"
    notional = entry.size_base * entry.reference_price
    if not notional >= market.min_notional_quote:
        return f"{notional:g} in quote is below the smallest order of {market.min_notional_quote:g}"
    return None


def _why_unsellable(entry: Entry, market: MarketRules) -> str | None:
    """On a spot market what is bought must be worth enough to be sold again, at the stop and less the fee."""
    if not market.sells_lock:
        return None
    left = max(0.0, entry.size_base * (1 - FEE_ROOM) - market.lot) * (entry.reference_price - entry.stop_distance)
    if left >= market.min_notional_quote:
        return None
    return (
        f"at its stop, less the fee, it is worth {left:g} in quote, and the smallest order is "
        f"{market.min_notional_quote:g}: the trade could not be protected"
    )


def _why_barriers(entry: Entry, market: MarketRules) -> str | None:
    if not (math.isfinite(entry.stop_distance) and entry.stop_distance >= market.tick):
        return f"stop distance {entry.stop_distance} is no price step or more: the trade could not be protected"
    if entry.side > 0 and at_tick(entry.reference_price - entry.stop_distance, market.tick) <= 0:
        return (
            f"a stop {entry.stop_distance} below {entry.reference_price} is no price: the trade could not be protected"
        )
    if not entry.target_distance >= market.tick:
        return f"target distance {entry.target_distance} is less than a price step of {market.tick}"
    return None
