"""Whether anything of the run saw the future, as one of the facts under its verdict."""

from dataclasses import dataclass

from tradsys.report.folder import Json, section
from tradsys.report.numbers import count, is_known


@dataclass(frozen=True, slots=True)
class LookaheadLine:
    """The result, and what it rests on."""

    found: str
    rests_on: str
    is_clean: bool


def lookahead_line(metrics: Json) -> LookaheadLine | None:
    """The line, or None where the run did not look."""
    looked = section(metrics, "lookahead")
    findings = looked.get("findings")
    if not looked or not isinstance(findings, list):
        return None
    points = looked.get("n_points")
    at = "1 point" if points == 1 else f"{count(points)} points"
    values = looked.get("n_values")
    many = f"{values / 1e6:,.1f} million" if is_known(values) and values >= 1e6 else count(values)
    return LookaheadLine(
        found="nothing saw the future" if not findings else f"{len(findings):,} saw the future",
        rests_on=f"{many} values checked at {at}",
        is_clean=not findings,
    )
