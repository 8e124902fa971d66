"""`/` as a browser gets it: the command to type, runs at work, champions, and what was proven."""

import json

import pytest
from tests.report.conftest import write_run

from tradsys.core.errors import DataError
from tradsys.journal.entries import Champion, Data
from tradsys.journal.ledger import Ledger
from tradsys.runs.at_work import at_work
from tradsys.runs.stored import StoredRun
from tradsys.web.runs.rejudged import Judge, VerdictNow

SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def proven(site):
    """A run that proved AUDITED."""
    folder = write_run(site.runs / "one", 300)
    verdict = json.loads((folder / "verdict.json").read_text())
    verdict["profiles"]["AUDITED"]["verdict"] = "proven"
    (folder / "verdict.json").write_text(json.dumps(verdict))
    return folder


def judged(monkeypatch, folder, lapsed):
    now = StoredRun(folder).verdict.model_copy(update={"n_trials": 99})
    monkeypatch.setattr(Judge, "_computed", lambda self, name: VerdictNow(now, ("More was tried.",), lapsed))


def test_a_first_day_shows_the_commands_to_type(visited):
    text = visited.guest().get("/").text
    for command in ("tradsys run --bars", "tradsys deploy last", "tradsys trade B"):
        assert command in text


def test_a_run_at_work_is_shown_with_how_far_it_has_come(site, visited, monkeypatch):
    monkeypatch.setattr("tradsys.runs.at_work._EVERY_S", 0.0)
    site.runs.mkdir()
    with at_work(site.runs, f"BTC {SCRIPT}", lambda *_: None) as progress:
        progress("fold 2 of 6", 3, 6)
        text = visited.guest().get("/").text
    assert "fold 2 of 6" in text and '<progress value="0.5"' in text
    assert SCRIPT not in text and "BTC &lt;script&gt;" in text
    assert "Nothing is at work" in visited.guest().get("/").text


def test_studies_and_calibrations_at_work_are_shown_too(site, visited):
    for folder, title in ((site.journal / "tuning", "study A"), (site.calibration, "calibration, fast")):
        folder.mkdir(parents=True)
        with at_work(folder, title, lambda *_: None):
            assert title in visited.guest().get("/").text


def test_a_run_that_was_killed_is_called_that(site, visited, monkeypatch):
    site.runs.mkdir()
    with at_work(site.runs, "BTC", lambda *_: None):
        monkeypatch.setattr("tradsys.runs.at_work._is_held", lambda _: False)
        text = visited.guest().get("/").text
    assert "It was killed while beginning; no run is left of it" in text


def test_a_champion_leads_to_its_run(proven, site, visited):
    run = json.loads((proven / "manifest.json").read_text())["run"]
    seat = Champion(
        data=Data("BTC 1h", ("b",)),
        run=run,
        experiment="e",
        profile="EDGE",
        standing="candidate",
        why=f"first {SCRIPT}",
    )
    Ledger(site.journal / "ledger.jsonl").append(seat.content())
    text = visited.guest().get("/").text
    assert '<a href="/runs/one">EDGE</a>' in text and "first &lt;script&gt;" in text and SCRIPT not in text


def test_what_was_proven_is_judged_when_the_page_is_open_and_may_have_lapsed(proven, visited, monkeypatch):
    judged(monkeypatch, proven, ("AUDITED",))
    guest = visited.guest()
    assert 'hx-get="/proven/one"' in guest.get("/").text
    assert "AUDITED is not proven any more</strong>, now that 99 count" in guest.get("/proven/one").text
    page = guest.get("/").text
    assert "hx-get" not in page.partition("proven still?")[2] and "lapsed" in page


def test_what_holds_is_said_to_hold(proven, visited, monkeypatch):
    judged(monkeypatch, proven, ())
    assert "All are still, with the 99 that count now" in visited.guest().get("/proven/one").text


def test_why_it_could_not_be_judged_is_said(proven, visited, monkeypatch):
    def refuse(*_: object) -> None:
        raise DataError("the ledger does not hold it")

    monkeypatch.setattr(Judge, "_computed", refuse)
    text = visited.guest().get("/proven/one").text
    assert "not judged" in text and "the ledger does not hold it" in text
    assert visited.guest().get("/proven/absent").status_code == 404


def test_broken_folders_are_counted_and_lead_to_what_is_wrong(site, visited):
    (site.runs / "foreign").mkdir(parents=True)
    assert "1 folder among the runs cannot be read" in visited.guest().get("/").text


def test_verdicts_and_seats_are_said_to_be_of_their_time(proven, site, visited):
    content = Champion(data=Data("BTC", ("b",)), run="r", experiment="e", profile="EDGE", standing="proven", why="won")
    Ledger(site.journal / "ledger.jsonl").append(content.content())
    text = visited.guest().get("/").text
    assert "verdicts as they were when each run ended" in text and "Each as it was when it took its seat" in text
