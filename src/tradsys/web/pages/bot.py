"""`/bot` and `/bot/ACCOUNT`: every account with its light; one account as its bot tells of it."""

from typing import Any, Final
from urllib.parse import parse_qs

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tradsys.live.account.folder import ACCOUNT
from tradsys.web.bot.accounts import account_names, account_rows
from tradsys.web.bot.commands import VERBS, Answer, Tickets, carry_out, why_not
from tradsys.web.bot.equity_curve import SPANS
from tradsys.web.bot.view import PARTS, AccountReader
from tradsys.web.events import stream
from tradsys.web.own_threads import aside
from tradsys.web.rendering import html, text
from tradsys.web.site import Site

MOST_BYTES: Final = 4_096
"""Of a posted command: a name and a ticket."""

TWICE: Final = "This was sent already: it was done once, and what came of it was shown then."

NOT_OFFERED: Final = (
    "Nothing was done: the page that this came from is too old. Look at the account, then use the form below."
)


def routes(site: Site) -> list[Route]:
    """The list and the accounts, their streams, and where allowed the commands."""
    readers: dict[str, AccountReader] = {}
    tickets = Tickets()

    def reader(request: Request) -> AccountReader:
        name = request.path_params["account"]
        if name not in account_names(site.live) or not (site.live / name / ACCOUNT).exists():
            readers.pop(name, None)
            raise HTTPException(404)
        return readers.setdefault(name, AccountReader(site.live / name))

    def show_all(request: Request) -> Response:
        return html(request, "bot.html.j2", title="Bot", **listed())

    def stream_all(request: Request) -> Response:
        return stream(request, lambda: {"accounts": text(request, "bot_accounts.html.j2", **listed())})

    def listed() -> dict[str, Any]:
        return {"rows": account_rows(site.live), "live": site.live}

    def show(request: Request) -> Response:
        account, span = reader(request), _span(request)
        values: dict[str, Any] = {"shown": account.parts(span), "span": span, "spans": SPANS, "parts": PARTS}
        title = account.folder.name
        return html(request, "account.html.j2", title=title, **values, **panel(account, None))

    def stream_one(request: Request) -> Response:
        account, span = reader(request), _span(request)

        rendered: dict[str, tuple[object, str]] = {}

        def parts() -> dict[str, str]:
            for name, part in account.parts(span).items():
                if name not in rendered or rendered[name][0] is not part:
                    rendered[name] = (part, text(request, f"account_{name}.html.j2", part=part))
            return {name: made for name, (_, made) in rendered.items()}

        return stream(request, parts)

    async def command(request: Request) -> Response:
        account, verb = reader(request), request.path_params["verb"]
        if verb not in VERBS:
            raise HTTPException(404)
        typed, ticket = await _posted(request)
        about = command_name(account.folder.name, verb)
        if why_not(account.folder.name, verb, typed) or tickets.take(ticket, about):
            answer = await aside(carry_out, account.folder, verb, typed)
        else:
            answer = Answer(verb, False, TWICE if tickets.was_taken(ticket) else NOT_OFFERED)
        return html(request, "account_control.html.j2", **panel(account, answer))

    def panel(account: AccountReader, answer: Answer | None) -> dict[str, Any]:
        known = (
            {verb: tickets.new(command_name(account.folder.name, verb)) for verb in VERBS}
            if site.is_control_allowed
            else {}
        )
        return {"account": account.folder.name, "answer": answer, "tickets": known}

    found = [
        Route("/bot", show_all),
        Route("/events/bot", stream_all),
        Route("/bot/{account}", show),
        Route("/bot/{account}/events", stream_one),
    ]
    return [*found, Route("/bot/{account}/{verb}", command, methods=["POST"])] if site.is_control_allowed else found


def command_name(account: str, verb: str) -> str:
    """What a ticket is for: nothing else is done for it."""
    return f"{verb} {account}"


def _span(request: Request) -> str:
    asked = request.query_params.get("span", "all")
    return asked if asked in SPANS else "all"


async def _posted(request: Request) -> tuple[str, str]:
    """What was typed, and the ticket."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_BYTES:
            raise HTTPException(413)
    fields = parse_qs(body.decode(errors="replace"), keep_blank_values=True)
    return fields.get("typed", [""])[0].strip(), fields.get("ticket", [""])[0]
