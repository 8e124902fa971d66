"""What every part of the bot tells: one callable, listened to by the audit log, notifications and metrics."""

from collections.abc import Callable, Mapping
from typing import Any, Final

type Tell = Callable[[str, Mapping[str, Any]], None]
"""Kind and fields; fields are plain values, and never a secret."""

MAY_WAIT: Final = frozenset({"bar", "decision"})
"""Kinds that are told before orders leave and that nobody acts on."""


class LateTelling:
    """Keeps what may wait while a close is decided on, so that no order waits for it to be written down.

    Whatever else is told goes on at once, after all that was kept: the order in which things are told stays.
    """

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._kept = list[tuple[str, Mapping[str, Any]]]()

    def tell(self, kind: str, fields: Mapping[str, Any]) -> None:
        """Pass it on, now or with `catch_up`."""
        if kind in MAY_WAIT:
            self._kept.append((kind, fields))
            return
        self.catch_up()
        self._tell(kind, fields)

    def catch_up(self) -> None:
        """Pass on what was kept."""
        kept, self._kept = self._kept, []
        for kind, fields in kept:
            self._tell(kind, fields)
