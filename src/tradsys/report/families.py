"""What each family of columns from outside adds to the forecasts: its gain with an interval, on one scale."""

from dataclasses import dataclass
from typing import Any

from tradsys.report.axis import Axis
from tradsys.report.folder import Json, rows, section
from tradsys.report.numbers import MINUS, count, is_known, number

_CALLED = {"macro": "Macro", "book": "Order book", "flow": "Positions", "rank": "Rank among the symbols"}
_SAID = {
    "above": "adds more than noise",
    "below": "makes the forecasts worse",
    "across": "adds nothing that can be told from noise",
}


@dataclass(frozen=True, slots=True)
class FamilyRow:
    """One family; places in percent of the drawing's width, None where history is too short for an interval."""

    name: str
    columns: str
    n_columns: str
    text: str
    interval: str
    point: float
    low: float | None
    high: float | None
    side: str
    over_base: str


@dataclass(frozen=True, slots=True)
class FamiliesCard:
    """All families that the run's features read, and one sentence."""

    sentence: str
    n: str
    rows: tuple[FamilyRow, ...]
    zero: float
    ticks: tuple[tuple[float, str], ...]


def families_card(metrics: Json) -> FamiliesCard | None:
    """What the run found; None where its features read nothing from outside."""
    families = section(metrics, "families")
    found = [one for one in rows(families, "families") if is_known(section(one, "gain").get("value"))]
    if not found:
        return None
    gains = [section(one, "gain") for one in found]
    axis = Axis.around(
        [0.0, *(one[end] for one in gains for end in ("low", "value", "high") if is_known(one.get(end)))]
    )
    return FamiliesCard(
        sentence=" ".join(_sentence(one) for one in found),
        n=count(families.get("n")),
        rows=tuple(_row(one, axis) for one in found),
        zero=axis.place(0.0),
        ticks=tuple((axis.place(tick), f"{tick:g}".replace("-", MINUS)) for tick in axis.ticks(5)),
    )


def _row(family: Json, axis: Axis) -> FamilyRow:
    gain, columns = section(family, "gain"), [str(name) for name in family.get("columns") or []]
    low, high = gain.get("low"), gain.get("high")
    with_, without = family.get("over_base_with"), family.get("over_base_without")
    return FamilyRow(
        name=_called(family),
        columns=", ".join(columns),
        n_columns=f"{count(len(columns))} {'column' if len(columns) == 1 else 'columns'}",
        text=number(gain.get("value"), signed=True),
        interval=f"{number(low)} to {number(high)}" if is_known(low) and is_known(high) else "",
        point=axis.place(gain["value"]),
        low=axis.place(low) if is_known(low) else None,
        high=axis.place(high) if is_known(high) else None,
        side=_side(low, high),
        over_base=f"{number(without, signed=True)} → {number(with_, signed=True)}",
    )


def _called(family: Json) -> str:
    name = str(family.get("family") or "")
    return _CALLED.get(name, name)


def _side(low: Any, high: Any) -> str:
    if not (is_known(low) and is_known(high)):
        return "across"
    return "above" if low > 0 else "below" if high < 0 else "across"


def _sentence(family: Json) -> str:
    gain = section(family, "gain")
    low, high = gain.get("low"), gain.get("high")
    if not (is_known(low) and is_known(high)):
        return f"{_called(family)}: the history is too short to say."
    return f"{_called(family)} {_SAID[_side(low, high)]}."
