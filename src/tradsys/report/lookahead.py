"""Whether anything of the run saw the future, as one of the facts under its verdict."""

from dataclasses import dataclass

from tradsys.report.numbers import count
from tradsys.runs.diagnostics import LookaheadMetrics


@dataclass(frozen=True, slots=True)
class LookaheadLine:
    """The result, and what it rests on."""

    found: str
    rests_on: str
    is_clean: bool


def lookahead_line(looked: LookaheadMetrics | None) -> LookaheadLine | None:
    """The line, or None where the run did not look."""
    if looked is None:
        return None
    at = "1 point" if looked.n_points == 1 else f"{count(looked.n_points)} points"
    values = looked.n_values
    many = f"{values / 1e6:,.1f} million" if values >= 1e6 else count(values)
    return LookaheadLine(
        found="nothing saw the future" if not looked.findings else f"{len(looked.findings):,} saw the future",
        rests_on=f"{many} values checked at {at}",
        is_clean=not looked.findings,
    )
