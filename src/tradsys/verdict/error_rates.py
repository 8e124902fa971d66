"""The verdict's measured error rates on simulated markets whose truth is known, as every report quotes them."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

from tradsys.verdict.results import VerdictSpec

FILE = "calibration.json"
"""Written by `tradsys calibrate --publish`: a summary a preset."""

_STAND_INS = {"fast": "with quick stand-ins for the regimes and the auditor", "full": "as it was by default on {date}"}
"""What a preset ran; the default experiment changes, so that its day is named."""


@cache
def measured_error_rates() -> dict[str, Any]:
    """The stored summaries by preset; empty where nothing has been measured yet."""
    read: dict[str, Any] = json.loads(files("tradsys.verdict").joinpath(FILE).read_text())
    return read


def calibration_notes(spec: VerdictSpec) -> list[str]:
    """A sentence a preset; other rules than the measured ones get a warning instead."""
    if spec != VerdictSpec():
        return [f"The rules of the verdict were changed ({spec.changed}): its measured error rates do not hold here."]
    return [note for preset in _STAND_INS if (note := _note(preset))]


def _note(preset: str) -> str | None:
    summary = measured_error_rates().get(preset)
    if summary is None or not summary["false_proven"]["n"]:
        return None
    rate = summary["false_proven"]
    worst_name, worst = max(
        ((name, cell["proven"]["4"]) for name, cell in summary["cells"].items() if "limit" in cell),
        key=lambda item: item[1]["k"] / item[1]["n"],
    )
    return (
        f"This procedure calls a market without an edge proven in {rate['k'] / rate['n']:.1%} of cases (n = "
        f"{rate['n']:,} simulated markets, 95% interval {rate['low']:.1%} to {rate['high']:.1%}; most often, "
        f"{worst['k'] / worst['n']:.1%} of {worst['n']:,}, on {worst_name}), measured on the whole flow "
        f"{_STAND_INS[preset].format(date=summary['date'])}."
    )
