"""The door in front of every route: host, origin, session and CSRF token, in this order, before any page's code.

A name that resolves to this machine (DNS rebinding) fails by its Host, another site's form or script by its Origin, a
neighbour on this machine by the missing cookie, and what is posted without our own page by the missing CSRF token.
"""

import secrets
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tradsys.web.guard.sessions import Sessions

ENTER: Final = "/enter"
"""Where a token is exchanged for a cookie."""

CSRF_HEADER: Final = "X-CSRF-Token"

LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

UNKNOWN: Final = (
    "This page wants the link that `tradsys web` printed in its terminal; it works once. "
    "Press Enter there for a new one."
)

ONWARD: Final = (
    '<!doctype html><title>tradsys</title><meta http-equiv="refresh" content="0;url=/"><a href="/">tradsys</a>'
)
"""For a link that was followed from another site's page, as terminals in a browser are: a browser keeps a strict cookie
back from whatever that click is redirected to, and sends it with what a page of ours leads to."""


@dataclass(frozen=True, slots=True)
class Gate:
    """ASGI middleware: lets through what this machine's user asks from our own pages, and refuses the rest."""

    app: ASGIApp
    sessions: Sessions
    port: int

    @property
    def cookie(self) -> str:
        """Its name holds the port: cookies are shared by all servers of a host, and two of ours must not collide."""
        return f"tradsys-{self.port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        if scope["type"] != "http":  # no page has a socket: nobody is let past the door by asking for one
            return await send({"type": "websocket.close", "code": 1008})
        request = Request(scope)
        response = self._refusal(request)
        if response is None and scope["path"] == ENTER:
            response = self._enter(request)
        if response is not None:
            return await response(scope, receive, _with_headers(send))
        return await self.app(scope, receive, _with_headers(send))

    def _refusal(self, request: Request) -> Response | None:
        """Why not, or None; the session is left in the request's state."""
        ours = {f"{name}:{self.port}" for name in LOOPBACK}
        host, origins = request.headers.get("host", ""), request.headers.getlist("origin")
        if host not in ours or any(one != f"http://{host}" for one in origins) or _is_embedded(request.headers):
            return PlainTextResponse("This server answers its own machine and its own pages alone.", 403)
        if request.scope["path"] == ENTER:
            return None
        session = self.sessions.of(request.cookies.get(self.cookie))
        if session is None:
            return PlainTextResponse(UNKNOWN, 401)
        is_reading = request.method in {"GET", "HEAD"}
        if not is_reading and not secrets.compare_digest(
            request.headers.get(CSRF_HEADER, "").encode(), session.csrf.encode()
        ):
            return PlainTextResponse("This was not sent by a page of this server; reload the page and try again.", 403)
        request.state.session = session
        return None

    def _enter(self, request: Request) -> Response:
        if request.method != "GET":
            return PlainTextResponse(UNKNOWN, 405)
        cookie = self.sessions.exchange(request.query_params.get("token", ""))
        if cookie is None:
            return PlainTextResponse(UNKNOWN, 401)
        is_from_elsewhere = request.headers.get("sec-fetch-site") == "cross-site"
        response = HTMLResponse(ONWARD) if is_from_elsewhere else RedirectResponse("/", 303)
        response.set_cookie(self.cookie, cookie, httponly=True, samesite="strict", path="/")
        return response


def _is_embedded(headers: Headers) -> bool:
    """Whether a page that is not ours asks for an image, a frame or a script, for which browsers send no Origin.

    A page on another port of this machine is of the same site: its requests carry the cookie.
    """
    is_ours = headers.get("sec-fetch-site", "none") in {"none", "same-origin"}
    return not is_ours and headers.get("sec-fetch-dest") != "document"


def _with_headers(send: Send) -> Send:
    """Every answer forbids what no page of ours needs, and is kept by nobody unless it says so itself."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = Headers(raw=message["headers"])
            added = HEADERS if "cache-control" in headers else {**HEADERS, "Cache-Control": "no-store"}
            message["headers"] = [*message["headers"], *((k.lower().encode(), v.encode()) for k, v in added.items())]
        await send(message)

    return sent
