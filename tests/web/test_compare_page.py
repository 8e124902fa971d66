"""`/compare` as a browser gets it."""

import pytest
from tests.report.conftest import write_run

from tradsys.web.pages.compare import MOST

SCRIPT = "<script>alert(1)<"


@pytest.fixture
def guest(site, visited):
    for name in ("one", "two"):
        write_run(site.runs / name, 300)
    (site.runs / "broken").mkdir()
    return visited.guest()


def test_fewer_than_two_runs_lead_to_the_list(guest):
    for query in ("", "?run=one", "?run=one&run=one"):
        assert "Two runs at least are needed" in guest.get(f"/compare{query}").text


def test_two_runs_stand_side_by_side(guest):
    text = guest.get("/compare?run=one&run=two").text
    for words in (
        "All were judged on the same data",
        "Nothing: the settings",
        "Equity on common days",
        'id="run-data"',
    ):
        assert words in text
    assert "one AUDITED" in guest.get("/compare?run=one&run=two&profile=AUDITED").text


def test_what_is_no_run_is_named_and_the_others_are_compared(guest):
    text = guest.get("/compare", params={"run": ["one", "broken", "two", "absent", SCRIPT]}).text
    assert "broken is no finished run" in text and "There is no run called absent" in text
    assert "Equity on common days" in text and "<script>alert" not in text


def test_more_than_can_be_told_apart_are_cut_and_said(site, guest):
    for k in range(MOST):
        write_run(site.runs / f"run-{k}", 200)
    names = ["one", "two", *(f"run-{k}" for k in range(MOST))]
    text = guest.get("/compare", params={"run": names}).text
    assert f"{MOST + 2} runs were ticked; the first {MOST} are shown" in text


def test_runs_without_equity_in_common_are_compared_all_the_same(site, guest):
    import polars as pl

    path = site.runs / "two" / "equity.parquet"
    pl.read_parquet(path).clear().write_parquet(path)
    text = guest.get("/compare?run=one&run=two").text
    assert "no two days in common" in text and "Verdicts" in text
