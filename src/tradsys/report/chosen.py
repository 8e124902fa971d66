"""What choosing inside each training part would have earned: one row beside the profiles', and a choice a fold."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tradsys.report.axis import Axis
from tradsys.report.folder import Json, RunFiles, rows, section
from tradsys.report.numbers import MINUS, count, day, is_known, number

LARGEST = 6.0
"""Sharpe ratio a year beyond which, either way, a drawing runs off its edge."""


@dataclass(frozen=True, slots=True)
class SharpeRow:
    """One record's net Sharpe ratio with its interval; places in percent of the drawing's width, None where unknown."""

    name: str
    is_chosen: bool
    text: str
    interval: str
    n_trades: str
    n_days: str
    point: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class ChoiceRow:
    """What one fold's training part settled on."""

    fold: str
    opens: str
    profile: str
    description: str
    why: str
    record: str
    sharpe: str
    best: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class ChosenCard:
    """The procedure's record beside the profiles', on one scale."""

    sentence: str
    n_candidates: str
    rows: tuple[SharpeRow, ...]
    zero: float
    ticks: tuple[tuple[float, str], ...]
    choices: tuple[ChoiceRow, ...]
    none_chose: str


def chosen_card(run: RunFiles, names: Sequence[str]) -> ChosenCard | None:
    """The card, or None where the run chose nothing: it was made by an earlier version."""
    chosen = section(run.metrics, "chosen")
    if not section(chosen, "metrics", "sharpe"):
        return None
    measured = {name: section(run.metrics, "profiles", name, "metrics") for name in names}
    measured["chosen"] = section(chosen, "metrics")
    axis = sharpe_axis(
        [section(one, "sharpe").get(end) for one in measured.values() for end in ("low", "value", "high")]
    )
    return ChosenCard(
        sentence=str(chosen.get("sentence") or ""),
        n_candidates=count(chosen.get("n_candidates")),
        rows=tuple(_row(name, one, axis) for name, one in measured.items()),
        zero=axis.place(0.0),
        ticks=sharpe_ticks(axis),
        choices=_choices(run, chosen),
        none_chose=_none_chose(rows(chosen, "folds")),
    )


def sharpe_axis(values: Sequence[Any]) -> Axis:
    """A scale for annual Sharpe ratios that holds what is known, zero, and at least one either way."""
    known = [max(-LARGEST, min(LARGEST, value)) for value in values if is_known(value)]
    return Axis.around([*known, -1.0, 1.0])


def sharpe_ticks(axis: Axis) -> tuple[tuple[float, str], ...]:
    """Round numbers on the scale."""
    return tuple((axis.place(tick), f"{tick:g}".replace("-", MINUS)) for tick in axis.ticks(5))


def place(axis: Axis, value: Any) -> float | None:
    """Where a value stands, None where it is not known."""
    return axis.place(value) if is_known(value) else None


def _row(name: str, metrics: Json, axis: Axis) -> SharpeRow:
    sharpe = section(metrics, "sharpe")
    low, high = sharpe.get("low"), sharpe.get("high")
    has_interval = is_known(low) and is_known(high)
    return SharpeRow(
        name=name,
        is_chosen=name == "chosen",
        text=number(sharpe.get("value")),
        interval=f"{number(low)} to {number(high)}" if has_interval else "",
        n_trades=count(section(metrics, "total_trades").get("value")),
        n_days=count(sharpe.get("n")),
        point=place(axis, sharpe.get("value")),
        low=place(axis, low) if has_interval else None,
        high=place(axis, high) if has_interval else None,
    )


def _none_chose(folds: Sequence[Json]) -> str:
    """A sentence in the table's place, where no fold had a record that it could choose by; else empty."""
    if not folds or any(is_known(one.get("best_sharpe")) for one in folds):
        return ""
    why = folds[-1].get("why")
    return f"No training part had a record to choose by ({why}), so that every fold kept the first profile."


def _choices(run: RunFiles, chosen: Json) -> tuple[ChoiceRow, ...]:
    opens = {fold.get("fold"): fold.get("test_from") for fold in rows(run.metrics, "folds")}
    found: list[ChoiceRow] = []
    before: Any = None
    for one in rows(chosen, "folds"):
        now = (one.get("profile"), one.get("description"))
        found.append(
            ChoiceRow(
                fold=count(one.get("fold")),
                opens=day(opens.get(one.get("fold"))),
                profile=str(one.get("profile") or ""),
                description=str(one.get("description") or ""),
                why=str(one.get("why") or ""),
                record=f"{count(one.get('n_days'))} days, {count(one.get('n_trades'))} trades",
                sharpe=number(one.get("sharpe")),
                best=number(one.get("best_sharpe")) if is_known(one.get("best_sharpe")) else "",
                is_new=now != before,
            )
        )
        before = now
    return tuple(found)
