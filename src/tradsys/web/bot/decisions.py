"""What was decided at each close and why, and what else happened lately: from the last lines of the audit log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tradsys.live.lines import line
from tradsys.report.numbers import UNKNOWN, minute, number, percent
from tradsys.web.bot.plain import Plain, second

type Events = Sequence[tuple[int, Mapping[str, Any]]]

MOST_DECISIONS: Final = 48
MOST_EVENTS: Final = 60

_ELSEWHERE: Final = ("bar", "decision", "denied", "aim")
"""Kinds that are told by what was decided."""


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """What came of one close of a symbol; `denied` is why a decision to enter was not carried out."""

    close: str
    symbol: str
    what: str
    is_entry: bool
    probability: str
    expected: str
    reason: str
    denied: str


@dataclass(frozen=True, slots=True)
class EventRow:
    """One thing that happened; `tone` is "bad" where a person should look."""

    at: str
    kind: str
    said: str
    tone: str


def last_decisions(status: Plain) -> list[DecisionRow]:
    """The last one of each symbol, as the status has it."""
    outcomes = status.part("entries")
    rows = []
    for symbol, one in status.part("decisions").named():
        outcome = outcomes.text(symbol)
        rows.append(_row(symbol, one, outcome.removeprefix("denied: ") if outcome.startswith("denied") else ""))
    return rows


def decision_rows(events: Events) -> list[DecisionRow]:
    """Those of the log's last lines, the newest first; a symbol without a decision has the reason."""
    found: dict[tuple[str, float], Plain] = {}
    denied: dict[tuple[str, float], str] = {}
    for _, fields in events:
        one = Plain(fields)
        key = one.text("symbol"), one.number("close_ms") or 0.0
        if one.text("kind") == "decision":
            found[key] = one
        elif one.text("kind") == "denied" and key[1]:
            denied[key] = one.text("reason") or one.text("why")
            found.setdefault(key, Plain({"close_ms": key[1], "action": 0}))
    newest = sorted(found, key=lambda key: (-key[1], key[0]))[:MOST_DECISIONS]
    return [_row(key[0], found[key], denied.get(key, "")) for key in newest]


def event_rows(events: Events) -> list[EventRow]:
    """What else is in the log's last lines, the newest first."""
    told = [(at, fields) for at, fields in events if fields.get("kind") not in _ELSEWHERE]
    rows = (_event(at, fields) for at, fields in reversed(told))
    return [row for row in rows if row is not None][:MOST_EVENTS]


def _row(symbol: str, one: Plain, denied: str) -> DecisionRow:
    action, probability = one.number("action") or 0, one.number("probability")
    return DecisionRow(
        close=minute(one.number("close_ms")),
        symbol=symbol,
        what=_what(one, action),
        is_entry=bool(action),
        probability=UNKNOWN if probability is None else number(probability),
        expected=percent(one.number("expected_net"), signed=True),
        reason=one.text("reason") or ("" if action else denied or "no reason was given"),
        denied=denied if action else "",
    )


def _what(one: Plain, action: float) -> str:
    """What was decided: an entry, or of target weights the share of the equity that is to be held."""
    weight = one.number("weight")
    if weight is not None:
        return f"wants {percent(weight, signed=True)}" if weight else "not chosen"
    return "stays out" if not action else "enters long" if action > 0 else "enters short"


def _event(at_ms: int, fields: Mapping[str, Any]) -> EventRow | None:
    kind = str(fields.get("kind"))
    others = {name: value for name, value in fields.items() if name != "kind"}
    try:
        told = line(at_ms, kind, others)
    except (KeyError, TypeError, ValueError, AttributeError):  # a line that another release wrote
        told = f"{'':19}  {kind}: {others}"
    if told is None:
        return None
    said = told[21:].removeprefix(kind).removeprefix(": ")
    tone = "bad" if kind in ("error", "unprotected", "order_refused", "order_unknown", "foreign") else ""
    return EventRow(second(at_ms), kind.replace("_", " "), " ".join(said.split()), tone)
