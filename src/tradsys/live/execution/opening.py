"""Trades as they begin: from a sized decision, or from a position that was found."""

import math
from collections.abc import Callable
from dataclasses import asdict

from tradsys.core.json_text import canonical_json
from tradsys.live.client_ids import client_id
from tradsys.live.entry import Entry
from tradsys.live.execution.aims import Aim
from tradsys.live.execution.intent import Intent, Trade
from tradsys.live.execution.rules import ExecutionRules
from tradsys.live.venue import Position


def trade_key(symbol: str, close_ms: int) -> str:
    """One trade a symbol and bar."""
    return f"{symbol}@{close_ms}"


def opened(entry: Entry, rules: ExecutionRules, now_ms: int) -> tuple[Trade, Intent]:
    """The trade of a decision, and the order that opens it."""
    key = trade_key(entry.symbol, entry.close_ms)
    said = ("share", "probability", "expected_net", "reason", "bar_hash", "bundle_hash")
    decision = canonical_json({name: value for name, value in asdict(entry).items() if name in said})
    target = entry.target_distance if math.isfinite(entry.target_distance) else None
    trade = Trade(
        key, entry.symbol, entry.side, "entry", entry.size_base, entry.reference_price, entry.close_ms,
        entry.deadline_ms, entry.stop_distance, target, 0.0, 0.0, decision, now_ms,
        rests_until_ms=entry.rests_until_ms,
    )  # fmt: skip
    name = client_id(rules.account, entry.symbol, entry.close_ms, "entry", 0)
    price = entry.limit_price
    intent = Intent(
        name, key, entry.symbol, "entry", entry.side, "market" if price is None else "limit", entry.size_base, price,
        False, entry.reason, "unknown", 0.0, now_ms, None, 1, "",
    )  # fmt: skip
    return trade, intent


def aimed(aim: Aim, now_ms: int) -> Trade:
    """The trade that an aim begins: a stretch on one side with a stop, and neither target nor deadline."""
    said = {"share": abs(aim.weight), "reason": "target weight", "choice_ms": aim.choice_ms}
    decision = canonical_json({**said, "bundle_hash": aim.bundle_hash})
    return Trade(
        trade_key(aim.symbol, aim.close_ms), aim.symbol, aim.side, "target", abs(aim.size_base), aim.reference_price,
        aim.close_ms, None, aim.stop_fraction * aim.reference_price, None, 0.0, 0.0, decision, now_ms,
    )  # fmt: skip


def found(position: Position, rules: ExecutionRules, now_ms: int, known: Callable[[str], Trade | None]) -> Trade:
    """The trade of a position that no entry of ours explains: a stop, and neither target nor deadline.

    One that has lost more than the stop allows has it as far from the mark: to be found is no reason to be closed. Its
    key is the first moment from now on that no trade of the symbol is known by.
    """
    named_ms = now_ms
    while known(trade_key(position.symbol, named_ms)) is not None:
        named_ms += 1
    side, size = (1 if position.size_base > 0 else -1), abs(position.size_base)
    fraction, lost = rules.foreign_stop_fraction, side * (position.entry_price - position.mark_price)
    distance = fraction * position.entry_price
    if lost >= distance:
        distance = lost + fraction * position.mark_price
    return Trade(
        trade_key(position.symbol, named_ms), position.symbol, side, "foreign", size, position.entry_price, named_ms,
        None, distance, None, size, position.entry_price, "{}", now_ms,
    )  # fmt: skip
