"""`/runs/NAME`: the report of a run, its verdict as of now, what was noted about it, and its tables as files."""

from typing import Any

import polars as pl
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from tradsys.core.errors import DataError, TradsysError
from tradsys.report.page import contents
from tradsys.runs.stored import StoredRun
from tradsys.runs.tables import TABLES
from tradsys.web.foreign import told
from tradsys.web.own_threads import aside
from tradsys.web.rendering import TrustedHtml, html, text
from tradsys.web.runs.listing import listing
from tradsys.web.runs.rejudged import compared, judge_of
from tradsys.web.runs.shown import ShownReports
from tradsys.web.runs.written import reader
from tradsys.web.site import Site

FILES = {f"{table.name}.csv": table for table in TABLES}
"""A run's tables by the names of the files that a browser saves."""


def routes(site: Site) -> list[Route]:
    """The page, its verdict as of now, and its files."""
    reports = ShownReports()

    def found(request: Request) -> StoredRun:
        folder = listing(site.runs).folder(request.path_params["name"])
        if folder is None:
            raise HTTPException(404)
        return StoredRun(folder)

    def show(request: Request) -> Response:
        run = found(request)
        report = reports.get(run.folder, lambda: _report(request, run))
        written = reader(site.ledger).read()
        name = run.manifest.run
        return html(
            request,
            "run.html.j2",
            title=run.manifest.title or run.name,
            run=run,
            report=report,
            note=written.note(name),
            seats=[seat for seat in written.seats if seat.run == name],
            files=[file for file, table in FILES.items() if run.kind in table.kinds],
            **_known(run),
        )

    async def show_now(request: Request) -> Response:
        return await aside(judged, request)

    def judged(request: Request) -> Response:
        run, judge = found(request), judge_of(site.runs, site.journal)
        try:
            judge.judge(run.name)
        except TradsysError as error:
            values = {**_known(run), "trouble": str(error)}
        else:
            values = _known(run)
        is_part = request.headers.get("HX-Request") == "true"
        template = "now.html.j2" if is_part else "now_page.html.j2"
        return html(request, template, title=f"{run.name} as of now", run=run, **values)

    def _known(run: StoredRun) -> dict[str, Any]:
        now = judge_of(site.runs, site.journal).known(run.name)
        rows = [] if now is None else compared(run.verdict, now.verdict)
        return {"now": now, "rows": rows, "trouble": ""}

    def send(request: Request) -> Response:
        run, file = found(request), request.path_params["file"]
        if file == run.report.name and run.report.is_file() and not run.report.is_symlink():
            return FileResponse(run.report, filename=f"{run.name}.html")
        if file not in FILES:
            raise HTTPException(404)
        with told(str(run.folder / FILES[file].file), "make the run again"):
            return _csv(run.table(FILES[file]), f"{run.name}-{file}")

    return [
        Route("/runs/{name}", show),
        Route("/runs/{name}/now", show_now),
        Route("/runs/{name}/files/{file}", send),
    ]


def _report(request: Request, run: StoredRun) -> TrustedHtml:
    try:
        with told(str(run.folder), "make the run again"):
            return text(request, "content.html.j2", **contents(run))
    except OSError as error:
        raise DataError(f"{run.folder} cannot be read ({error})") from error


def _csv(table: pl.DataFrame, name: str) -> Response:
    """A table as text, times in UTC to the second."""
    body = table.write_csv(datetime_format="%Y-%m-%dT%H:%M:%SZ").encode()
    plain = "".join(one if one.isascii() and (one.isalnum() or one in "-._") else "-" for one in name)
    return Response(body, media_type="text/csv", headers={"Content-Disposition": f'attachment; filename="{plain}"'})
