"""What a run shows beside its verdicts, a line each: the chosen procedure and the cross-validated paths."""

from collections.abc import Mapping
from typing import Any


def beside_lines(metrics: Mapping[str, Any]) -> list[str]:
    """Nothing of a run that was made without them."""
    lines = []
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


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _around(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f" [{low:.2f}, {high:.2f}]"
