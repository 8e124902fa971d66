"""A value that a restart does not forget: JSON in a flag, written only when it has changed."""

from typing import Any

from tradsys.core.json_text import canonical_json, read_json
from tradsys.live.state import Flags


class Remembered:
    """One flag; text there that is no JSON is a ValueError."""

    def __init__(self, flags: Flags, name: str) -> None:
        self._flags, self._name = flags, name
        self._text = flags.flag(self._name)

    def read(self) -> Any:
        """What was kept last; None of what never was."""
        return None if self._text is None else read_json(self._text)

    def keep(self, value: Any) -> None:
        """On disk when this returns."""
        text = canonical_json(value)
        if text != self._text:
            self._flags.set_flag(self._name, text)
            self._text = text
