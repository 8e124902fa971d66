"""`/compare?run=A&run=B`: runs side by side, what differs and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tradsys.core.errors import TradsysError
from tradsys.report.charts import pack_curves
from tradsys.runs.stored import StoredRun
from tradsys.web.foreign import told
from tradsys.web.pages.runs import ProfileMark, marks_of, shared_axis
from tradsys.web.rendering import html
from tradsys.web.runs.differing import common_equity, data_sentences, differing_settings, skill_rows
from tradsys.web.runs.listing import listing
from tradsys.web.runs.row import RunRow
from tradsys.web.site import Site

MOST: Final = 6
"""As many runs as there are colours that can be told apart."""

DEPLOYED: Final = "deployed"


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """A run among others: its line of the list, and its verdicts as marks."""

    row: RunRow
    marks: tuple[ProfileMark, ...]


def routes(site: Site) -> list[Route]:
    """The comparison of the runs that the address names."""

    def show(request: Request) -> Response:
        with told("One of these runs", "compare them by twos to find it, and make it again"):
            return side_by_side(request)

    def side_by_side(request: Request) -> Response:
        names = list(dict.fromkeys(request.query_params.getlist("run")))
        found, troubles = _readable(site, names[:MOST])
        said = partial(html, request, "compare.html.j2", title="Compare", n_asked=len(names), most=MOST)
        if len(found) < 2:
            return said(troubles=troubles, compared=[], runs=found)
        rows = [RunRow.read(run.folder) for run in found]
        axis = shared_axis([one for row in rows for one in row.verdicts])
        wanted = request.query_params.get("profile", DEPLOYED)
        profiles = [_profile(run, wanted) for run in found]
        equity = common_equity(found, profiles)
        drawn = None if equity is None else pack_curves(equity.frame, equity.labels, benchmark="")
        return said(
            troubles=troubles,
            runs=found,
            compared=[ComparedRun(row, marks_of(row, axis)) for row in rows],
            zero=axis.place(0.0),
            settings=differing_settings(found),
            sentences=data_sentences(found),
            skill=skill_rows(found),
            equity=equity,
            wanted=wanted,
            choices=sorted({name for run in found for name in run.verdict.profiles}),
            data={"symbols": [], "profiles": [] if equity is None else list(equity.labels), "equity": drawn},
        )

    return [Route("/compare", show)]


def _readable(site: Site, names: Sequence[str]) -> tuple[list[StoredRun], list[str]]:
    """The runs that can be read, and a sentence for each that cannot."""
    found, troubles = [], []
    for name in names:
        folder = listing(site.runs).folder(name)
        if folder is None:
            troubles.append(f"There is no run called {name}.")
            continue
        run = StoredRun(folder)
        try:
            _ = run.manifest, run.metrics, run.verdict
        except TradsysError as error:
            troubles.append(f"{name} is no finished run: {error}")
        else:
            found.append(run)
    return found, troubles


def _profile(run: StoredRun, wanted: str) -> str:
    """The profile whose equity is drawn: the one that was asked for where the run has it, else the deployed one."""
    return wanted if wanted in run.verdict.profiles else run.manifest.deployed_profile
