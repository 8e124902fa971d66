"""Which columns the forecasts need: a bar with its interval a cluster, and what boosted trees made of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tradsys.report.axis import Axis
from tradsys.report.folder import Json, rows, section
from tradsys.report.numbers import MINUS, count, is_known, number

_BEYOND = 1.5
"""An interval may stretch the scale to this many times what the bars need; beyond, it runs off the edge."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A loss increase as a bar from zero with its interval; places in percent of the figure's width."""

    text: str
    interval: str
    start: float
    width: float
    low: float
    high: float
    side: str


@dataclass(frozen=True, slots=True)
class ClusterRow:
    """One cluster: `others` are the columns beside the one that names it; `share` of the trees' gain in percent."""

    name: str
    others: str
    deciding: Bar
    boosted: Bar | None
    share: float | None
    share_text: str


@dataclass(frozen=True, slots=True)
class ImportanceCard:
    """All clusters on one scale, the most needed first, and one sentence."""

    sentence: str
    deciders: str
    n: str
    cut: str
    rows: tuple[ClusterRow, ...]
    zero: float
    ticks: tuple[tuple[float, str], ...]


def importance_card(metrics: Json) -> ImportanceCard | None:
    """What the run found; None where it measured nothing of the kind."""
    importance = section(metrics, "importance")
    clusters = [one for one in rows(importance, "clusters") if is_known(section(one, "deciding").get("millinats"))]
    if not clusters:
        return None
    axis = _axis(clusters)
    return ImportanceCard(
        sentence=_sentence(clusters),
        deciders=_deciders(section(importance, "deciders")),
        n=count(importance.get("n")),
        cut=number(importance.get("cut")),
        rows=tuple(_row(one, axis) for one in clusters),
        zero=axis.place(0.0),
        ticks=tuple((axis.place(tick), f"{tick:g}".replace("-", MINUS)) for tick in axis.ticks(5)),
    )


def _axis(clusters: Sequence[Json]) -> Axis:
    measured = [section(one, model) for one in clusters for model in ("deciding", "boosted")]
    values = [one["millinats"] for one in measured if is_known(one.get("millinats"))]
    ends = [one[end] for one in measured for end in ("low", "high") if is_known(one.get(end))]
    least, most = min(0.0, *values), max(0.0, *values)
    reach = _BEYOND * max(most - least, max(abs(section(one, "deciding").get("high") or 0) for one in clusters))
    return Axis.around([max(-reach, min(reach, value)) for value in (*values, *ends, 0.0)], margin=0.02)


def _row(cluster: Json, axis: Axis) -> ClusterRow:
    name = str(cluster.get("name") or "")
    gain = section(cluster, "gain")
    share = gain.get("share")
    deciding = _bar(section(cluster, "deciding"), axis)
    assert deciding is not None
    return ClusterRow(
        name=name,
        others=", ".join(str(one) for one in cluster.get("columns") or () if one != name),
        deciding=deciding,
        boosted=_bar(section(cluster, "boosted"), axis),
        share=round(100 * share, 2) if is_known(share) else None,
        share_text=_share(gain),
    )


def _bar(increase: Json, axis: Axis) -> Bar | None:
    value, low, high = (increase.get(name) for name in ("millinats", "low", "high"))
    if not is_known(value):
        return None
    has_interval = is_known(low) and is_known(high)
    first, last = (low, high) if is_known(low) and is_known(high) else (value, value)
    ends = sorted((axis.place(0.0), axis.place(value)))
    return Bar(
        text=number(value, signed=True),
        interval=f"{number(low)} to {number(high)}" if has_interval else "",
        start=ends[0],
        width=round(ends[1] - ends[0], 3),
        low=axis.place(first),
        high=axis.place(last),
        side="across" if not has_interval else "above" if first > 0 else "below" if last < 0 else "across",
    )


def _share(gain: Json) -> str:
    share, least, most = (gain.get(name) for name in ("share", "least", "most"))
    if not is_known(share):
        return ""
    spread = f" ({100 * least:.0f} to {100 * most:.0f})" if is_known(least) and is_known(most) else ""
    return f"{100 * share:.0f}%{spread}"


def _sentence(clusters: Sequence[Json]) -> str:
    needed = [str(one.get("name")) for one in clusters if (section(one, "deciding").get("low") or 0) > 0]
    if not any(is_known(section(one, "deciding").get("low")) for one in clusters):
        return "The history is too short to say which columns the forecasts need."
    if not needed:
        return "No cluster of columns is needed beyond noise."
    named = needed[0] if len(needed) == 1 else f"{', '.join(needed[:-1])} and {needed[-1]}"
    others = "; no other cluster is needed beyond noise" if len(needed) < len(clusters) else ""
    return f"The forecasts need {named}{others}."


def _deciders(deciders: Json) -> str:
    known: list[tuple[str, Any]] = [(str(name), n) for name, n in deciders.items() if is_known(n)]
    return ", ".join(f"{name} in {count(n)} {'fold' if n == 1 else 'folds'}" for name, n in known)
