"""The trades that an account lived through, as its journal knows them."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tradsys.live.execution.intent import Intent, Trade
from tradsys.live.execution.rules import ExecutionRules
from tradsys.live.execution.trade_rows import trade_row, unfilled_trades
from tradsys.live.intents import IntentJournal
from tradsys.live.replay.parity import ComparedTrade
from tradsys.live.venue import Fill

type ChargedSlippage = Callable[[Fill], float]
"""What of a fill's fee is slippage that was charged beside its price: a paper account does so."""


@dataclass(frozen=True, slots=True)
class LivedFill:
    """One execution, and the price at which it was expected: at hand when it was sent, or the order's own.

    `expected_price` is None where nobody knows it; `slippage_quote` was charged beside the price, and is no part of
    `fee_quote`.
    """

    side: int
    size_base: float
    price: float
    expected_price: float | None
    fee_quote: float
    slippage_quote: float
    is_maker: bool


@dataclass(frozen=True, slots=True)
class LivedTrade:
    """A round trip that is over. `planned_base` is what its entry order asked for, `result_quote` after all costs.

    `closed_base` is what was closed of the `size_base` that was opened: less where a fee was taken in the coin.

    `reference_price` was at hand when it was sized, the distances are those of the barriers from the entry's price.
    """

    symbol: str
    side: int
    decided_ms: int
    planned_base: float
    size_base: float
    closed_base: float
    reference_price: float
    entry_price: float
    entry_ms: int
    exit_price: float
    exit_ms: int
    exit_reason: str
    stop_distance: float
    target_distance: float | None
    fees_quote: float
    slippage_quote: float
    funding_quote: float
    result_quote: float
    bar_hash: str
    fills: tuple[LivedFill, ...]

    @property
    def compared(self) -> ComparedTrade:
        """What of it is held against the batch."""
        return ComparedTrade(
            self.symbol, self.decided_ms, self.side, self.entry_price, self.exit_ms, self.exit_price, self.exit_reason
        )


def lived_trades(
    journal: IntentJournal, *, now_ms: int, charged: ChargedSlippage = lambda fill: 0.0
) -> list[LivedTrade]:
    """Those of the journal's own decisions that are over, in order; positions of others are not ours to explain."""
    prefixes = ExecutionRules("replay").liquidation_prefixes
    found = []
    for trade in journal.trades(is_open=False):
        row = trade_row(journal, trade, prefixes, now_ms)
        if row is None or trade.origin != "entry" or row["exit_price"] is None:
            continue
        intents = {one.client_id: one for one in journal.intents(trade.key)}
        fills = journal.fills(trade.key)
        slippage = sum(charged(fill) for fill in fills)
        found.append(
            LivedTrade(
                symbol=trade.symbol,
                side=trade.side,
                decided_ms=trade.close_ms,
                planned_base=trade.size_base,
                size_base=row["size_base"],
                closed_base=min(row["size_base"], sum(fill.size_base for fill in fills if fill.side == -trade.side)),
                reference_price=trade.reference_price,
                entry_price=row["entry_price"],
                entry_ms=row["entry_ms"],
                exit_price=row["exit_price"],
                exit_ms=row["exit_ms"],
                exit_reason=row["exit_reason"],
                stop_distance=trade.stop_distance,
                target_distance=trade.target_distance,
                fees_quote=row["fees_quote"] - slippage,
                slippage_quote=slippage,
                funding_quote=row["funding_quote"],
                result_quote=row["result_quote"],
                bar_hash=json.loads(trade.decision).get("bar_hash", ""),
                fills=tuple(_lived(trade, fills, intents, charged)),
            )
        )
    return sorted(found, key=lambda one: (one.decided_ms, one.symbol))


def unfilled_orders(journal: IntentJournal, *, now_ms: int) -> list[ComparedTrade]:
    """Limit orders of the journal's own decisions that are over and that nobody filled, in order."""
    found = []
    for trade in unfilled_trades(journal):
        assert trade.rests_until_ms is not None and trade.ended is not None  # what makes it one of them
        end_ms = min(trade.rests_until_ms, now_ms if trade.closed_ms is None else trade.closed_ms)
        found.append(ComparedTrade.unfilled(trade.symbol, trade.close_ms, trade.side, end_ms, trade.ended))
    return sorted(found, key=lambda one: (one.decided_ms, one.symbol))


def never_taken(journal: IntentJournal) -> list[tuple[str, int]]:
    """Symbols and closes (ms) of entries that no venue had in its book: it refused them, or they never arrived."""
    over = journal.trades(is_open=False)
    return [(trade.symbol, trade.close_ms) for trade in over if trade.ended in ("refused", "absent")]


def _lived(
    trade: Trade, fills: Sequence[Fill], intents: dict[str, Intent], charged: ChargedSlippage
) -> list[LivedFill]:
    return [
        LivedFill(
            fill.side,
            fill.size_base,
            fill.price,
            _expected(trade, intents.get(fill.client_id)),
            fill.fee_quote - charged(fill),
            charged(fill),
            fill.is_maker,
        )
        for fill in fills
    ]


def _expected(trade: Trade, intent: Intent | None) -> float | None:
    """The reference of an entry, the trigger of a stop, the limit of a target.

    None of an exit at the market, and of an entry by a limit order, which says at most what it may cost.
    """
    if intent is None or (intent.leg == "entry" and intent.kind == "limit"):
        return None
    return trade.reference_price if intent.leg == "entry" else intent.price
