"""Whether the bot trades, only closes, or stops: one standing for the whole account, which survives restarts."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol, runtime_checkable

from tradsys.core.json_text import canonical_json, read_json

FLAG: Final = "state"
PERSON: Final = "person"
"""Cause of a standing that somebody asked for."""

START: Final = "preflight"
"""Cause of a standing that a start found: trades are open on what would be refused otherwise."""


class TradingState(StrEnum):
    """ACTIVE trades. REDUCING enters nothing, exits go on. HALTED exits and stops; only a person resumes."""

    ACTIVE = "active"
    REDUCING = "reducing"
    HALTED = "halted"


class Flags(Protocol):
    """Named texts that are on disk when `set_flag` returns; the intent journal keeps them."""

    def flag(self, name: str) -> str | None: ...

    def set_flag(self, name: str, value: str | None) -> None: ...


@runtime_checkable
class KeepsSoon(Protocol):
    """Flags that can also wait for the next commit: known at once, and on disk when `keep_soon` returns."""

    def set_flag_soon(self, name: str, value: str) -> None: ...

    def keep_soon(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Standing:
    """A state, the check or person that brought it about, in words why, since when, and when it ends by itself."""

    state: TradingState
    cause: str
    reason: str
    since_ms: int
    until_ms: int | None = None

    def outranks(self, other: "Standing") -> bool:
        """Whether it takes the other's place: a harder state does, and a person's word or a later end among equals."""
        return self._rank() > other._rank()

    def _rank(self) -> tuple[int, bool, float]:
        hardness = list(TradingState).index(self.state)
        return hardness, self.cause == PERSON, float("inf") if self.until_ms is None else self.until_ms


def read_standing(flags: Flags) -> Standing:
    """What was written last; ACTIVE of an account that is new, HALTED where it cannot be read."""
    text = flags.flag(FLAG)
    if text is None:
        return Standing(TradingState.ACTIVE, "start", "nothing was ever stopped", 0)
    try:
        found = read_json(text)
        state = TradingState(found["state"])
        until_ms = None if found["until_ms"] is None else int(found["until_ms"])
        return Standing(state, str(found["cause"]), str(found["reason"]), int(found["since_ms"]), until_ms)
    except (ValueError, TypeError, KeyError) as error:
        reason = f"the stored state cannot be read ({error!r}); look at the account, then resume"
        return Standing(TradingState.HALTED, "unreadable", reason, 0)


def write_standing(flags: Flags, standing: Standing) -> None:
    """Keep it; it is on disk when this returns."""
    values = {name: getattr(standing, name) for name in ("cause", "reason", "since_ms", "until_ms")}
    flags.set_flag(FLAG, canonical_json({"state": standing.state.value, **values}))
