"""How much forecasters know beyond a reference, and what each family of outside columns adds: gains with intervals."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from tradsys.report.numbers import UNKNOWN, Axis, SideOfZero, count, interval_text, is_known, number, side_of_zero
from tradsys.runs.diagnostics import FamiliesMetrics, FamilyMetrics
from tradsys.runs.metrics import ForecasterMetrics, SkillMetrics
from tradsys.runs.section import MeasuredGain, Number

REFERENCES = (
    ("over_base", "Over the base rate", "does it know anything at all?"),
    ("over_volatility", "Over volatility alone", "does it know the direction, or only how far?"),
    ("over_logistic", "Over the ridge logistic", "is the extra machinery worth having?"),
    ("over_boosted", "Over XGBoost", "would boosted trees have done?"),
)


@dataclass(frozen=True, slots=True)
class ForestRow:
    """One forecaster; places in percent of the figure's width."""

    name: str
    text: str
    interval: str
    point: float
    low: float
    high: float
    side: SideOfZero


@dataclass(frozen=True, slots=True)
class Forest:
    """One reference: the rows that were compared with it, and the scale that all forests share."""

    title: str
    question: str
    rows: tuple[ForestRow, ...]
    zero: float
    blind: tuple[float, float] | None
    ticks: tuple[tuple[float, str], ...]


def forests(skill: SkillMetrics | None) -> list[Forest]:
    """A forest for each reference that anything was compared with; gains in millinats."""
    forecasters = skill.forecasters if skill else ()
    gains = [(one.name, key, getattr(one, key)) for key, _, _ in REFERENCES for one in forecasters]
    known = [(name, key, gain) for name, key, gain in gains if gain is not None and is_known(gain.value)]
    if skill is None or not known:
        return []
    ends = [end for _, _, gain in known for end in (gain.low, gain.value, gain.high) if is_known(end)]
    axis = Axis.around([*ends, 0.0])
    blind = skill.smallest_visible_gain_millinats
    band = (axis.place(-blind), axis.place(blind)) if is_known(blind) else None
    found = []
    for key, title, question in REFERENCES:
        rows = tuple(_row(name, gain, axis) for name, against, gain in known if against == key)
        if rows:
            found.append(Forest(title, question, rows, axis.place(0.0), band, axis.labelled_ticks(4)))
    return found


def _row(name: str, gain: MeasuredGain, axis: Axis) -> ForestRow:
    value = gain.value
    assert is_known(value)
    low, high = (end if is_known(end) else value for end in (gain.low, gain.high))
    return ForestRow(
        name=name,
        text=number(value, signed=True),
        interval=interval_text(low, high) if low != high else "",
        point=axis.place(value),
        low=axis.place(low),
        high=axis.place(high),
        side=side_of_zero(low, high),
    )


@dataclass(frozen=True, slots=True)
class ForecasterRow:
    """One forecaster's scores as they are shown; the Brier score with its parts, all in thousandths but itself."""

    name: str
    log_loss: str
    brier: str
    reliability: str
    resolution: str
    auc: str
    auc_interval: str


def forecaster_rows(skill: SkillMetrics | None) -> Sequence[ForecasterRow]:
    """Scores of each forecaster."""
    return [_scores(one) for one in (skill.forecasters if skill else ())]


def _scores(forecaster: ForecasterMetrics) -> ForecasterRow:
    low, high = forecaster.intervals.get("auc", (None, None))
    return ForecasterRow(
        name=forecaster.name,
        log_loss=_fixed(forecaster.log_loss, 5),
        brier=_fixed(forecaster.brier, 5),
        reliability=_fixed(forecaster.brier_parts.reliability, 2, scale=1e3),
        resolution=_fixed(forecaster.brier_parts.resolution, 2, scale=1e3),
        auc=_fixed(forecaster.auc, 3),
        auc_interval=interval_text(low, high, partial(_fixed, decimals=3)),
    )


def _fixed(value: Number, decimals: int, *, scale: float = 1.0) -> str:
    return f"{value * scale:.{decimals}f}" if is_known(value) else UNKNOWN


_FAMILY_TITLES = {
    "macro": "Macro",
    "book": "Order book",
    "flow": "Positions",
    "rank": "Rank among the symbols",
    "funding": "Funding",
}
_FAMILY_FINDINGS = {
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
        sentence=" ".join(_family_sentence(_family_title(one), gain) for one, gain in found),
        n=count(families.n),
        rows=tuple(_family_row(one, gain, axis) for one, gain in found),
        zero=axis.place(0.0),
        ticks=axis.labelled_ticks(),
    )


def _family_row(family: FamilyMetrics, gain: MeasuredGain, axis: Axis) -> FamilyRow:
    value, n = gain.value, len(family.columns)
    assert is_known(value)
    with_, without = family.over_base_with, family.over_base_without
    return FamilyRow(
        name=_family_title(family),
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


def _family_title(family: FamilyMetrics) -> str:
    return _FAMILY_TITLES.get(family.family, family.family)


def _family_sentence(title: str, gain: MeasuredGain) -> str:
    if not (is_known(gain.low) and is_known(gain.high)):
        return f"{title}: the history is too short to say."
    return f"{title} {_FAMILY_FINDINGS[side_of_zero(gain.low, gain.high)]}."
