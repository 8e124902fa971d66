"""Sharpe ratios that carry no verdict, on one scale: choices inside training parts, and cross-validated paths."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tradsys.report.numbers import Axis, count, day, interval_text, is_known, number
from tradsys.runs.diagnostics import ChosenMetrics, FoldChoiceMetrics, ProfilePaths
from tradsys.runs.metrics import RunMetrics
from tradsys.runs.section import Measurement, Number

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


def chosen_card(metrics: RunMetrics, names: Sequence[str]) -> ChosenCard | None:
    """The card, or None where the run chose nothing: it was made by an earlier version, or by a rule."""
    chosen = metrics.chosen
    if chosen is None:
        return None
    measured = {name: metrics.profiles[name].metrics for name in names} | {"chosen": chosen.metrics}
    axis = sharpe_axis([end for one in measured.values() for end in _ends(one["sharpe"])])
    return ChosenCard(
        sentence=chosen.sentence,
        n_candidates=count(chosen.n_candidates),
        rows=tuple(_row(name, one, axis) for name, one in measured.items()),
        zero=axis.place(0.0),
        ticks=axis.labelled_ticks(),
        choices=_choices(metrics, chosen),
        none_chose=_none_chose(chosen.folds),
    )


def sharpe_axis(values: Sequence[Number]) -> Axis:
    """A scale for annual Sharpe ratios that holds what is known, zero, and at least one either way."""
    known = [max(-LARGEST, min(LARGEST, value)) for value in values if is_known(value)]
    return Axis.around([*known, -1.0, 1.0])


def _ends(sharpe: Measurement) -> tuple[Number, Number, Number]:
    return sharpe.low, sharpe.value, sharpe.high


def _row(name: str, metrics: Mapping[str, Measurement], axis: Axis) -> SharpeRow:
    sharpe = metrics["sharpe"]
    interval = interval_text(sharpe.low, sharpe.high)
    return SharpeRow(
        name=name,
        is_chosen=name == "chosen",
        text=number(sharpe.value),
        interval=interval,
        n_trades=count(metrics["total_trades"].value),
        n_days=count(sharpe.n),
        point=axis.place_known(sharpe.value),
        low=axis.place_known(sharpe.low) if interval else None,
        high=axis.place_known(sharpe.high) if interval else None,
    )


def _none_chose(folds: Sequence[FoldChoiceMetrics]) -> str:
    """A sentence in the table's place, where no fold had a record that it could choose by; else empty."""
    if not folds or any(is_known(one.best_sharpe) for one in folds):
        return ""
    return f"No training part had a record to choose by ({folds[-1].why}), so that every fold kept the first profile."


def _choices(metrics: RunMetrics, chosen: ChosenMetrics) -> tuple[ChoiceRow, ...]:
    opens = {fold.fold: fold.test_from for fold in metrics.folds}
    found: list[ChoiceRow] = []
    before: tuple[str, str] | None = None
    for one in chosen.folds:
        now = (one.profile, one.description)
        found.append(
            ChoiceRow(
                fold=count(one.fold + 1),
                opens=day(opens.get(one.fold)),
                profile=one.profile,
                description=one.description,
                why=one.why,
                record=f"{count(one.n_days)} days, {count(one.n_trades)} trades",
                sharpe=number(one.sharpe),
                best=number(one.best_sharpe) if is_known(one.best_sharpe) else "",
                is_new=now != before,
            )
        )
        before = now
    return tuple(found)


@dataclass(frozen=True, slots=True)
class PathRow:
    """One profile; places in percent of the drawing's width."""

    name: str
    mean: str
    interval: str
    naive: str
    walk_forward: str
    correlation: str
    points: tuple[float, ...]
    at: float | None
    low: float | None
    high: float | None
    naive_low: float | None
    naive_high: float | None
    walk_forward_at: float | None


@dataclass(frozen=True, slots=True)
class PathsCard:
    """All profiles on one scale; `reason` is why there are no paths, and then all else is empty."""

    reason: str
    n_groups: str = ""
    n_test_groups: str = ""
    n_splits: str = ""
    n_paths: str = ""
    n_days: str = ""
    rows: tuple[PathRow, ...] = ()
    zero: float = 50.0
    ticks: tuple[tuple[float, str], ...] = ()


def paths_card(metrics: RunMetrics, names: Sequence[str]) -> PathsCard | None:
    """The card, or None where the run knows of no paths: it was made by an earlier version, or by a rule."""
    paths = metrics.paths
    if paths is None:
        return None
    if not paths.profiles:
        return PathsCard(reason=paths.reason or "the run does not say why")
    shown = {name: paths.profiles[name] for name in names if name in paths.profiles}
    walked = {name: metrics.profiles[name].metrics["sharpe"].value for name in shown}
    values: list[Number] = list(walked.values())
    for one in shown.values():
        values += [*one.sharpes, *(one.interval or ()), *(one.naive_interval or ()), one.mean]
    axis = sharpe_axis(values)
    return PathsCard(
        reason="",
        n_groups=count(paths.n_groups),
        n_test_groups=count(paths.n_test_groups),
        n_splits=count(paths.n_splits),
        n_paths=count(paths.n_paths),
        n_days=count(paths.n_days),
        rows=tuple(_path_row(name, one, walked[name], axis) for name, one in shown.items()),
        zero=axis.place(0.0),
        ticks=axis.labelled_ticks(),
    )


def _path_row(name: str, one: ProfilePaths, walked: Number, axis: Axis) -> PathRow:
    low, high = one.interval or (None, None)
    naive_low, naive_high = one.naive_interval or (None, None)
    return PathRow(
        name=name,
        mean=number(one.mean),
        interval=interval_text(low, high),
        naive=interval_text(naive_low, naive_high),
        walk_forward=number(walked),
        correlation=number(one.correlation),
        points=tuple(axis.place(value) for value in one.sharpes if is_known(value)),
        at=axis.place_known(one.mean),
        low=axis.place_known(low),
        high=axis.place_known(high),
        naive_low=axis.place_known(naive_low),
        naive_high=axis.place_known(naive_high),
        walk_forward_at=axis.place_known(walked),
    )
