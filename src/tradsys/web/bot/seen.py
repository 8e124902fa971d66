"""An account's folder as one look found it: what its bot last said, how long ago, and whether its process lives."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from tradsys.core.errors import DataError
from tradsys.core.json_text import read_json
from tradsys.live.account.folder import ACCOUNT
from tradsys.live.account.lock import LOCK, Holder, holder_of
from tradsys.live.account.status import FRESH_S, STATUS, read_status
from tradsys.live.control import KILL
from tradsys.web.bot.plain import Plain, second

MONEY: Final = {"tape": "on a tape", "paper": "on paper", "live": "with real money"}


@dataclass(frozen=True, slots=True)
class SeenAccount:
    """An account's folder as one look found it; `trouble` says what could not be read."""

    folder: Path
    money: str
    venue: str
    status: Plain
    age_s: float
    written_s: float
    holder: Holder | None
    started_s: float
    trouble: str = ""
    is_kill_file_there: bool = False

    @classmethod
    def look(cls, folder: Path) -> Self:
        """What there is; nothing in the folder is written, and whatever is broken is a sentence."""
        troubles: list[str] = []
        kind, status, age_s, holder = Plain({}), Plain({}), float("inf"), None
        try:
            kind = Plain(_object(folder / ACCOUNT))
        except DataError as error:
            troubles.append(str(error))
        try:
            holder = holder_of(folder)
            seen = read_status(folder)
            status, age_s = Plain(seen.status or {}), seen.age_s
        except (DataError, OSError) as error:
            troubles.append(str(error))
        return cls(
            folder=folder,
            money=kind.text("money"),
            venue=kind.text("venue"),
            status=status,
            age_s=age_s,
            written_s=_changed_s(folder / STATUS),
            holder=holder,
            started_s=_changed_s(folder / LOCK),
            trouble="; ".join(troubles),
            is_kill_file_there=(folder / KILL).exists(),
        )

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def is_silent(self) -> bool:
        """Whether what it last said is too old to be true still."""
        return self.holder is None or self.age_s > FRESH_S

    @property
    def money_text(self) -> str:
        """Whose money it is, plainly."""
        return MONEY.get(self.money, "of an unknown kind")

    @property
    def traded(self) -> str:
        """Which profile is traded on what and where; empty where the bot never said."""
        status = self.status
        if not status.text("profile"):
            return ""
        symbols = ", ".join(status.texts("symbols"))
        return f"{status.text('profile')} on {symbols} at {status.text('venue')}, bars of {status.text('interval')}"

    @property
    def news(self) -> str:
        """When it last said how it goes."""
        return second(self.written_s * 1_000) if self.written_s else "not told yet"

    @property
    def bar_age_s(self) -> float | None:
        """Seconds since the last close that it knows, on its own clock, which on a tape is the tape's."""
        close, now = self.status.number("last_close_ms"), self.status.number("now_ms")
        if close is None or now is None:
            return None
        return (now - close) / 1_000 + self._since_s

    @property
    def look_age_s(self) -> float | None:
        """Seconds since it last saw the account at its venue."""
        age = self.status.number("account_age_ms")
        return None if age is None else age / 1_000 + self._since_s

    @property
    def _since_s(self) -> float:
        return 0.0 if self.money == "tape" or self.age_s == float("inf") else self.age_s


def _object(path: Path) -> Mapping[str, Any]:
    try:
        found = read_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read ({error}); restore it from a copy") from None
    if not isinstance(found, dict):
        raise DataError(f"{path} holds no object; restore it from a copy")
    return found


def _changed_s(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
