"""`/data` and `/data/SERIES`: what is stored, what is missing, and what is wrong with it."""

from dataclasses import dataclass
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tradsys.core.errors import DataError
from tradsys.web.rendering import html
from tradsys.web.site import Site
from tradsys.web.stored.catalogue import Catalogue, StoredSeries
from tradsys.web.stored.checks import CheckedSeries, Checks
from tradsys.web.stored.strip import GapStrip, gap_strip

FEW_ROWS: Final = 1_000_000
"""A series of no more is checked when its page is opened; a larger one when somebody asks."""

MOST_LISTED: Final = 500


@dataclass(frozen=True, slots=True)
class CheckShown:
    """What a page shows of a series' check."""

    checked: CheckedSeries | None
    is_under_way: bool
    strip: GapStrip | None
    n_hidden: int


def routes(site: Site) -> list[Route]:
    """The list, a page a series, and the part of it that comes when the series was read."""
    catalogue = Catalogue(site.store)
    checks = Checks(site.store)

    def show_all(request: Request) -> Response:
        try:
            listed, trouble = catalogue.listing(), ""
        except (DataError, OSError) as error:
            listed, trouble = [], str(error)
        return html(request, "data.html.j2", title="Data", listed=listed, trouble=trouble, store=catalogue.name)

    def stored(request: Request) -> StoredSeries:
        name = request.path_params["series"]
        found = next((one for one in catalogue.listing() if str(one.series) == name), None)
        if found is None:
            raise HTTPException(404)
        return found

    def show(request: Request) -> Response:
        one = stored(request)
        if 0 < one.n_rows <= FEW_ROWS:
            checks.begin(one)
        return html(request, "series.html.j2", title=str(one.series), one=one, check=shown(one))

    def check(request: Request) -> Response:
        one = stored(request)
        checks.begin(one)
        return html(request, "series_check.html.j2", one=one, check=shown(one))

    def shown(one: StoredSeries) -> CheckShown:
        found = checks.known(one)
        strip = None
        if found is not None and one.years:
            strip = gap_strip(one.years[0].first_ms, one.years[-1].last_ms, found.gaps)
        hidden = 0 if found is None else max(0, len(found.gaps) - MOST_LISTED)
        return CheckShown(found, checks.is_under_way(one), strip, hidden)

    return [
        Route("/data", show_all),
        Route("/data/check/{series:path}", check),
        Route("/data/{series:path}", show),
    ]
