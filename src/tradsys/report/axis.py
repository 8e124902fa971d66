"""A linear scale and its round ticks, as places in percent, so that a drawing stretches with the page."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

from tradsys.report.numbers import MINUS, is_known
from tradsys.runs.section import Number


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
