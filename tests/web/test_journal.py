"""`/journal`: the ledger read as a journal, with what people typed shown as text."""

import re
from dataclasses import replace
from shutil import copytree
from urllib.parse import quote

import pytest
from tests.web.conftest import visit

from tradsys.journal.entries import Data, Hypothesis
from tradsys.journal.ledger import Ledger
from tradsys.web.pages.journal import trial_count

SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def kept(site, finished):
    """A visited site whose journal holds a run, and that journal's ledger."""
    copytree(finished[2] / "journal", site.journal)
    return visit(site), Ledger(site.journal / "ledger.jsonl")


def test_the_first_day_says_what_to_type(visited):
    assert "tradsys journal add" in visited.guest().get("/journal").text
    assert not visited.site.journal.exists()


def test_a_market_shows_its_run_with_verdicts_and_the_count(kept):
    visited, ledger = kept
    (run,) = ledger.entries("run")
    market = run.content["market"]
    assert market in visited.guest().get("/journal").text
    page = visited.guest().get(f"/journal/{quote(market)}").text
    assert run.content["run"][:10] in page
    for name, one in run.content["results"].items():
        assert re.search(rf"{name}</strong> <span[^>]*>{one['verdict']}", page)


def test_what_people_typed_stays_text(kept):
    visited, ledger = kept
    ledger.append(Hypothesis(data=Data(market=f"A/B {SCRIPT}", blocks=("x",)), text=SCRIPT, expect=SCRIPT).content())
    guest = visited.guest()
    for page in (guest.get("/journal").text, guest.get(f"/journal/{quote(f'A/B {SCRIPT}')}").text):
        assert "&lt;script&gt;alert" in page and SCRIPT not in page


@pytest.mark.parametrize("name", ["absent", "..%2f..%2fetc", "%2e%2e/ledger.jsonl"])
def test_a_market_that_the_ledger_does_not_know_is_not_found(kept, name):
    assert kept[0].guest().get(f"/journal/{name}").status_code == 404


def test_a_broken_ledger_is_said_in_a_sentence(visited):
    visited.site.journal.mkdir()
    (visited.site.journal / "ledger.jsonl").write_text("{}\nnot json\n")
    answer = visited.guest().get("/journal")
    assert answer.status_code == 422 and "ledger.jsonl" in answer.text


def test_the_count_of_trials_rises_from_left_to_right(kept):
    from tradsys.journal.book import read_book

    (market,) = read_book(kept[1])
    assert trial_count(market) is None  # one run alone shows no growth
    (idea,) = [one for one in market.ideas if one.n_trials]
    later = [replace(idea, at=f"2027-01-0{k}T00:00:00Z", n_trials=4 * k) for k in (3, 1, 2)]
    count = trial_count(replace(market, ideas=tuple(later)))
    assert [text for _, _, text in count.dots] == [f"{4 * k} trials counted on {k} Jan 2027" for k in (1, 2, 3)]
    assert [x for x, _, _ in count.dots] == [20.0, 500.0, 980.0]
    heights = [y for _, y, _ in count.dots]
    assert heights == sorted(heights, reverse=True)
