"""Do the test blocks look like what was trained on: an AUC a fold on one scale, beside what is ordinary."""

from dataclasses import dataclass

from tradsys.report.numbers import UNKNOWN, Axis, count, is_known, number
from tradsys.runs.diagnostics import DriftMetrics, GiveawayMetrics
from tradsys.runs.section import Band, Number


@dataclass(frozen=True, slots=True)
class DriftRow:
    """One fold, or all of them; places in percent of the figure's width, None where there is nothing to draw."""

    name: str
    text: str
    ordinary_text: str
    point: float
    low: float | None
    high: float | None
    ordinary: float | None
    is_all: bool


@dataclass(frozen=True, slots=True)
class GiveawayBar:
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
    columns: tuple[GiveawayBar, ...]
    half: float
    ticks: tuple[tuple[float, str], ...]
    gap: str


def drift_card(drift: DriftMetrics | None) -> DriftCard | None:
    """What the run found; None where it did not look."""
    if drift is None:
        return None
    folds = [one for one in drift.folds if is_known(one.auc)]
    whole = drift.auc or Band()
    values = [*(end for one in folds for end in (one.auc, one.ordinary)), whole.value, whole.low, whole.high]
    known = [min(1.0, max(0.0, value)) for value in values if is_known(value)]
    axis = Axis.around([0.4, 0.6, *known], margin=0.04)
    overall = [_row("All folds", whole, drift.ordinary, axis)] if is_known(whole.value) else []
    return DriftCard(
        sentence=drift.sentence,
        rows=(
            *overall,
            *(_row(f"Fold {count(one.fold + 1)}", Band(value=one.auc), one.ordinary, axis) for one in folds),
        ),
        columns=tuple(_giveaway(one) for one in drift.giveaways if is_known(one.share)),
        half=axis.place(0.5),
        ticks=axis.labelled_ticks(4),
        gap=count(drift.gap_bars),
    )


def _row(name: str, auc: Band, ordinary: Number, axis: Axis) -> DriftRow:
    value, low, high = auc.value, auc.low, auc.high
    assert is_known(value)
    has_interval = is_known(low) and is_known(high)
    return DriftRow(
        name=name,
        text=f"{value:.2f} [{low:.2f}, {high:.2f}]" if has_interval else f"{value:.2f}",
        ordinary_text=f"{ordinary:.2f}" if is_known(ordinary) else UNKNOWN,
        point=axis.place(value),
        low=axis.place_known(low) if has_interval else None,
        high=axis.place_known(high) if has_interval else None,
        ordinary=axis.place_known(ordinary),
        is_all=name == "All folds",
    )


def _giveaway(one: GiveawayMetrics) -> GiveawayBar:
    share, shift = one.share, one.shift
    assert is_known(share)
    moved = [f"{number(abs(shift))} sd {'higher' if shift > 0 else 'lower'}"] if is_known(shift) else []
    moved += [f"spread × {number(one.spread)}"] if is_known(one.spread) else []
    return GiveawayBar(one.column, round(100 * share, 2), f"{100 * share:.0f}%", ", ".join(moved))
