"""Stretches of target weights: a symbol held on one side between two choices, the account's beside the batch's."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from tradsys.core.time import to_ms
from tradsys.live.execution.aims import REBALANCED
from tradsys.live.execution.rules import ExecutionRules
from tradsys.live.execution.trade_rows import trade_row
from tradsys.live.intents import IntentJournal
from tradsys.live.replay.gap import ResultGap
from tradsys.live.replay.lived import ChargedSlippage

type WeightCause = Literal[
    "same", "stopped", "forced", "late", "not_entered", "too_small", "other_side", "not_decided", "unexplained"
]
WEIGHT_CAUSES: Final[Mapping[WeightCause, str]] = {
    "same": "begun and ended by the same choices, on the same side",
    "stopped": "its stop at the venue ended it, which the batch has not, or it is back after that",
    "forced": "a person, a limit, somebody else or the venue ended it, or it is back after that",
    "late": "the account took the choice a bar later, or missed it and only shrank",
    "not_entered": "the session denied it, or the venue refused it; the audit log says why",
    "too_small": "one of them found the change smaller than an order may be: sized at the close, filled at the open",
    "other_side": "both held it, on opposite sides",
    "not_decided": "the batch chose otherwise: other bars, or another bundle",
    "unexplained": "none of the known ways to differ",
}
"""What each code means."""


@dataclass(frozen=True, slots=True)
class HeldStretch:
    """A symbol held on one side, from the choice that began it; money is in quote, `end_ms` None while it goes on."""

    symbol: str
    side: int
    choice_ms: int
    begun_ms: int
    end_ms: int | None
    reason: str
    fees_quote: float
    slippage_quote: float
    carry_quote: float
    result_quote: float


@dataclass(frozen=True, slots=True)
class ReplayedStretch:
    """One stretch of the batch, of the account, or of both."""

    symbol: str
    choice_ms: int
    cause: WeightCause
    simulated: HeldStretch | None
    lived: HeldStretch | None

    @property
    def gap(self) -> ResultGap:
        """The account's result less the batch's; `signal` where they did otherwise, `latency` where the same."""
        one, other = self.lived, self.simulated
        total = (one.result_quote if one else 0.0) - (other.result_quote if other else 0.0)
        if one is None or other is None or self.cause == "other_side":
            return ResultGap(signal=total)
        fee, slippage = other.fees_quote - one.fees_quote, other.slippage_quote - one.slippage_quote
        funding = other.carry_quote - one.carry_quote
        rest = total - fee - slippage - funding
        is_same = self.cause == "same"
        return ResultGap(
            signal=0.0 if is_same else rest,
            latency=rest if is_same else 0.0,
            fee=fee,
            slippage=slippage,
            funding=funding,
        )


def lived_stretches(
    journal: IntentJournal, *, now_ms: int, charged: ChargedSlippage = lambda fill: 0.0
) -> list[HeldStretch]:
    """What target weights held, in order, those that go on included."""
    prefixes = ExecutionRules("replay").liquidation_prefixes
    found = []
    for trade in journal.trades():
        row = trade_row(journal, trade, prefixes, now_ms)
        if row is None or trade.origin != "target":
            continue
        slippage = sum(charged(fill) for fill in journal.fills(trade.key))
        found.append(
            HeldStretch(
                trade.symbol, trade.side, int(json.loads(trade.decision)["choice_ms"]), int(row["entry_ms"]),
                row["exit_ms"], str(row["exit_reason"] or ""), row["fees_quote"] - slippage, slippage,
                row["funding_quote"], row["result_quote"],
            )
        )  # fmt: skip
    return sorted(found, key=lambda one: (one.choice_ms, one.symbol))


def simulated_stretch(row: Mapping[str, Any]) -> HeldStretch:
    """Of the batch; one that its last bar ended would have gone on."""
    is_over = row["reason"] == "rebalanced"
    return HeldStretch(
        row["symbol"], row["side"], to_ms(row["decided"]), to_ms(row["entry_ts"]),
        to_ms(row["exit_ts"]) if is_over else None, REBALANCED if is_over else row["reason"], row["fees_quote"],
        row["slippage_quote"], row["funding_quote"] + row["borrow_quote"], row["pnl_quote"],
    )  # fmt: skip


def paired_stretches(
    batch: Sequence[HeldStretch],
    lived: Sequence[HeldStretch],
    denied: set[tuple[str, int]],
    late: set[int],
    other_weights: set[tuple[str, int]],
    interval_ms: int,
) -> list[ReplayedStretch]:
    """Each symbol's stretches by the choice that began them, with causes; those that go on in both are left out."""
    ours, theirs = ({(one.symbol, one.choice_ms): one for one in each} for each in (batch, lived))
    found, before = list[ReplayedStretch](), dict[str, WeightCause]()
    for key in sorted({*ours, *theirs}, key=lambda one: (one[1], one[0])):
        one, other = ours.get(key), theirs.get(key)
        if key in other_weights:
            cause: WeightCause = "not_decided"
        elif one is not None and other is not None:
            cause = _cause(one, other, late, interval_ms)
        elif any((key[0], key[1] + late_ms) in denied for late_ms in (0, interval_ms)):
            cause = "not_entered"
        elif key[1] in late:
            cause = "late"
        else:
            cause = before.get(key[0], "unexplained")
        before[key[0]] = "unexplained" if cause == "same" else cause
        if one is not None and other is not None and one.end_ms is None and other.end_ms is None and cause == "same":
            continue
        found.append(ReplayedStretch(*key, cause, one, other))
    return found


def _cause(batch: HeldStretch, lived: HeldStretch, late: set[int], interval_ms: int) -> WeightCause:
    if batch.side != lived.side:
        return "other_side"
    if lived.end_ms is not None and lived.reason != REBALANCED:
        return "stopped" if lived.reason == "stop" else "forced"
    if batch.end_ms is None or lived.end_ms is None:
        return "same" if batch.end_ms is lived.end_ms else "late"
    after_ms = lived.end_ms - batch.end_ms
    if lived.choice_ms in late or batch.end_ms in late:
        return "late"
    if 0 <= after_ms < interval_ms:
        return "same"
    return "too_small"
