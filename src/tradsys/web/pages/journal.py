"""`/journal` and `/journal/MARKET`: hypotheses, results and decisions, and how the count of trials grew."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tradsys.journal.book import MarketBook, read_book
from tradsys.journal.ledger import Ledger
from tradsys.journal.page import counted, decision, result, seat, title
from tradsys.report.numbers import day, moment
from tradsys.web.drawn import HEIGHT, Ruled, path
from tradsys.web.foreign import told
from tradsys.web.rendering import html
from tradsys.web.site import Site


@dataclass(frozen=True, slots=True)
class TrialCount:
    """Trials that counted when each run ended, over time."""

    line: str
    dots: tuple[tuple[float, float, str], ...]
    rules: tuple[tuple[float, str], ...]
    first: str
    last: str


def routes(site: Site) -> list[Route]:
    """The markets, and a page a market."""

    def show_all(request: Request) -> Response:
        return html(request, "journal.html.j2", title="Journal", **_said(books()))

    def show(request: Request) -> Response:
        name = request.path_params["market"]
        market = next((one for one in books() if one.name == name), None)
        if market is None:
            raise HTTPException(404)
        return html(request, "market.html.j2", title=name, market=market, count=trial_count(market), **_WORDS)

    def books() -> list[MarketBook]:
        ledger = Ledger(site.ledger)
        with told(str(ledger.path), "look at it with the release that wrote it: tradsys journal"):
            return read_book(ledger)

    return [Route("/journal", show_all), Route("/journal/{market:path}", show)]


_WORDS: Final[Mapping[str, Any]] = {
    "counted": counted,
    "decision": decision,
    "result": result,
    "seat": seat,
    "title_of": title,
}


def _said(markets: list[MarketBook]) -> dict[str, Any]:
    latest = sorted(markets, key=lambda one: max((idea.at for idea in one.ideas), default=""), reverse=True)
    return {"markets": latest, **_WORDS}


def trial_count(market: MarketBook) -> TrialCount | None:
    """None where fewer than two runs have ended: there is no growth to see."""
    ended = [(moment(idea.at), idea.n_trials) for idea in market.ideas if idea.n_trials is not None]
    known = sorted((at, n) for at, n in ended if at is not None)
    if len(known) < 2:
        return None
    first, last = known[0][0], known[-1][0]
    span = (last - first).total_seconds() or 1.0
    scale = Ruled.around([0.0, *(float(n) for _, n in known)])
    dots = [(round(20 + 960 * (at - first).total_seconds() / span, 1), scale.y(n), at, n) for at, n in known]
    return TrialCount(
        line=path([(20.0, HEIGHT), *((x, y) for x, y, _, _ in dots)], is_step=True),
        dots=tuple((x, y, f"{n:,} trials counted on {day(at)}") for x, y, at, n in dots),
        rules=tuple(scale.rules),
        first=day(first),
        last=day(last),
    )
