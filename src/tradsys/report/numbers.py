"""Numbers as people read them: two or three significant digits, a true minus sign, a dash for what is not known."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, Self, TypeGuard

from tradsys.runs.section import Number

UNKNOWN = "–"
MINUS = "−"


def is_known(value: Any) -> TypeGuard[float]:
    """Whether a value is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def number(value: Any, *, signed: bool = False) -> str:
    """Three significant digits, never in exponents.

    >>> number(1.7634), number(-0.0312), number(12345.6), number(None)
    ('1.76', '−0.031', '12,346', '–')
    """
    if not is_known(value):
        return UNKNOWN
    size = abs(value)
    decimals = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 0.1 or size == 0 else 3
    return _minus(f"{value:{'+' if signed else ''},.{decimals}f}")


def percent(value: Any, *, signed: bool = False) -> str:
    """A fraction as a percentage.

    >>> percent(0.1234), percent(-0.0456), percent(0.00071, signed=True)
    ('12.3%', '−4.56%', '+0.071%')
    """
    return f"{number(value * 100, signed=signed)}%" if is_known(value) else UNKNOWN


def p_value(value: Any) -> str:
    """A probability that decides: two digits that matter.

    >>> p_value(0.3412), p_value(0.0341), p_value(0.0002)
    ('0.34', '0.034', '< 0.001')
    """
    if not is_known(value):
        return UNKNOWN
    if value < 0.001:
        return "< 0.001"
    return f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"


def count(value: Any) -> str:
    """A whole number with thousands set apart.

    >>> count(21400)
    '21,400'
    """
    return _minus(f"{round(value):,}") if is_known(value) else UNKNOWN


def days(value: Any) -> str:
    """A length of time in days, or in years where that is easier.

    >>> days(412), days(1460), days(1)
    ('412 days', '4.0 years', '1 day')
    """
    if not is_known(value):
        return UNKNOWN
    if value >= 730:
        return f"{number(value / 365)} years" if value >= 36_500 else f"{value / 365:,.1f} years"
    return "1 day" if round(value) == 1 else f"{count(value)} days"


def duration(value: Any) -> str:
    """A length of time given in seconds.

    >>> duration(2700), duration(34_000), duration(200_000)
    ('45 min', '9.4 h', '2.3 days')
    """
    if not is_known(value):
        return UNKNOWN
    if value < 3_600:
        return f"{value / 60:.0f} min"
    return f"{value / 3_600:.1f} h" if value < 172_800 else f"{value / 86_400:,.1f} days"


def plain(value: Any) -> str:
    """Any setting on one line.

    >>> plain(["a", 2]), plain(None), plain(True), plain(0.05)
    ('a, 2', '–', 'yes', '0.05')
    """
    if value is None:
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(plain(item) for item in value) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{key} {plain(item)}" for key, item in value.items()) or "none"
    return str(value)


def moment(value: Any) -> datetime | None:
    """A time given as milliseconds, ISO text or a datetime; UTC where nothing else is said."""
    try:
        if is_known(value):
            return datetime.fromtimestamp(value / 1000, UTC)
        at = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def day(value: Any) -> str:
    """The UTC date.

    >>> day("2023-03-12T14:00:00Z")
    '12 Mar 2023'
    """
    at = moment(value)
    return f"{at.day} {at:%b %Y}" if at else UNKNOWN


def minute(value: Any) -> str:
    """The UTC date and time.

    >>> minute(1678629600000)
    '12 Mar 2023, 14:00 UTC'
    """
    at = moment(value)
    return f"{at.day} {at:%b %Y, %H:%M} UTC" if at else UNKNOWN


def clock(value: Any) -> str:
    """The UTC time of the day.

    >>> clock("2023-03-12T14:05:00Z")
    '14:05'
    """
    at = moment(value)
    return f"{at:%H:%M}" if at else UNKNOWN


def _minus(text: str) -> str:
    return text.replace("-", MINUS) if text.strip("-0.,") else text.lstrip("-")


@dataclass(frozen=True, slots=True)
class Axis:
    """Values from `low` to `high`."""

    low: float
    high: float

    @classmethod
    def around(cls, values: Sequence[float], *, margin: float = 0.06) -> Self:
        """An axis that holds the values with some air on both sides."""
        low, high = min(values), max(values)
        air = margin * (high - low or abs(high) or 1.0)
        return cls(low - air, high + air)

    def place(self, value: float) -> float:
        """Percent of the axis's length, kept within its ends.

        >>> Axis(-1, 3).place(0), Axis(-1, 3).place(9)
        (25.0, 100.0)
        """
        share = (value - self.low) / (self.high - self.low)
        return round(100 * min(1.0, max(0.0, share)), 3)

    def place_known(self, value: Number) -> float | None:
        """The same, None for what is not known."""
        return self.place(value) if is_known(value) else None

    def labelled_ticks(
        self, about: int = 5, show: Callable[[float], str] = "{:g}".format
    ) -> tuple[tuple[float, str], ...]:
        """The place and the label of each tick."""
        return tuple((self.place(tick), show(tick).replace("-", MINUS)) for tick in self.ticks(about))

    def ticks(self, about: int = 5) -> list[float]:
        """Multiples of 1, 2 or 5 times a power of ten.

        >>> Axis(-0.4, 1.1).ticks()
        [0.0, 0.5, 1.0]
        """
        rough = (self.high - self.low) / about
        power = 10 ** math.floor(math.log10(rough))
        step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        return [round(index * step, 12) for index in range(first, last + 1)]


type SideOfZero = Literal["above", "below", "across"]


def interval_text(low: Number, high: Number, show: Callable[[Number], str] = number) -> str:
    """Both ends, or nothing where one is not known.

    >>> interval_text(-0.5, 2.9), interval_text(0.1, None)
    ('−0.50 to 2.90', '')
    """
    return f"{show(low)} to {show(high)}" if is_known(low) and is_known(high) else ""


def side_of_zero(low: Number, high: Number) -> SideOfZero:
    """Where an interval lies; one that is not known lies across."""
    if not (is_known(low) and is_known(high)):
        return "across"
    return "above" if low > 0 else "below" if high < 0 else "across"
