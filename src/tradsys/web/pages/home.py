"""`/`: what the system knows now, or the command to type where it knows nothing yet."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tradsys.web.rendering import html
from tradsys.web.site import Site


def routes(site: Site) -> list[Route]:
    """The overview alone."""

    def show(request: Request) -> Response:
        return html(request, "home.html.j2", title="Overview")

    return [Route("/", show)]
