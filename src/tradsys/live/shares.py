"""The share of equity that each open trade was granted at entry: room is counted in these, whatever prices do."""

import json
import math
from collections.abc import Iterable, Mapping

from tradsys.live.execution.intent import Trade
from tradsys.live.venue import AccountState


def granted_shares(trades: Iterable[Trade]) -> dict[str, float | None]:
    """By symbol what the journal's open trades were granted, None of a position that was found."""
    return {trade.symbol: json.loads(trade.decision).get("share") for trade in trades}


def shares_held(open_shares: Mapping[str, float | None], account: AccountState) -> dict[str, float]:
    """The share of equity that each symbol in a position takes: what was granted to its trade at entry.

    A position that no trade of ours explains, or whose trade does not say its share, counts with its worth at the mark
    over the equity of now.
    """
    held = {symbol: math.nan if share is None else share for symbol, share in open_shares.items()}
    equity = account.equity_quote
    for position in account.positions:
        if math.isnan(held.get(position.symbol, math.nan)):
            worth = abs(position.size_base) * position.mark_price
            held[position.symbol] = worth / equity if equity > 0 else math.inf
    return {symbol: 0.0 if math.isnan(share) else share for symbol, share in held.items()}
