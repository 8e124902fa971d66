"""The application: every page's routes behind the gate."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from tradsys.core.errors import TradsysError
from tradsys.web import assets
from tradsys.web.guard.gate import Gate
from tradsys.web.guard.sessions import Sessions
from tradsys.web.pages import PAGES
from tradsys.web.rendering import html
from tradsys.web.site import Site


def build_app(site: Site, sessions: Sessions, port: int) -> Starlette:
    """All pages over these folders, for browsers that hold a session and reach the server at `port` of loopback."""
    routes = [route for page in PAGES for route in page.routes(site)]
    static = Mount("/static", StaticFiles(packages=[("tradsys.web", "static"), ("tradsys.report", "vendor")]))
    app = Starlette(
        routes=[*routes, *assets.routes(), static],
        middleware=[Middleware(Gate, sessions=sessions, port=port)],
        exception_handlers={TradsysError: _refused, OSError: _unreadable, HTTPException: _absent},
    )
    app.state.site = site
    app.state.is_ending = lambda: False
    return app


def _refused(request: Request, error: Exception) -> Response:
    """What could not be read or done, in the error's own words: a broken folder is no fault of the server."""
    return html(request, "refused.html.j2", 422, title="This cannot be shown", sentence=str(error))


def _unreadable(request: Request, error: Exception) -> Response:
    """A folder that may not be read, or went while it was: in the words of the system."""
    sentence = f"A file of this page cannot be read ({error}). Look at its folder and at who may read it, then reload."
    return html(request, "refused.html.j2", 422, title="This cannot be read", sentence=sentence)


def _absent(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == 404:
        sentence = "There is no such page here. What was deleted or renamed since is found from the bar above."
        return html(request, "refused.html.j2", 404, title="Not found", sentence=sentence)
    return HTMLResponse(error.detail, error.status_code, error.headers)
