"""Values of a file that somebody else wrote: asked for by name and kind, and absent where they are of another."""

import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from tradsys.core.errors import ConfigError
from tradsys.core.time import interval_ms as step_ms
from tradsys.core.time import parse_interval
from tradsys.report.numbers import MINUS, UNKNOWN


class Plain:
    """A JSON object whose fields may be missing, or be anything.

    >>> found = Plain({"a": 1, "b": "x"})
    >>> found.number("a"), found.number("b"), found.text("b"), found.text("a"), found.part("c").number("d")
    (1, None, 'x', '', None)
    """

    def __init__(self, values: object) -> None:
        self.values: Mapping[str, Any] = values if isinstance(values, Mapping) else {}

    def __bool__(self) -> bool:
        return bool(self.values)

    def number(self, name: str) -> float | None:
        """A finite number, or None."""
        value = self.values.get(name)
        if not isinstance(value, int | float) or isinstance(value, bool):
            return None
        try:
            return value if math.isfinite(value) else None
        except OverflowError:  # JSON's integers have as many digits as somebody wrote
            return None

    def text(self, name: str) -> str:
        """A text, or an empty one."""
        value = self.values.get(name)
        return value if isinstance(value, str) else ""

    def flag(self, name: str) -> bool:
        """Whether it is true, and nothing that only looks so."""
        return self.values.get(name) is True

    def texts(self, name: str) -> list[str]:
        """Those of a list that are text."""
        value = self.values.get(name)
        return [one for one in value if isinstance(one, str)] if isinstance(value, list | tuple) else []

    def part(self, name: str) -> "Plain":
        """An object within."""
        return Plain(self.values.get(name))

    def parts(self, name: str) -> list["Plain"]:
        """Objects of a list within."""
        value = self.values.get(name)
        return [Plain(one) for one in value if isinstance(one, Mapping)] if isinstance(value, list | tuple) else []

    def named(self) -> Iterator[tuple[str, "Plain"]]:
        """Objects within by their names."""
        return ((str(name), Plain(one)) for name, one in self.values.items() if isinstance(one, Mapping))


def interval_ms(text: str) -> int:
    """The length of a bar, 0 where the text is none."""
    try:
        return step_ms(parse_interval(text))
    except (ConfigError, ValueError):
        return 0


def second(ms: float | None) -> str:
    """The UTC date and time to the second.

    >>> second(1678629601000)
    '12 Mar 2023, 14:00:01 UTC'
    """
    try:
        at = datetime.fromtimestamp((ms or math.nan) / 1_000, UTC)
    except (ValueError, OverflowError, OSError):
        return UNKNOWN
    return f"{at.day} {at:%b %Y, %H:%M:%S} UTC"


def quote(value: float | None, *, signed: bool = False) -> str:
    """An amount of quote currency.

    >>> quote(13406.641), quote(-0.4, signed=True), quote(None)
    ('13,406.64', '\u22120.40', '\u2013')
    """
    if value is None:
        return UNKNOWN
    text = f"{value:{'+' if signed else ''},.2f}"
    return text.replace("-", MINUS) if text.strip("-+0.,") else "0.00"


def exact(value: float | None) -> str:
    """A size or a price, with all digits that matter.

    >>> exact(3082.66566359), exact(0.00012)
    ('3,082.6657', '0.00012')
    """
    return UNKNOWN if value is None else f"{value:,.8g}".replace("-", MINUS)
