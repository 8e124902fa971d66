"""Folders and files that cannot be read, or that hold what nobody of ours wrote: a sentence, and never a 500."""

import json
import os
from pathlib import Path

import polars as pl
import pytest
from tests.report.conftest import write_run
from tests.web.accounts import rewrite_status, write_account
from tests.web.test_data import stored
from tests.web.test_tuning import study

from tradsys.journal.ledger import Ledger
from tradsys.runs.at_work import PREFIX
from tradsys.web.bot.plain import Plain

NO_UTF8 = os.fsdecode(b"bad\xff")


@pytest.fixture
def denied(site, monkeypatch):
    """Nobody may list the folders of runs and accounts."""
    listed = {"scandir": os.scandir, "iterdir": Path.iterdir}

    def deny(name):
        def ask(path):
            if Path(path) in (site.runs, site.live):
                raise PermissionError(13, "Permission denied", str(path))
            return listed[name](path)

        return ask

    monkeypatch.setattr(os, "scandir", deny("scandir"))
    monkeypatch.setattr(Path, "iterdir", deny("iterdir"))


def test_folders_that_may_not_be_listed_say_so_on_every_page(denied, visited):
    guest = visited.guest()
    assert guest.get("/bot").text.count("cannot be listed (Permission denied)") == 1
    for path in ("/", "/runs"):
        answer = guest.get(path)
        assert answer.status_code == 200 and ("cannot be listed" in answer.text or "cannot be read" in answer.text)
    for path in ("/runs/one", "/bot/one"):
        assert guest.get(path).status_code == 422


def test_what_the_system_refuses_is_a_sentence(visited, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", "ledger.jsonl")

    monkeypatch.setattr("tradsys.web.pages.journal.Ledger", refuse)
    answer = visited.guest().get("/journal")
    assert answer.status_code == 422 and "cannot be read" in answer.text and "ledger.jsonl" in answer.text


@pytest.mark.parametrize("folder", ["runs", "live"])
def test_a_name_that_is_no_utf8_is_a_row_that_says_so(site, visited, folder):
    (getattr(site, folder) / NO_UTF8).mkdir(parents=True)
    answer = visited.guest().get("/runs" if folder == "runs" else "/bot")
    assert answer.status_code == 200 and "name is no UTF-8; rename the folder" in answer.text
    assert visited.guest().get("/").status_code == 200


def test_a_link_in_a_circle_is_a_row_among_the_others(site, visited):
    write_run(site.runs / "one", 200)
    (site.runs / "circle").symlink_to("circle")
    text = visited.guest().get("/runs").text
    assert "<strong>circle</strong> is no finished run" in text and 'href="/runs/one"' in text


@pytest.mark.parametrize("value", [10**400, 10**19, float("nan"), "\ud800", "a\rb", [], None])
def test_no_value_of_a_status_is_an_error_of_the_server(site, visited, value):
    folder, guest = write_account(site.live), visited.guest()
    for name in ("account_age_ms", "last_close_ms", "profile", "no_entry", "risk", "account_state"):
        rewrite_status(folder, **{name: value})
        assert [guest.get(path).status_code for path in ("/bot", "/bot/paper-1")] == [200, 200], name
    assert Plain({"a": value}).number("a") in (None, 10**19)


@pytest.mark.parametrize("content", [{"blocks": 5}, {"blocks": [[1]]}, {"why": "\ud800"}])
def test_a_champion_that_nobody_of_ours_wrote_is_passed_over(site, visited, content):
    ledger = Ledger(site.journal / "ledger.jsonl")
    ledger.append({"kind": "note", "blocks": ["b"]})
    with ledger.path.open("a") as file:
        line = json.dumps({"content": {"kind": "champion", "market": "X", **content}}, separators=(",", ":"))
        file.write(line + "\n")
    guest = visited.guest()
    assert [guest.get(path).status_code for path in ("/", "/runs")] == [200, 200]


@pytest.mark.parametrize(
    "said", [{"done": "x"}, {"n": None}, {"started": "2026-01-01T00:00:00"}, {"n": 1e999}, {"title": ["a"]}]
)
def test_a_mark_of_work_that_nobody_of_ours_wrote_is_no_error(site, visited, said):
    whole = {"title": "BTC", "pid": 1, "host": "h", "started": "2026-01-01T00:00:00+00:00", "stage": "s", "done": 1.0}
    for name, fields in (("a", {}), ("b", said)):
        (site.runs / f"{PREFIX}{name}").mkdir(parents=True)
        (site.runs / f"{PREFIX}{name}" / "job.json").write_text(json.dumps({**whole, "n": 3, **fields}))
    assert visited.guest().get("/").status_code == 200


def test_times_that_no_calendar_has_are_a_sentence(site, visited):
    for name in ("one", "two"):
        write_run(site.runs / name, 200)
    path = site.runs / "one" / "equity.parquet"
    pl.read_parquet(path).with_columns(pl.lit(-(10**18)).alias("ts")).write_parquet(path)
    guest, paths = visited.guest(), ("/runs/one", "/runs/one/files/equity.csv", "/compare?run=one&run=two")
    assert {guest.get(path).status_code for path in paths} <= {200, 422}
    assert "is not what this release writes" in guest.get("/runs/one").text


@pytest.mark.parametrize("changed", [{"number": "x"}, {"scores": None}, {"settings": None}])
def test_a_trial_of_another_release_is_a_study_that_says_so(site, visited, changed):
    ledger, _ = study(site)
    ledger.append({**ledger.entries("tuning")[0].content, "study": "other", **changed})
    text = visited.guest().get("/tuning").text
    assert "cannot be read" in text and "/tuning/other" in text
    assert "look at it with the release that wrote it" in visited.guest().get("/tuning/other").text


def test_a_market_that_cannot_be_told_from_its_entries_is_a_sentence(site, visited):
    ledger, _ = study(site)
    ledger.append({**ledger.entries("tuning")[0].content, "blocks": None})
    answer = visited.guest().get("/journal")
    assert answer.status_code == 422 and "is not what this release writes" in answer.text


@pytest.mark.parametrize("field", ["n_rows", "n_bytes", "last"])
def test_a_count_that_nothing_has_is_a_series_that_cannot_be_read(site, visited, field):
    stored(site.store)
    manifest = min(Path(site.store).rglob("manifest.json"))
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), field: 10**400}))
    answer = visited.guest().get("/data")
    assert answer.status_code == 200 and "401 digits" in answer.text
