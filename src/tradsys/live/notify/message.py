"""Which events are worth a notification, how urgent each is, and its text."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final


class Level(IntEnum):
    """INFO is news, WARNING wants a look today, CRITICAL now."""

    INFO = 0
    WARNING = 1
    CRITICAL = 2


LEVELS: Final[Mapping[str, Level]] = {
    "started": Level.INFO,
    "stopped": Level.INFO,
    "fill": Level.INFO,
    "exit": Level.INFO,
    "command": Level.INFO,
    "order_refused": Level.WARNING,
    "foreign": Level.WARNING,
    "risk": Level.WARNING,
    "state": Level.WARNING,
    "error": Level.WARNING,
    "order_unknown": Level.WARNING,
    "unprotected": Level.CRITICAL,
    "halted": Level.CRITICAL,
}
"""Kinds of events that people are told; bars, decisions and orders that went well are not among them."""

DISTINCT: Final = ("symbol", "state", "verb", "what", "check")
"""Fields that make two events of a kind different news; others only change a number."""

SHOWN: Final[Mapping[str, tuple[str, ...]]] = {"fill": ("side", "size_base", "price", "fee_quote", "realised_quote")}
"""Fields of a kind that are worth a person's time; of other kinds all are."""

LONGEST: Final = 1_000
"""Characters of a text; services cut or refuse long ones."""


@dataclass(frozen=True, slots=True)
class Message:
    """One notification; those with the same `topic` are the same news."""

    level: Level
    topic: tuple[str, ...]
    text: str


def message_of(kind: str, fields: Mapping[str, Any]) -> Message | None:
    """The notification of an event, None where nobody wants one.

    >>> message_of("exit", {"symbol": "BTC", "why": "stop", "net_quote": -1.25}).text
    'exit BTC: why stop, net_quote -1.25'
    """
    level = LEVELS.get(kind)
    if level is None or (kind == "state" and "state" not in fields):  # such as a clock that was set
        return None
    # "looking: no answer" and "looking: status 502" are the same news
    topic = (kind, *(str(fields.get(name, "")).partition(":")[0] for name in DISTINCT))
    head = f"{kind} {fields['symbol']}" if "symbol" in fields else kind
    shown = [name for name in SHOWN.get(kind, fields) if name != "symbol" and fields.get(name) is not None]
    told = ", ".join(f"{name} {fields[name]}" for name in shown)
    return Message(level, topic, f"{head}: {told}"[:LONGEST] if told else head)
