"""The style and scripts of the report as files, `report.css` and `report.js` of `/static`: no page holds any inline."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tradsys.report.page import script, style

KEPT = {"Cache-Control": "private, max-age=3600"}


def routes() -> list[Route]:
    """Both files; a browser keeps them for an hour."""

    def show_style(request: Request) -> Response:
        return Response(style(), media_type="text/css", headers=KEPT)

    def show_script(request: Request) -> Response:
        return Response(script(), media_type="text/javascript", headers=KEPT)

    return [Route("/static/report.css", show_style), Route("/static/report.js", show_script)]
