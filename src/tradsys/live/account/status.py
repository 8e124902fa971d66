"""`status.json`: what a bot is doing, written whole every few seconds and read by whoever wants to know."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tradsys.core.errors import DataError
from tradsys.core.json_text import pretty_json, read_json
from tradsys.live.account.lock import Holder, holder_of

STATUS: Final = "status.json"

FRESH_S: Final = 5.0
"""A status of a running bot that is older says that the bot does not get on."""


@dataclass(frozen=True, slots=True)
class SeenStatus:
    """What was read: the last status (None: there never was one), how old it is, and who trades the account.

    Its time may lie ahead, where a clock was set: it is as far from now then as one that is so old.
    """

    status: Mapping[str, Any] | None
    age_s: float
    holder: Holder | None

    @property
    def is_stuck(self) -> bool:
        """Whether somebody holds the account and has not said for too long how it goes."""
        return self.holder is not None and self.age_s > FRESH_S


def write_status(folder: Path, status: Mapping[str, Any]) -> None:
    """The whole file under its name at once; an OSError leaves the last one as it is.

    It is not synced: it is written every few seconds, and of a machine that failed it tells nothing any more.
    """
    part = folder / f".{STATUS}.part"
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pretty_json(status).encode())
        part.replace(folder / STATUS)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def read_status(folder: Path) -> SeenStatus:
    """What the account's bot last said, and whether there is one; a DataError where the file is no status."""
    path, holder = folder / STATUS, holder_of(folder)
    try:
        written_s, content = path.stat().st_mtime, path.read_bytes()
    except FileNotFoundError:
        return SeenStatus(None, float("inf"), holder)
    try:
        status = read_json(content)
        if not isinstance(status, dict):
            raise ValueError(f"it holds no object but {type(status).__name__}")
    except ValueError as error:
        raise DataError(f"{path} is no status ({error}); a running bot writes it anew within seconds") from None
    return SeenStatus(status, abs(time.time() - written_s), holder)
