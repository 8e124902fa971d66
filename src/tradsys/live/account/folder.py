"""The folder `live/A/` of an account that is traded: lock, status, audit log and what kind of account it is."""

import asyncio
import re
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self

from tradsys.core.errors import ConfigError, DataError
from tradsys.core.files import write_atomically
from tradsys.core.json_text import pretty_json, read_json
from tradsys.live.account.audit import AuditLog
from tradsys.live.account.lock import held
from tradsys.live.account.scrub import Scrubber
from tradsys.live.account.status import write_status
from tradsys.live.clock import Clock
from tradsys.live.telling import Tell

ACCOUNT: Final = "account.json"
JOURNAL: Final = "journal.sqlite"

STATUS_EVERY_S: Final = 2.0
SYNC_EVERY_S: Final = 0.2

type Money = Literal["paper", "live", "tape"]
"""Nobody's on the market's bars, its owner's, or nobody's on the bars of a file."""

_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,22}[a-z0-9])?")


def account_folder(name: str, root: Path = Path("live")) -> Path:
    """Where an account lies; a ConfigError for a name that could not stand in a client id or a path."""
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"an account's name has 1 to 24 small letters, digits and dashes within, found {name!r}; such as main or "
            "paper-1"
        )
    return root / name


class AccountFolder:
    """A traded account's folder, held by this process within a `with` block.

    What happens is told by `tell`, which writes the audit log and whatever else listens; `trouble` is a sentence while
    the disk takes nothing, and then no entries may be made. Nothing written holds a secret that `scrub` knows.
    `pace` is how many seconds of the loop pass in one real one: more than 1 where a tape is played.
    """

    def __init__(
        self,
        path: Path,
        clock: Clock,
        *,
        money: Money,
        venue: str,
        scrub: Scrubber = Scrubber(),
        pace: float = 1.0,
    ) -> None:
        self.path, self.pace, self._clock, self._scrub = path, pace, clock, scrub
        self.money: Money = money
        self._kind = {"money": money, "venue": venue}
        self._listeners: list[Tell] = []
        self._status_trouble = ""
        self._is_kept = False
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path.chmod(0o700)
        started = datetime.fromtimestamp(self._clock.now_ms() / 1_000, UTC).isoformat(timespec="seconds")
        with ExitStack() as stack:
            self.holder = stack.enter_context(held(self.path, started))
            self._remember_kind()
            self._audit = AuditLog(self.path, self._clock)
            stack.callback(self._audit.close)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def journal(self) -> Path:
        """Where the intents of this account are kept."""
        return self.path / JOURNAL

    @property
    def trouble(self) -> str:
        """What keeps the disk from being written; empty where nothing does."""
        return self._audit.trouble or self._status_trouble

    def scrub(self, text: str) -> str:
        """The text without any secret."""
        return self._scrub.text(text)

    @property
    def broken_audit(self) -> str:
        """Where the audit log was broken when this process found it."""
        return self._audit.broken

    def listen(self, listener: Tell) -> None:
        """Tell another what is told, after it is in the audit log."""
        self._listeners.append(listener)

    def tell(self, kind: str, fields: Mapping[str, Any]) -> None:
        """Write down what happened, and pass it on."""
        known = self._scrub.plain(fields)
        self._audit.append(kind, known)
        if not self._is_kept:
            self._audit.sync()
        for listener in self._listeners:
            listener(kind, known)

    def write_status(self, status: Mapping[str, Any]) -> None:
        """The account's status as it is now; where the disk takes none, `trouble` says so."""
        try:
            write_status(self.path, self._scrub.plain(status))
        except OSError as error:
            self._status_trouble = (
                f"{self.path}/status.json cannot be written ({error.strerror}): no entries until it can"
            )
        else:
            self._status_trouble = ""

    async def keep(self, status: Callable[[], Mapping[str, Any]]) -> None:
        """Write the status every two seconds, and sync the audit log beside the loop, until it is cancelled."""
        self._is_kept = True
        try:
            for turn in count():
                if turn % round(STATUS_EVERY_S / SYNC_EVERY_S) == 0:
                    self.write_status(status())
                await self._audit.sync_beside()
                await asyncio.sleep(SYNC_EVERY_S * self.pace)
        finally:
            self._is_kept = False
            self._audit.sync()

    def _remember_kind(self) -> None:
        """A folder holds paper or money, of one venue, and never the other: its journal and its limits would lie."""
        path = self.path / ACCOUNT
        try:
            before = read_json(path.read_bytes())
        except FileNotFoundError:
            write_atomically(path, pretty_json(self._kind).encode())
            return
        except ValueError as error:
            raise DataError(f"{path} is not what was written there ({error}); restore it from a copy") from None
        if before != self._kind:
            was, now = (f"{one.get('money')} on {one.get('venue')}" for one in (before, self._kind))
            raise ConfigError(f"account {self.name} is {was}, and this would be {now}; give --account another name")
