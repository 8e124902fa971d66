"""Do the test blocks look like what was trained on: an AUC a fold on one scale, beside what is ordinary."""

from dataclasses import dataclass
from typing import Any

from tradsys.report.axis import Axis
from tradsys.report.folder import Json, rows, section
from tradsys.report.numbers import UNKNOWN, count, is_known, number


@dataclass(frozen=True, slots=True)
class DriftRow:
    """One fold, or all of them; places in percent of the figure's width, None where there is nothing to draw."""

    name: str
    text: str
    beside: str
    point: float
    low: float | None
    high: float | None
    ordinary: float | None
    is_all: bool


@dataclass(frozen=True, slots=True)
class Column:
    """A column that tells test from training rows, its share in percent, and where it stands in the test rows."""

    name: str
    share: float
    text: str
    moved: str


@dataclass(frozen=True, slots=True)
class DriftCard:
    """The answer in one sentence, the folds on one scale from 0 to 1 or less, and the columns that differ."""

    sentence: str
    rows: tuple[DriftRow, ...]
    columns: tuple[Column, ...]
    half: float
    ticks: tuple[tuple[float, str], ...]
    gap: str


def drift_card(metrics: Json) -> DriftCard | None:
    """What the run found; None where it did not look."""
    drift = section(metrics, "adversarial")
    if not drift.get("sentence"):
        return None
    folds = [one for one in rows(drift, "folds") if is_known(one.get("auc"))]
    whole = section(drift, "auc")
    values = [one[name] for one in folds for name in ("auc", "ordinary") if is_known(one.get(name))]
    values += [whole[name] for name in ("value", "low", "high") if is_known(whole.get(name))]
    axis = Axis.around([0.4, 0.6, *(min(1.0, max(0.0, value)) for value in values)], margin=0.04)
    overall = [_row("All folds", whole, drift.get("ordinary"), axis)] if is_known(whole.get("value")) else []
    return DriftCard(
        sentence=str(drift["sentence"]),
        rows=(*overall, *(_row(_name(one), {"value": one["auc"]}, one.get("ordinary"), axis) for one in folds)),
        columns=tuple(_column(one) for one in rows(drift, "giveaways") if is_known(one.get("share"))),
        half=axis.place(0.5),
        ticks=tuple((axis.place(tick), f"{tick:g}") for tick in axis.ticks(4)),
        gap=count(drift.get("gap_bars")),
    )


def _name(fold: Json) -> str:
    return f"Fold {count(fold.get('fold'))}"


def _row(name: str, auc: Json, ordinary: Any, axis: Axis) -> DriftRow:
    value, low, high = (auc.get(end) for end in ("value", "low", "high"))
    assert is_known(value)
    spread = f" [{low:.2f}, {high:.2f}]" if is_known(low) and is_known(high) else ""
    return DriftRow(
        name=name,
        text=f"{value:.2f}{spread}",
        beside=f"{ordinary:.2f}" if is_known(ordinary) else UNKNOWN,
        point=axis.place(value),
        low=axis.place(low) if is_known(low) and spread else None,
        high=axis.place(high) if is_known(high) and spread else None,
        ordinary=axis.place(ordinary) if is_known(ordinary) else None,
        is_all=name == "All folds",
    )


def _column(giveaway: Json) -> Column:
    share, shift, spread = (giveaway.get(name) for name in ("share", "shift", "spread"))
    assert is_known(share)
    moved = [f"{number(abs(shift))} sd {'higher' if shift > 0 else 'lower'}"] if is_known(shift) else []
    moved += [f"spread × {number(spread)}"] if is_known(spread) else []
    return Column(str(giveaway.get("column") or ""), round(100 * share, 2), f"{100 * share:.0f}%", ", ".join(moved))
