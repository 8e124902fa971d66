"""What a page may have a bot do: the same questions as the command line's, two of them with a name typed first."""

import secrets
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, Final

from tradsys.core.errors import NotRunningError, TradsysError
from tradsys.live.account.looked import stop_entries
from tradsys.live.control import ask

VERBS: Final = ("stopentry", "resume", "forceexit", "flatten")

BY: Final = "web page"
"""How the audit log names whoever asked."""

PATIENCE_S: Final = 10.0
FLATTEN_S: Final = 60.0
"""Longer than a bot tries before it says that something is left."""

_MOST_KEPT: Final = 1_000
"""Tickets that are open, and that were taken, before the oldest is forgotten."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a command, in the bot's words or in ours."""

    verb: str
    is_done: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class Tickets:
    """One for each command that a page offers; a ticket is taken once, so that a form sent twice does one thing."""

    _open: deque[tuple[str, str]] = field(default_factory=lambda: deque(maxlen=_MOST_KEPT))
    _spent: deque[str] = field(default_factory=lambda: deque(maxlen=_MOST_KEPT))
    _lock: Lock = field(default_factory=Lock)

    def new(self, about: str = "") -> str:
        """A ticket for one command, and no other than what it is about."""
        ticket = secrets.token_urlsafe(16)
        with self._lock:
            self._open.append((ticket, about))
        return ticket

    def take(self, ticket: str, about: str = "") -> bool:
        """Whether it was there still."""
        with self._lock:
            if (ticket, about) not in self._open:
                return False
            self._open.remove((ticket, about))
            self._spent.append(ticket)
            return True

    def was_taken(self, ticket: str) -> bool:
        """Whether it was taken before; False of one that nobody gave out, or that is too old to be known."""
        with self._lock:
            return ticket in self._spent


def why_not(account: str, verb: str, typed: str) -> str:
    """Why it is not even asked; empty where it may be."""
    if verb == "flatten" and typed != account:
        return f"To leave everything type the account's name, {account}; found {typed!r}. Nothing was done."
    if verb == "forceexit" and (not typed or typed == "all"):
        return f"To leave one symbol type its name as it stands above; found {typed!r}. Nothing was done."
    return ""


def carry_out(folder: Path, verb: str, typed: str) -> Answer:
    """Ask the bot and say what it answered; what cannot be done is said, and never raised."""
    if why := why_not(folder.name, verb, typed):
        return Answer(verb, False, why)
    argument = typed if verb == "forceexit" else ""
    try:
        answer = _asked(folder, verb, argument)
    except TradsysError as error:
        return Answer(verb, False, f"{error}")
    except OSError as error:
        return Answer(verb, False, f"{folder} cannot be written ({error.strerror}): the bot was not asked")
    return Answer(verb, bool(answer.get("is_done", True)), str(answer.get("said", "it was done")))


def _asked(folder: Path, verb: str, argument: str) -> Mapping[str, Any]:
    try:
        return ask(folder, verb, argument, wait_s=FLATTEN_S if verb == "flatten" else PATIENCE_S, by=BY)
    except NotRunningError:
        if verb != "stopentry":
            raise
        return stop_entries(folder)
