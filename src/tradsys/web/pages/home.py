"""`/`: what the system knows now, or the command to type where it knows nothing yet."""

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tradsys.core.errors import TradsysError
from tradsys.web.bot.accounts import account_rows
from tradsys.web.events import stream
from tradsys.web.own_threads import aside
from tradsys.web.pages.runs import marks_of, shared_axis
from tradsys.web.rendering import html, text
from tradsys.web.runs.overview import N_NEWEST, job_cards, newest, proven_row, proven_rows, seat_rows
from tradsys.web.runs.rejudged import judge_of
from tradsys.web.site import Site

N_JUDGED = 3
"""Proven runs that are judged again without being asked for: each takes a process some seconds."""


def routes(site: Site) -> list[Route]:
    """The overview, what streams into it, and whether one proven run is proven still."""

    def show(request: Request) -> Response:
        runs, broken = newest(site)
        last = runs[:N_NEWEST]
        axis = shared_axis([one for row in last for one in row.verdicts])
        return html(
            request,
            "home.html.j2",
            title="Overview",
            n_runs=len(runs),
            broken=broken,
            last=[{"row": row, "marks": marks_of(row, axis)} for row in last],
            zero=axis.place(0.0),
            seats=seat_rows(site, runs),
            proven=proven_rows(site, runs),
            n_judged=N_JUDGED,
            **_moving(),
        )

    def _moving() -> dict[str, Any]:
        return {"jobs": job_cards(site), "rows": account_rows(site.live)}

    def stream_moving(request: Request) -> Response:
        def parts() -> dict[str, str]:
            now = _moving()
            templates = {"jobs": "home_jobs.html.j2", "accounts": "bot_accounts.html.j2"}
            return {name: text(request, template, **now) for name, template in templates.items()}

        return stream(request, parts)

    async def show_proven(request: Request) -> Response:
        return await aside(proven, request)

    def proven(request: Request) -> Response:
        judge, name = judge_of(site.runs, site.journal), request.path_params["name"]
        row = next((row for row in newest(site)[0] if row.name == name), None)
        if row is None:
            raise HTTPException(404)
        try:
            judge.judge(name)
            trouble = ""
        except TradsysError as error:
            trouble = str(error)
        return html(request, "home_proven.html.j2", one=proven_row(judge, row), trouble=trouble)

    return [Route("/", show), Route("/events", stream_moving), Route("/proven/{name}", show_proven)]
