"""Combinatorial purged paths as strips: each path's Sharpe ratio, their mean with both intervals, and walk-forward."""

from collections.abc import Sequence
from dataclasses import dataclass

from tradsys.report.chosen import sharpe_axis
from tradsys.report.intervals import interval_text
from tradsys.report.numbers import Axis, count, is_known, number
from tradsys.runs.diagnostics import ProfilePaths
from tradsys.runs.metrics import RunMetrics
from tradsys.runs.section import Number


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
        rows=tuple(_row(name, one, walked[name], axis) for name, one in shown.items()),
        zero=axis.place(0.0),
        ticks=axis.labelled_ticks(),
    )


def _row(name: str, one: ProfilePaths, walked: Number, axis: Axis) -> PathRow:
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
