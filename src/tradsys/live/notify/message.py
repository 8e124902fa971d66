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
    if level is None:
        return None
    topic = (kind, *(str(fields.get(name, "")) for name in DISTINCT))
    head = f"{kind} {fields['symbol']}" if "symbol" in fields else kind
    told = ", ".join(f"{name} {value}" for name, value in fields.items() if name != "symbol" and value is not None)
    return Message(level, topic, f"{head}: {told}"[:LONGEST] if told else head)
