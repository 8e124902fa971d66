"""`/tuning` and `/tuning/STUDY`: every trial, the best against luck, and what the golden configuration changes."""

from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tradsys.journal.ledger import Ledger
from tradsys.report.numbers import number
from tradsys.web.drawn import Ruled, across, path
from tradsys.web.rendering import html
from tradsys.web.site import Site
from tradsys.web.studies import StudyRecord, read_studies


@dataclass(frozen=True, slots=True)
class StudyPicture:
    """Objectives over the trials' numbers: dots, the best so far, and the trial that the study began with as a rule."""

    dots: tuple[tuple[float, float, str], ...]
    best: str
    began: float | None
    rules: tuple[tuple[float, str], ...]


def routes(site: Site) -> list[Route]:
    """The list, and a page a study."""

    def show_all(request: Request) -> Response:
        return html(request, "tuning.html.j2", title="Tuning", studies=studies())

    def show(request: Request) -> Response:
        name = request.path_params["study"]
        study = next((one for one in studies() if one.name == name), None)
        if study is None:
            raise HTTPException(404)
        return html(request, "study.html.j2", title=f"Study {name}", study=study, picture=picture(study))

    def studies() -> list[StudyRecord]:
        return read_studies(Ledger(site.ledger))

    return [Route("/tuning", show_all), Route("/tuning/{study:path}", show)]


def picture(study: StudyRecord) -> StudyPicture | None:
    """None where no trial has a score."""
    scored = [(k, one) for k, one in enumerate(study.trials) if one.objective is not None]
    if not scored:
        return None
    values = [one.objective or 0.0 for _, one in scored]
    scale, n = Ruled.around(values), len(study.trials)
    dots = [(across(k, n), scale.y(value), one.number, one) for (k, one), value in zip(scored, values, strict=True)]
    best, steps = float("-inf"), []
    for (x, _, _, _), value in zip(dots, values, strict=True):
        best = max(best, value)
        steps.append((x, scale.y(best)))
    told = tuple((x, y, f"trial {k}: {number(one.objective)}; {one.settings}") for x, y, k, one in dots)
    began = next((scale.y(value) for (_, one), value in zip(scored, values, strict=True) if one.number == 0), None)
    return StudyPicture(told, path([*steps, (980.0, steps[-1][1])], is_step=True), began, tuple(scale.rules))
