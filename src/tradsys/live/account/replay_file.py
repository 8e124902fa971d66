"""`replay.json`: what the last replay of an account found, kept for whoever shows it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tradsys.core.errors import DataError
from tradsys.core.files import write_atomically
from tradsys.core.json_text import pretty_json, read_json

REPLAY: Final = "replay.json"
"""The bot itself never reads it."""


def keep_replay(folder: Path, values: Mapping[str, Any]) -> None:
    """Write down what a replay found, in place of the one before."""
    made = datetime.now(UTC).isoformat(timespec="seconds")
    write_atomically(folder / REPLAY, pretty_json({**values, "made": made}).encode())


def kept_replay(folder: Path) -> Mapping[str, Any] | None:
    """What the last replay found; None where none was made, a DataError where the file is none."""
    try:
        found = read_json((folder / REPLAY).read_bytes())
        if not isinstance(found, dict):
            raise ValueError(f"it holds no object but {type(found).__name__}")
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise DataError(f"{folder / REPLAY} is no replay ({error}); make it anew with tradsys trade replay") from None
    return found
