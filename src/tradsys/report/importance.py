"""Which columns the forecasts need: a bar with its interval a cluster, and what boosted trees made of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from tradsys.report.numbers import Axis, SideOfZero, count, interval_text, is_known, number, side_of_zero
from tradsys.runs.diagnostics import ClusterMetrics, ImportanceMetrics, LossIncreaseMetrics, TreeGainMetrics

_BEYOND = 1.5
"""An interval may stretch the scale to this many times what the bars need; beyond, it runs off the edge."""


@dataclass(frozen=True, slots=True)
class LossBar:
    """A loss increase as a bar from zero with its interval; places in percent of the figure's width."""

    text: str
    interval: str
    start: float
    width: float
    low: float
    high: float
    side: SideOfZero


@dataclass(frozen=True, slots=True)
class ClusterRow:
    """One cluster: `others` are the columns beside the one that names it; `share` of the trees' gain in percent."""

    name: str
    others: str
    deciding: LossBar
    boosted: LossBar | None
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


def importance_card(importance: ImportanceMetrics | None) -> ImportanceCard | None:
    """What the run found; None where it measured nothing of the kind."""
    clusters = [one for one in (importance.clusters if importance else ()) if is_known(one.deciding.millinats)]
    if importance is None or not clusters:
        return None
    axis = _axis(clusters)
    return ImportanceCard(
        sentence=_sentence(clusters),
        deciders=", ".join(
            f"{name} in {count(n)} {'fold' if n == 1 else 'folds'}" for name, n in importance.deciders.items()
        ),
        n=count(importance.n),
        cut=number(importance.cut),
        rows=tuple(_row(one, axis) for one in clusters),
        zero=axis.place(0.0),
        ticks=axis.labelled_ticks(),
    )


def _axis(clusters: Sequence[ClusterMetrics]) -> Axis:
    measured = [one for cluster in clusters for one in (cluster.deciding, cluster.boosted) if one is not None]
    values = [one.millinats for one in measured if is_known(one.millinats)]
    ends = [end for one in measured for end in (one.low, one.high) if is_known(end)]
    least, most = min(0.0, *values), max(0.0, *values)
    reach = _BEYOND * max(most - least, max(abs(one.deciding.high or 0) for one in clusters))
    return Axis.around([max(-reach, min(reach, value)) for value in (*values, *ends, 0.0)], margin=0.02)


def _row(cluster: ClusterMetrics, axis: Axis) -> ClusterRow:
    share = cluster.gain.share if cluster.gain else None
    deciding = _bar(cluster.deciding, axis)
    assert deciding is not None
    return ClusterRow(
        name=cluster.name,
        others=", ".join(one for one in cluster.columns if one != cluster.name),
        deciding=deciding,
        boosted=_bar(cluster.boosted, axis),
        share=round(100 * share, 2) if is_known(share) else None,
        share_text=_share(cluster.gain),
    )


def _bar(increase: LossIncreaseMetrics | None, axis: Axis) -> LossBar | None:
    if increase is None or not is_known(increase.millinats):
        return None
    value, low, high = increase.millinats, increase.low, increase.high
    first, last = (low, high) if is_known(low) and is_known(high) else (value, value)
    ends = sorted((axis.place(0.0), axis.place(value)))
    return LossBar(
        text=number(value, signed=True),
        interval=interval_text(low, high),
        start=ends[0],
        width=round(ends[1] - ends[0], 3),
        low=axis.place(first),
        high=axis.place(last),
        side=side_of_zero(low, high),
    )


def _share(gain: TreeGainMetrics | None) -> str:
    if gain is None or not is_known(gain.share):
        return ""
    least, most = gain.least, gain.most
    spread = f" ({100 * least:.0f} to {100 * most:.0f})" if is_known(least) and is_known(most) else ""
    return f"{100 * gain.share:.0f}%{spread}"


def _sentence(clusters: Sequence[ClusterMetrics]) -> str:
    needed = [one.name for one in clusters if (one.deciding.low or 0) > 0]
    if not any(is_known(one.deciding.low) for one in clusters):
        return "The history is too short to say which columns the forecasts need."
    if not needed:
        return "No cluster of columns is needed beyond noise."
    named = needed[0] if len(needed) == 1 else f"{', '.join(needed[:-1])} and {needed[-1]}"
    others = "; no other cluster is needed beyond noise" if len(needed) < len(clusters) else ""
    return f"The forecasts need {named}{others}."
