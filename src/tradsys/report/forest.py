"""How much each forecaster knows beyond a reference, drawn with its interval: a forest plot a reference."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tradsys.report.axis import Axis
from tradsys.report.folder import Json, rows, section
from tradsys.report.numbers import MINUS, UNKNOWN, is_known, number

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
    side: str


@dataclass(frozen=True, slots=True)
class Forest:
    """One reference: the rows that were compared with it, and the scale that all forests share."""

    title: str
    question: str
    rows: tuple[ForestRow, ...]
    zero: float
    blind: tuple[float, float] | None
    ticks: tuple[tuple[float, str], ...]


def forests(skill: Json) -> list[Forest]:
    """A forest for each reference that anything was compared with; gains in millinats."""
    forecasters = rows(skill, "forecasters")
    gains = [section(one, key) for one in forecasters for key, _, _ in REFERENCES]
    values = [gain[end] for gain in gains for end in ("low", "value", "high") if is_known(gain.get(end))]
    if not values:
        return []
    axis = Axis.around([*values, 0.0])
    blind = skill.get("smallest_visible_gain_millinats")
    band = (axis.place(-blind), axis.place(blind)) if is_known(blind) else None
    ticks = tuple((axis.place(tick), f"{tick:g}".replace("-", MINUS)) for tick in axis.ticks(4))
    found = []
    for key, title, question in REFERENCES:
        compared = tuple(row for one in forecasters if (row := _row(one, section(one, key), axis)) is not None)
        if compared:
            found.append(Forest(title, question, compared, axis.place(0.0), band, ticks))
    return found


def _row(forecaster: Json, gain: Json, axis: Axis) -> ForestRow | None:
    value, low, high = _measured(gain)
    if value is None:
        return None
    return ForestRow(
        name=str(forecaster.get("name", "")),
        text=number(value, signed=True),
        interval=f"{number(low)} to {number(high)}" if low != high else "",
        point=axis.place(value),
        low=axis.place(low),
        high=axis.place(high),
        side="above" if low > 0 else "below" if high < 0 else "across",
    )


def _measured(gain: Json) -> tuple[Any, Any, Any]:
    value = gain.get("value")
    if not is_known(value):
        return None, None, None
    low, high = gain.get("low"), gain.get("high")
    return value, low if is_known(low) else value, high if is_known(high) else value


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


def forecaster_rows(skill: Json) -> Sequence[ForecasterRow]:
    """Scores of each forecaster."""
    return [_scores(one) for one in rows(skill, "forecasters")]


def _scores(forecaster: Json) -> ForecasterRow:
    parts = section(forecaster, "brier_parts")
    low, high = section(forecaster, "intervals").get("auc") or (None, None)
    return ForecasterRow(
        name=str(forecaster.get("name", "")),
        log_loss=_fixed(forecaster.get("log_loss"), 5),
        brier=_fixed(forecaster.get("brier"), 5),
        reliability=_fixed(parts.get("reliability"), 2, scale=1e3),
        resolution=_fixed(parts.get("resolution"), 2, scale=1e3),
        auc=_fixed(forecaster.get("auc"), 3),
        auc_interval=f"{_fixed(low, 3)} to {_fixed(high, 3)}" if is_known(low) and is_known(high) else "",
    )


def _fixed(value: Any, decimals: int, *, scale: float = 1.0) -> str:
    return f"{value * scale:.{decimals}f}" if is_known(value) else UNKNOWN
