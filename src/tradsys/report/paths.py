"""Combinatorial purged paths as strips: each path's Sharpe ratio, their mean with both intervals, and walk-forward."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tradsys.report.axis import Axis
from tradsys.report.chosen import place, sharpe_axis, sharpe_ticks
from tradsys.report.folder import Json, RunFiles, section
from tradsys.report.numbers import count, is_known, number


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


def paths_card(run: RunFiles, names: Sequence[str]) -> PathsCard | None:
    """The card, or None where the run knows of no paths: it was made by an earlier version."""
    paths = section(run.metrics, "paths")
    if not paths:
        return None
    profiles = section(paths, "profiles")
    if not profiles:
        return PathsCard(reason=str(paths.get("reason") or "the run does not say why"))
    shown = [name for name in names if section(profiles, name)]
    walked = {name: section(run.metrics, "profiles", name, "metrics", "sharpe").get("value") for name in shown}
    values: list[Any] = list(walked.values())
    for name in shown:
        one = section(profiles, name)
        values += [*_list(one, "sharpes"), *_list(one, "interval"), *_list(one, "naive_interval"), one.get("mean")]
    axis = sharpe_axis(values)
    return PathsCard(
        reason="",
        n_groups=count(paths.get("n_groups")),
        n_test_groups=count(paths.get("n_test_groups")),
        n_splits=count(paths.get("n_splits")),
        n_paths=count(paths.get("n_paths")),
        n_days=count(paths.get("n_days")),
        rows=tuple(_row(name, section(profiles, name), walked[name], axis) for name in shown),
        zero=axis.place(0.0),
        ticks=sharpe_ticks(axis),
    )


def _row(name: str, one: Json, walked: Any, axis: Axis) -> PathRow:
    interval, naive = _pair(one, "interval"), _pair(one, "naive_interval")
    return PathRow(
        name=name,
        mean=number(one.get("mean")),
        interval=_range(interval),
        naive=_range(naive),
        walk_forward=number(walked),
        correlation=number(one.get("correlation")),
        points=tuple(axis.place(value) for value in _list(one, "sharpes") if is_known(value)),
        at=place(axis, one.get("mean")),
        low=place(axis, interval[0]),
        high=place(axis, interval[1]),
        naive_low=place(axis, naive[0]),
        naive_high=place(axis, naive[1]),
        walk_forward_at=place(axis, walked),
    )


def _list(one: Json, name: str) -> list[Any]:
    held = one.get(name)
    return list(held) if isinstance(held, list | tuple) else []


def _pair(one: Json, name: str) -> tuple[Any, Any]:
    held = _list(one, name)
    return (held[0], held[1]) if len(held) == 2 and all(map(is_known, held)) else (None, None)


def _range(pair: tuple[Any, Any]) -> str:
    return f"{number(pair[0])} to {number(pair[1])}" if is_known(pair[0]) else ""
