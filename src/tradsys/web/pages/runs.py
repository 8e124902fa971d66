"""`/runs`: every run in a line, to be filtered, sorted, ticked and set side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tradsys.report.numbers import Axis, interval_text, is_known, number
from tradsys.report.selection import sharpe_axis
from tradsys.web.rendering import html
from tradsys.web.runs.choosing import VERDICTS, RunChoice, choose
from tradsys.web.runs.listing import Row, listing
from tradsys.web.runs.row import BrokenRow, ListedVerdict, RunRow
from tradsys.web.runs.written import Note, reader
from tradsys.web.site import Site

_WIDEST = 6.0
"""Beyond this Sharpe ratio, in both directions, intervals are cut: one wild run would squeeze all others."""


@dataclass(frozen=True, slots=True)
class ProfileMark:
    """A profile in a run's line: its verdict, its Sharpe ratio, and places on an axis that all lines share."""

    profile: str
    verdict: str
    standing: str
    sharpe: str
    interval: str
    point: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run's line, or a broken folder's, which has no marks."""

    row: Row
    marks: tuple[ProfileMark, ...]
    note: Note

    @property
    def is_broken(self) -> bool:
        """Whether it is a folder that cannot be read as a run."""
        return isinstance(self.row, BrokenRow)


def routes(site: Site) -> list[Route]:
    """The list; asked by htmx it answers with the rows alone."""

    def show(request: Request) -> Response:
        rows, written = listing(site.runs).rows(), reader(site.ledger).read()
        runs = [row for row in rows if isinstance(row, RunRow)]
        choice = RunChoice.of(request.query_params).among({row.name for row in runs})
        page = choose(rows, choice, written)
        axis = shared_axis([one for row in page.rows if isinstance(row, RunRow) for one in row.verdicts])
        lines = [_line(row, axis, written.note(row.run) if isinstance(row, RunRow) else Note()) for row in page.rows]
        shown = {row.name for row in page.rows}
        is_part = request.headers.get("HX-Request") == "true"
        return html(
            request,
            "runs_list.html.j2" if is_part else "runs.html.j2",
            title="Runs",
            choice=choice,
            page=page,
            lines=lines,
            zero=axis.place(0.0),
            beyond=[name for name in choice.ticked if name not in shown],
            n_runs=len(runs),
            n_all=len(rows),
            markets=sorted({row.market for row in runs}),
            agents=sorted({row.agent for row in runs}),
            verdicts=VERDICTS,
        )

    return [Route("/runs", show)]


def shared_axis(verdicts: Sequence[ListedVerdict]) -> Axis:
    """A scale for Sharpe ratios that several lines share."""
    ends = [end for one in verdicts for end in (one.sharpe, one.low, one.high)]
    return sharpe_axis([max(-_WIDEST, min(_WIDEST, end)) for end in ends if is_known(end)])


def marks_of(row: Row, axis: Axis) -> tuple[ProfileMark, ...]:
    """A mark a profile, best first; none of a broken folder."""
    return tuple(_mark(one, axis) for one in row.verdicts) if isinstance(row, RunRow) else ()


def _line(row: Row, axis: Axis, note: Note) -> RunLine:
    return RunLine(row, marks_of(row, axis), note)


def _mark(one: ListedVerdict, axis: Axis) -> ProfileMark:
    traded = one.n_trades > 0
    interval = interval_text(one.low, one.high) if traded else ""
    return ProfileMark(
        profile=one.profile,
        verdict=one.verdict,
        standing=one.standing,
        sharpe=number(one.sharpe) if traded else "no trades",
        interval=interval,
        point=axis.place_known(one.sharpe) if traded else None,
        low=axis.place_known(one.low) if interval else None,
        high=axis.place_known(one.high) if interval else None,
    )
