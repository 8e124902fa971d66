"""`/calibration`: how often the verdict is wrong, as measured, with n and interval."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tradsys.core.errors import TradsysError
from tradsys.verdict.error_rates import measured_error_rates
from tradsys.web.rates import RateTable, rate_table
from tradsys.web.rendering import html
from tradsys.web.site import Site


def routes(site: Site) -> list[Route]:
    """The published rates, and those of the markets that were tried here."""

    def show(request: Request) -> Response:
        published = [rate_table(summary) for summary in measured_error_rates().values()]
        own, troubles = own_rates(site)
        return html(
            request, "calibration.html.j2", title="Calibration", published=published, own=own, troubles=troubles
        )

    return [Route("/calibration", show)]


def own_rates(site: Site) -> tuple[list[RateTable], list[str]]:
    """Rates of the site's own results, a preset each, and what could not be read."""
    files = sorted(site.calibration.glob("*.jsonl")) if site.calibration.is_dir() else []
    if not files:
        return [], []
    from tradsys.research.calibration.monte_carlo import ResultsFile
    from tradsys.research.calibration.rates import summarise

    tables, troubles = [], []
    for path in files:
        try:
            lines = ResultsFile(path).read()
            if lines:
                tables.append(rate_table(summarise(lines), when=str(path)))
        except (TradsysError, OSError, KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            troubles.append(f"{path} cannot be read as results of tradsys calibrate: {error}")
    return tables, troubles
