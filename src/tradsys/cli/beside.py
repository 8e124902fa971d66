"""What a run shows beside its verdicts, a line each: the chosen procedure, cross-validated paths, who was ranked."""

from collections.abc import Mapping
from typing import Any


def beside_lines(metrics: Mapping[str, Any]) -> list[str]:
    """Nothing of a run that was made without them."""
    lines = [*_ranked(metrics)]
    if chosen := metrics.get("chosen"):
        sharpe, n = chosen["metrics"]["sharpe"], chosen["metrics"]["total_trades"]["value"]
        around = _around(sharpe["low"], sharpe["high"])
        lines.append(
            f"  chosen in each fold: net Sharpe {_number(sharpe['value'])}{around}, {n:,} trades; it carries no verdict"
        )
    paths = metrics.get("paths") or {}
    if profiles := paths.get("profiles"):
        told = ", ".join(
            f"{name} {_number(one['mean'])}{_around(*(one['interval'] or (None, None)))}"
            for name, one in profiles.items()
        )
        lines.append(f"  mean net Sharpe of {paths['n_paths']} cross-validated paths, never judged: {told}")
    elif paths:
        lines.append(f"  no cross-validated paths: {paths['reason']}")
    return lines


def _ranked(metrics: Mapping[str, Any]) -> list[str]:
    """Of a rank run: who is held, and what longs earned more than shorts before costs."""
    universe = metrics.get("universe")
    if not universe:
        return []
    ((name, profile),) = metrics["profiles"].items()
    spread = profile["metrics"]["spread_gross"]
    around = "" if spread["low"] is None else f" [{1e4 * spread['low']:.0f}, {1e4 * spread['high']:.0f}]"
    return [
        f"  {name}: {profile['description']}",
        f"  universe: {universe['n_members_mean']:.1f} of {universe['n_symbols']} symbols on average",
        f"  before costs, long less short: {1e4 * spread['value']:.0f}{around} bp each of {spread['n']:,} times",
    ]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _around(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f" [{low:.2f}, {high:.2f}]"
