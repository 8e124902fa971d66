"""`/tuning`: studies from the ledger alone, and the golden configuration from its file where it can be read."""

import json
from urllib.parse import quote

import pytest

from tradsys.journal.entries import Data, TuningTrial
from tradsys.journal.ledger import Ledger
from tradsys.web.pages.tuning import picture
from tradsys.web.studies import read_studies

DATA = Data(market="BTC 1h", blocks=("a",))
LEAD = {"value": 0.5, "standard_error": 0.2, "by_luck": 0.3}
CHOSEN = {"number": 2, "settings": {"agent.penalty": 2.0}}
GOLDEN = {
    "why": "trial 2 leads",
    "measure": "skill",
    "chosen": CHOSEN,
    "incumbent": {"settings": {"agent.penalty": 1.0}},
    "lead_of_the_best": LEAD,
}


def study(site, name="a-study", objectives=(0.1, None, 0.4)):
    """A ledger with one study, and its folder."""
    ledger = Ledger(site.journal / "ledger.jsonl")
    for number, objective in enumerate(objectives):
        scores = {"objective": objective, "mean": 0.2, "instability": 0.1, "n_folds": 5}
        outcome = "pruned" if objective is None else "complete"
        settings = {"agent.penalty": float(number)}
        made = TuningTrial(
            data=DATA, study=name, number=number, seed=0, code="c", settings=settings, scores=scores, outcome=outcome
        )
        ledger.append(made.content())
    return ledger, site.journal / "tuning" / name


def test_the_first_day_says_what_to_type(visited):
    assert "tradsys tune" in visited.guest().get("/tuning").text


def test_a_study_shows_every_trial_and_the_best_against_luck(visited):
    _, folder = study(visited.site)
    folder.mkdir(parents=True)
    (folder / "golden.json").write_text(json.dumps(GOLDEN))
    guest = visited.guest()
    assert "a-study" in guest.get("/tuning").text
    page = guest.get("/tuning/a-study").text
    assert "3 trials, 1 of them pruned" in page and "Trial 2 leads." in page and "0.30" in page
    assert "<td>1</td><td>2</td>" in page  # what the golden configuration changes


def test_before_anything_is_chosen_it_says_so(visited):
    study(visited.site)
    assert "Nothing was chosen yet" in visited.guest().get("/tuning/a-study").text


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"chosen": 3}', json.dumps({**GOLDEN, "lead_of_the_best": None})])
def test_a_broken_golden_file_is_a_sentence_beside_the_trials(visited, text):
    _, folder = study(visited.site)
    folder.mkdir(parents=True)
    (folder / "golden.json").write_text(text)
    answer = visited.guest().get("/tuning/a-study")
    assert answer.status_code == 200 and "golden.json does not say" in answer.text
    assert "cannot be read" in visited.guest().get("/tuning").text


def test_a_name_that_climbs_out_of_the_folder_reads_no_file(visited, tmp_path):
    (tmp_path / "golden.json").write_text(json.dumps(GOLDEN))
    ledger, folder = study(visited.site, name="../..")
    assert (folder / "golden.json").resolve() == (tmp_path / "golden.json").resolve()
    assert read_studies(ledger)[0].golden is None


def test_a_study_that_is_not_there_is_not_found(visited):
    study(visited.site)
    assert visited.guest().get(f"/tuning/{quote('../ledger.jsonl', safe='')}").status_code == 404


def test_the_line_is_the_best_so_far_and_pruned_trials_have_no_dot(visited):
    ledger, _ = study(visited.site, objectives=(0.3, 0.1, None, 0.5))
    (one,) = read_studies(ledger)
    drawn = picture(one)
    heights = [y for _, y, _ in drawn.dots]
    assert len(heights) == 3 and heights[1] > heights[0] > heights[2]
    tops = [float(point.split(",")[1]) for point in drawn.best.split()]
    assert tops == sorted(tops, reverse=True) and tops[-1] == heights[2]
    assert drawn.began == heights[0]


def test_a_study_without_a_score_draws_nothing(visited):
    ledger, _ = study(visited.site, objectives=(None,))
    assert picture(read_studies(ledger)[0]) is None
    assert visited.guest().get("/tuning/a-study").status_code == 200
