"""`/runs` as a browser gets it."""

import re

import pytest
from tests.report.conftest import write_run

SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def guest(site, visited):
    write_run(site.runs / "20260101-btc", 400)
    write_run(site.runs / "20260102-eth", 400, ("ETHUSDT",))
    return visited.guest()


def test_an_empty_folder_says_which_command_to_type(visited):
    assert "tradsys run --bars" in visited.guest().get("/runs").text


def test_each_run_is_a_line_with_its_verdicts_and_intervals(guest):
    text = guest.get("/runs").text
    assert text.count('name="run"') == 2
    assert 'href="/runs/20260101-btc"' in text and "AUDITED" in text
    assert re.search(r"\d\.\d\d <span class=\"under\">\S+ to \S+</span>", text)


def test_htmx_gets_the_rows_alone_and_a_browser_the_page(guest):
    part = guest.get("/runs?q=eth", headers={"HX-Request": "true"}).text
    assert "<html" not in part and "20260102-eth" in part and "20260101-btc" not in part
    assert "<html" in guest.get("/runs?q=eth").text


def test_what_is_ticked_stays_ticked_where_the_filter_hides_it(guest):
    text = guest.get("/runs?q=eth&run=20260101-btc&run=invented").text
    assert re.search(r'value="20260101-btc" checked', text)
    assert "invented" not in text


def test_names_and_errors_stay_text(site, visited):
    folder = site.runs / f"x{SCRIPT.replace('/', '')}"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(f'"{SCRIPT}"')
    answer = visited.guest().get("/runs", params={"q": SCRIPT.replace("/", "")})
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text and "&lt;script&gt;alert" in answer.text
