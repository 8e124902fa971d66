"""What each family of columns from outside adds to the forecasts: its gain with an interval, on one scale."""

from dataclasses import dataclass

from tradsys.report.intervals import interval_text, side_of_zero
from tradsys.report.numbers import Axis, count, is_known, number
from tradsys.runs.diagnostics import FamiliesMetrics, FamilyMetrics
from tradsys.runs.section import MeasuredGain

_TITLES = {"macro": "Macro", "book": "Order book", "flow": "Positions", "rank": "Rank among the symbols"}
_FINDINGS = {
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


def families_card(families: FamiliesMetrics | None) -> FamiliesCard | None:
    """What the run found; None where its features read nothing from outside."""
    found = [
        (one, one.gain) for one in (families.families if families else ()) if one.gain and is_known(one.gain.value)
    ]
    if families is None or not found:
        return None
    ends = [end for _, gain in found for end in (gain.low, gain.value, gain.high) if is_known(end)]
    axis = Axis.around([0.0, *ends])
    return FamiliesCard(
        sentence=" ".join(_sentence(_title(one), gain) for one, gain in found),
        n=count(families.n),
        rows=tuple(_row(one, gain, axis) for one, gain in found),
        zero=axis.place(0.0),
        ticks=axis.labelled_ticks(),
    )


def _row(family: FamilyMetrics, gain: MeasuredGain, axis: Axis) -> FamilyRow:
    value, n = gain.value, len(family.columns)
    assert is_known(value)
    with_, without = family.over_base_with, family.over_base_without
    return FamilyRow(
        name=_title(family),
        columns=", ".join(family.columns),
        n_columns=f"{count(n)} {'column' if n == 1 else 'columns'}",
        text=number(value, signed=True),
        interval=interval_text(gain.low, gain.high),
        point=axis.place(value),
        low=axis.place_known(gain.low),
        high=axis.place_known(gain.high),
        side=side_of_zero(gain.low, gain.high),
        over_base=f"{number(without, signed=True)} → {number(with_, signed=True)}",
    )


def _title(family: FamilyMetrics) -> str:
    return _TITLES.get(family.family, family.family)


def _sentence(title: str, gain: MeasuredGain) -> str:
    if not (is_known(gain.low) and is_known(gain.high)):
        return f"{title}: the history is too short to say."
    return f"{title} {_FINDINGS[side_of_zero(gain.low, gain.high)]}."
