"""A value that a restart does not forget: JSON in a flag, written only when it has changed."""

from typing import Any

from tradsys.core.json_text import canonical_json, read_json
from tradsys.live.state import Flags, KeepsSoon


class Remembered:
    """One flag; text there that is no JSON is a ValueError.

    With `may_wait` it is kept with the next commit, whatever for, where the flags know how to.
    """

    def __init__(self, flags: Flags, name: str, *, may_wait: bool = False) -> None:
        self._flags, self._name = flags, name
        self._set = flags.set_flag_soon if may_wait and isinstance(flags, KeepsSoon) else flags.set_flag
        self._text = flags.flag(self._name)

    def read(self) -> Any:
        """What was kept last; None of what never was."""
        return None if self._text is None else read_json(self._text)

    def keep(self, value: Any) -> None:
        """On disk when this returns, unless it may wait."""
        text = canonical_json(value)
        if text != self._text:
            self._set(self._name, text)
            self._text = text
