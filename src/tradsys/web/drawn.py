"""Small pictures drawn as SVG by the server: a scale, its ticks, and points on it in the picture's own units."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tradsys.report.numbers import Axis

WIDTH: Final = 1000.0
HEIGHT: Final = 240.0
"""Units of the pictures' view box; how large it is drawn is up to the style sheet."""


@dataclass(frozen=True, slots=True)
class Ruled:
    """A vertical scale over values: where each lies, and labelled rules across the picture."""

    axis: Axis

    @classmethod
    def around(cls, values: Sequence[float]) -> "Ruled":
        """A scale that holds all of them with some air."""
        return cls(Axis.around(list(values) or [0.0]))

    def y(self, value: float) -> float:
        """From the top of the picture."""
        return round(HEIGHT * (1 - self.axis.place(value) / 100), 1)

    @property
    def rules(self) -> list[tuple[float, str]]:
        """Heights and what stands beside them."""
        return [(round(HEIGHT * (1 - at / 100), 1), text) for at, text in self.axis.labelled_ticks(4)]


def across(position: int, n: int) -> float:
    """Where the point of a position among `n` lies, from the left; a single one in the middle.

    >>> across(0, 2), across(0, 1)
    (20.0, 500.0)
    """
    return WIDTH / 2 if n < 2 else round(20 + (WIDTH - 40) * position / (n - 1), 1)


def path(points: Sequence[tuple[float, float]], *, is_step: bool = False) -> str:
    """The points of a polyline; as steps, each value holds until the next.

    >>> path([(0, 1), (2, 3)], is_step=True)
    '0,1 2,1 2,3'
    """
    shown: list[tuple[float, float]] = []
    for x, y in points:
        if is_step and shown:
            shown.append((x, shown[-1][1]))
        shown.append((x, y))
    return " ".join(f"{x:g},{y:g}" for x, y in shown)
