"""Reliability diagrams: what was forecast against what happened, with intervals."""

import math
from dataclasses import dataclass

from tradsys.report.axis import Axis
from tradsys.report.folder import Json, rows
from tradsys.report.numbers import count, is_known, percent


@dataclass(frozen=True, slots=True)
class Bin:
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
    bins: tuple[Bin, ...]
    ticks: tuple[tuple[float, str], ...]
    base_rate: float | None
    n: str


def diagrams(metrics: Json) -> list[Diagram]:
    """One diagram a side that was forecast, both on the same scale."""
    sides = {side: _usable(metrics.get("reliability") or {}, side) for side in ("long", "short")}
    values = [one[key] for found in sides.values() for one in found for key in ("predicted", "observed", "low", "high")]
    if not values:
        return []
    axis = Axis.around(values)
    labels = metrics.get("labels") or {}
    return [_diagram(side, found, axis, labels.get(f"base_rate_{side}")) for side, found in sides.items() if found]


def _usable(reliability: Json, side: str) -> list[dict[str, float]]:
    """Bins with a forecast and an outcome; a missing interval is as wide as the point."""
    found = []
    for one in rows(reliability, side):
        if is_known(one.get("predicted")) and is_known(one.get("observed")):
            seen = one["observed"]
            ends = {end: one[end] if is_known(one.get(end)) else seen for end in ("low", "high")}
            found.append({"predicted": one["predicted"], "observed": seen, "n": one.get("n") or 0, **ends})
    return found


def _diagram(side: str, found: list[dict[str, float]], axis: Axis, base_rate: float | None) -> Diagram:
    largest = max(one["n"] for one in found) or 1
    return Diagram(
        side=side,
        bins=tuple(_bin(one, axis, largest) for one in found),
        ticks=tuple((axis.place(tick), f"{tick * 100:g}%") for tick in axis.ticks(5)),
        base_rate=axis.place(base_rate) if is_known(base_rate) else None,
        n=count(sum(one["n"] for one in found)),
    )


def _bin(one: dict[str, float], axis: Axis, largest: float) -> Bin:
    return Bin(
        x=axis.place(one["predicted"]),
        y=axis.place(one["observed"]),
        low=axis.place(one["low"]),
        high=axis.place(one["high"]),
        radius=round(0.9 + 1.7 * math.sqrt(one["n"] / largest), 2),
        is_off=not one["low"] <= one["predicted"] <= one["high"],
        text=f"forecast {percent(one['predicted'])}, happened {percent(one['observed'])} "
        f"({percent(one['low'])} to {percent(one['high'])}), n = {count(one['n'])}",
    )
