"""Trades as plain rows: for a person, a CSV file, or whoever compares live with research."""

import json
from collections.abc import Iterable
from typing import Any

from tradsys.live.execution.intent import MISSED, WITHDRAWN, Trade
from tradsys.live.execution.ledger import TradeSums, sum_fills
from tradsys.live.intents import IntentJournal


def trade_row(
    journal: IntentJournal, trade: Trade, liquidation_prefixes: tuple[str, ...], now_ms: int
) -> dict[str, Any] | None:
    """One trade with its result; None of one that never had a fill."""
    intents = {intent.client_id: intent for intent in journal.intents(trade.key)}
    sums = sum_fills(trade, journal.fills(trade.key), intents, liquidation_prefixes)
    if sums.opened_base == 0 or sums.first_ms is None:
        return None
    end_ms = now_ms if trade.closed_ms is None else sums.last_ms or trade.closed_ms
    funding = journal.funding_paid(trade.symbol, sums.first_ms, end_ms)
    return {
        "key": trade.key,
        "symbol": trade.symbol,
        "side": trade.side,
        "origin": trade.origin,
        "is_open": trade.closed_ms is None,
        "size_base": sums.opened_base,
        "open_base": sums.open_base,
        "decided_ms": trade.close_ms,
        "entry_ms": sums.first_ms,
        "entry_price": sums.entry_price,
        "exit_ms": None if trade.closed_ms is None else end_ms,
        "exit_price": sums.exit_price if sums.closed_base > 0 else None,
        "exit_reason": None if trade.closed_ms is None else sums.exit_reason or trade.ended or "unknown",
        "deadline_ms": trade.deadline_ms,
        "stop_distance": trade.stop_distance_from(sums.entry_price),
        "target_distance": trade.target_distance,
        "realised_quote": sums.realised_quote,
        "fees_quote": sums.fees_quote,
        "funding_quote": funding,
        "result_quote": sums.realised_quote - sums.fees_quote - funding,
        **_return(sums, funding),
        "reference_price": trade.reference_price,
        **json.loads(trade.decision),
    }


def unfilled_trades(journal: IntentJournal) -> list[Trade]:
    """Those that are over and whose limit entry nobody filled, in order of their beginning."""
    over = journal.trades(is_open=False)
    return [trade for trade in over if trade.rests_until_ms is not None and trade.ended in (MISSED, WITHDRAWN)]


def trade_rows(
    journal: IntentJournal, trades: Iterable[Trade], liquidation_prefixes: tuple[str, ...], now_ms: int
) -> list[dict[str, Any]]:
    """Those of the trades that had a fill, in their order."""
    rows = (trade_row(journal, trade, liquidation_prefixes, now_ms) for trade in trades)
    return [row for row in rows if row is not None]


def _return(sums: TradeSums, funding: float) -> dict[str, float]:
    result = sums.realised_quote - sums.fees_quote - funding
    return {"net_return": result / sums.opened_quote if sums.opened_quote > 0 else 0.0}
