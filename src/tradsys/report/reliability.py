"""Reliability diagrams: what was forecast against what happened, with intervals."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

from tradsys.report.numbers import Axis, count, is_known, percent
from tradsys.runs.metrics import LabelMetrics, ReliabilityBin
from tradsys.runs.section import Number


@dataclass(frozen=True, slots=True)
class DiagramBin:
    """Forecasts of about the same probability; places in percent of the square, measured from the lower left."""

    x: float
    y: float
    low: float
    high: float
    radius: float
    is_off: bool
    text: str


@dataclass(frozen=True, slots=True)
class Diagram:
    """One side's forecasts."""

    side: str
    bins: tuple[DiagramBin, ...]
    ticks: tuple[tuple[float, str], ...]
    base_rate: float | None
    n: str


def diagrams(reliability: Mapping[str, Sequence[ReliabilityBin]], labels: LabelMetrics | None) -> list[Diagram]:
    """One diagram a side that was forecast, both on the same scale."""
    sides = {side: _points(reliability.get(side, ())) for side in ("long", "short")}
    values = [
        end for found in sides.values() for one in found for end in (one.predicted, one.observed, one.low, one.high)
    ]
    if not values:
        return []
    axis = Axis.around(values)
    rates = {"long": labels.base_rate_long, "short": labels.base_rate_short} if labels else {}
    return [_diagram(side, found, axis, rates.get(side)) for side, found in sides.items() if found]


class DiagramPoint(NamedTuple):
    """A bin with a forecast and an outcome; a missing interval is as wide as the point."""

    predicted: float
    observed: float
    low: float
    high: float
    n: int

    @classmethod
    def of(cls, predicted: Number, observed: Number, low: Number, high: Number, n: int) -> Self | None:
        """None where the forecast or the outcome is not known."""
        if not (is_known(predicted) and is_known(observed)):
            return None
        return cls(predicted, observed, low if is_known(low) else observed, high if is_known(high) else observed, n)


def _points(bins: Sequence[ReliabilityBin]) -> list[DiagramPoint]:
    points = (DiagramPoint.of(one.predicted, one.observed, one.low, one.high, one.n) for one in bins)
    return [one for one in points if one is not None]


def _diagram(side: str, found: Sequence[DiagramPoint], axis: Axis, base_rate: Number) -> Diagram:
    largest = max(one.n for one in found) or 1
    return Diagram(
        side=side,
        bins=tuple(_bin(one, axis, largest) for one in found),
        ticks=axis.labelled_ticks(5, lambda tick: f"{tick * 100:g}%"),
        base_rate=axis.place_known(base_rate),
        n=count(sum(one.n for one in found)),
    )


def _bin(one: DiagramPoint, axis: Axis, largest: int) -> DiagramBin:
    said = f"forecast {percent(one.predicted)}, happened {percent(one.observed)} "
    return diagram_bin(one, axis, largest, f"{said}({percent(one.low)} to {percent(one.high)}), n = {count(one.n)}")


def diagram_bin(one: DiagramPoint, axis: Axis, largest: int, text: str) -> DiagramBin:
    """The point's place, its radius by its share of the `largest` number, and whether its interval misses it."""
    return DiagramBin(
        x=axis.place(one.predicted),
        y=axis.place(one.observed),
        low=axis.place(one.low),
        high=axis.place(one.high),
        radius=round(0.9 + 1.7 * math.sqrt(one.n / largest), 2),
        is_off=not one.low <= one.predicted <= one.high,
        text=text,
    )
