"""Trades of a session beside those of the batch that decided alike: the same, or a code that says why not."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isclose, nan
from typing import Final, Literal, NamedTuple

from tradsys.live.execution.intent import MISSED, WITHDRAWN

type Cause = Literal[
    "same",
    "time_exit",
    "gap_exit",
    "inside_bar",
    "price",
    "not_decided",
    "other_side",
    "not_entered",
    "fill",
    "filled_last",
    "withdrawn",
    "unexplained",
]
CAUSES: Final[dict[Cause, str]] = {
    "same": "the same side, and the same end at the same price; of limit orders also that nobody filled either",
    "time_exit": "the batch leaves at the close of its last bar, a session at the next price that somebody offers",
    "gap_exit": "the entry order came when the last position had been closed by the open that it filled at",
    "inside_bar": "one bar held target and stop: the batch takes the stop, a session what came first",
    "price": "the same end at another price: slippage, latency or a fill in parts",
    "not_decided": "the batch decided otherwise: other bars, another bundle, or stale columns",
    "other_side": "both entered, in opposite directions",
    "not_entered": "the session denied it, or the venue refused it; the audit log says why",
    "fill": "one limit order was filled and the other missed: it rested at another price, or for another while",
    "filled_last": "the order was filled in the last bar of its time: the batch looks for stop and target inside it",
    "withdrawn": "the account took its limit order back before its time: a person, a limit, or the end of the bot",
    "unexplained": "none of the known ways to differ",
}
"""What each code means. What follows from a difference, such as an entry while one was still open, has its code."""

_ROUNDING: Final = 1e-9
"""Averages of fills at one price may differ from it by so much."""


@dataclass(frozen=True, slots=True)
class ComparedTrade:
    """One round trip, in milliseconds: decided at a close, over when `exit_ms` has passed.

    One whose limit order nobody filled has the reason "missed" or "withdrawn", and no prices. `is_within_bar` says that
    a limit order was filled in the bar that ended the trade.
    """

    symbol: str
    decided_ms: int
    side: int
    entry_price: float
    exit_ms: int
    exit_price: float
    reason: str
    is_ambiguous: bool = False
    is_within_bar: bool = False

    @classmethod
    def unfilled(cls, symbol: str, decided_ms: int, side: int, end_ms: int, reason: str) -> "ComparedTrade":
        """A limit order that came to nothing: it rested until `end_ms`."""
        return cls(symbol, decided_ms, side, nan, end_ms, nan, reason)


class Pairing(NamedTuple):
    """A decision that one of them acted on, or both, and why they differ."""

    batch: ComparedTrade | None
    session: ComparedTrade | None
    cause: Cause

    @property
    def decided_ms(self) -> int:
        trade = self.batch or self.session
        assert trade is not None  # one of them acted
        return trade.decided_ms


def paired(
    batch: Sequence[ComparedTrade], session: Sequence[ComparedTrade], *, denied: Sequence[tuple[str, int]] = ()
) -> list[Pairing]:
    """Each symbol's trades by the close that decided them, in order, with a cause each.

    `denied` are the symbols and closes (ms) of entries that the session wanted and did not get. An action that only one
    of them took because the other was still in a position has the cause for which that position was there.
    """
    ours, theirs = ({(one.symbol, one.decided_ms): one for one in trades} for trades in (batch, session))
    found: list[Pairing] = []
    last: dict[str, Pairing] = {}
    refused = set(denied)
    for key in sorted({*ours, *theirs}):
        one, other = ours.get(key), theirs.get(key)
        cause = _cause(one, other) if one and other else _alone(one, other, last.get(key[0]), key in refused)
        found.append(Pairing(one, other, cause))
        last[key[0]] = _still_open(found[-1], last.get(key[0]))
    return found


def _cause(batch: ComparedTrade, session: ComparedTrade) -> Cause:
    if batch.side != session.side:
        return "other_side"
    if session.reason == WITHDRAWN:
        return "withdrawn"
    if MISSED in (batch.reason, session.reason):
        return "same" if batch.reason == session.reason else "fill"
    is_same_end = batch.reason == session.reason
    is_same_price = isclose(batch.exit_price, session.exit_price, rel_tol=_ROUNDING)
    if is_same_end and is_same_price:
        return "same" if isclose(batch.entry_price, session.entry_price, rel_tol=_ROUNDING) else "price"
    if batch.reason == "time" and (session.exit_ms >= batch.exit_ms or is_same_price):
        return "time_exit"
    if is_same_end:
        return "price"
    if batch.is_within_bar and session.reason == "time":
        return "filled_last"
    return "inside_bar" if batch.is_ambiguous else "unexplained"


def _alone(
    batch: ComparedTrade | None, session: ComparedTrade | None, before: Pairing | None, is_denied: bool
) -> Cause:
    """Why only one of them acted: the other was in a position, or did not get what it wanted, or decided otherwise."""
    trade, busy = (batch, before.session if before else None) if batch else (session, before.batch if before else None)
    assert trade is not None  # one of them acted
    if before is not None and busy is not None and busy.exit_ms > trade.decided_ms:
        if before.cause != "same":
            return before.cause
        return "time_exit" if before.batch is not None and before.batch.reason == "time" else "gap_exit"
    if batch is not None:
        return "not_entered" if is_denied else "unexplained"
    return "not_decided"


def _still_open(latest: Pairing, before: Pairing | None) -> Pairing:
    """The latest trade of each, for one of them maybe an earlier one: a difference goes on until both are flat."""
    if before is None or (latest.batch and latest.session):
        return latest
    return Pairing(latest.batch or before.batch, latest.session or before.session, latest.cause)
