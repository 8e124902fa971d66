"""Templates of the web pages, which extend and include those of the report."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader
from starlette.requests import Request
from starlette.responses import HTMLResponse

from tradsys import __version__
from tradsys.report.page import environment
from tradsys.web.site import Site
from tradsys.web.words import brief, trials

PLACES = (
    ("/", "Overview"),
    ("/runs", "Runs"),
    ("/journal", "Journal"),
    ("/tuning", "Tuning"),
    ("/calibration", "Calibration"),
    ("/data", "Data"),
    ("/bot", "Bot"),
)
"""What the bar on top of each page leads to."""


def html(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A page; `site`, the session's CSRF token and the part of the site that it belongs to come with every one."""
    return HTMLResponse(text(request, template, **values), status)


class TrustedHtml(str):
    """What our own templates made, with all that is a stranger's escaped in it: another template takes it as it is."""

    __slots__ = ()

    def __html__(self) -> str:
        return self


def text(request: Request, template: str, **values: Any) -> TrustedHtml:
    """What a page or a part of one reads, as `html` would send it; what is no UTF-8 in a name becomes a `?`."""
    shown = templates().get_template(template).render(**_common(request), **values)
    return TrustedHtml(shown.encode(errors="replace").decode())


def _common(request: Request) -> Mapping[str, Any]:
    path = request.url.path
    here = max((place for place, _ in PLACES if path == place or path.startswith(place + "/")), key=len, default="")
    site: Site = request.app.state.site
    csrf = request.state.session.csrf
    return {"site": site, "csrf": csrf, "here": here, "places": PLACES, "version": __version__}


@cache
def templates() -> Environment:
    """The report's environment, with templates of our own in front."""
    report = environment()
    loaders = [PackageLoader("tradsys.web"), *([report.loader] if report.loader is not None else [])]
    made = report.overlay(loader=ChoiceLoader(loaders))
    made.filters = made.filters | {"brief": brief, "trials": trials}  # its own: the report's are left as they are
    return made
