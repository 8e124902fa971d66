"""`/runs/NAME` as a browser gets it: the report, what is known since, files, and folders that are broken."""

import json
import re

import polars as pl
import pytest
from tests.report.conftest import write_run

from tradsys.core.errors import DataError
from tradsys.journal.entries import Champion, Data
from tradsys.journal.ledger import Ledger
from tradsys.runs.stored import StoredRun
from tradsys.web.runs.rejudged import Judge, VerdictNow

SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def run(site):
    return write_run(site.runs / "one", 400)


def test_the_page_is_the_report_without_anything_inline(run, visited):
    text = visited.guest().get("/runs/one").text
    for words in ("Price and trades", "Profiles side by side", "To repeat this run", 'id="run-data"'):
        assert words in text
    assert " style=" not in text and "<style" not in text
    assert not re.search(r"<script(?![^>]*(src=|application/json))", text)


def test_the_same_page_comes_at_once_when_it_is_asked_for_again(run, visited, monkeypatch):
    guest = visited.guest()
    first = guest.get("/runs/one").text
    monkeypatch.setattr("tradsys.web.pages.run.contents", None)
    assert guest.get("/runs/one").text == first


def test_a_champion_says_so(run, site, visited):
    mine = json.loads((run / "manifest.json").read_text())["run"]
    content = Champion(
        data=Data("BTC", ("b",)), run=mine, experiment="e", profile="EDGE", standing="proven", why="it beat all"
    )
    Ledger(site.journal / "ledger.jsonl").append(content.content())
    assert "EDGE of this run holds the seat of BTC (proven): it beat all" in visited.guest().get("/runs/one").text


@pytest.mark.parametrize("name", ["absent", "%2e%2e", "..%2fone", "%2fetc", "one%2f..", ".at-work-x"])
def test_a_name_that_is_no_run_is_not_found(run, visited, name):
    (run.parent / ".at-work-x").mkdir()
    for path in (f"/runs/{name}", f"/runs/{name}/now", f"/runs/{name}/files/trades.csv"):
        assert visited.guest().get(path).status_code == 404


def test_a_verdict_as_of_now_stands_beside_the_stored_one(run, visited, monkeypatch):
    then = StoredRun(run).verdict
    judged = then.profiles["AUDITED"].model_copy(update={"verdict": "refuted", "p": 0.9})
    now = then.model_copy(update={"profiles": {**then.profiles, "AUDITED": judged}, "n_trials": 99})
    found = VerdictNow(now, ("More has been tried.",), ("AUDITED",))
    monkeypatch.setattr(Judge, "_computed", lambda self, name: found)
    guest = visited.guest()
    assert "Judge as of now" in guest.get("/runs/one").text
    part = guest.get("/runs/one/now", headers={"HX-Request": "true"}).text
    assert "<html" not in part and "Now, 99 trials" in part and "now lapsed" in part
    assert "Now, 99 trials" in guest.get("/runs/one").text, "it is kept"
    assert "<html" in guest.get("/runs/one/now").text


def test_why_a_run_cannot_be_judged_again_is_said_as_text(run, visited, monkeypatch):
    def refuse(*_: object) -> None:
        raise DataError(f"no {SCRIPT}")

    monkeypatch.setattr(Judge, "_computed", refuse)
    answer = visited.guest().get("/runs/one/now")
    assert answer.status_code == 200
    assert "cannot be judged again" in answer.text and "no &lt;script&gt;" in answer.text and SCRIPT not in answer.text


def test_tables_are_saved_as_they_are(run, visited):
    answer = visited.guest().get("/runs/one/files/trades.csv")
    saved, trades = pl.read_csv(answer.content), pl.read_parquet(run / "trades.parquet")
    assert len(saved) == len(trades) and saved["pnl_quote"].to_list() == trades["pnl_quote"].to_list()
    assert saved["entry_ts"][0] == trades["entry_ts"][0].strftime("%Y-%m-%dT%H:%M:%SZ")
    assert answer.headers["content-disposition"] == 'attachment; filename="one-trades.csv"'
    assert visited.guest().get("/runs/one/files/manifest.json").status_code == 404


def test_a_script_in_a_title_stays_text(site, visited):
    write_run(site.runs / "one", 300, (f"BTC{SCRIPT}",))
    text = visited.guest().get("/runs/one").text
    assert SCRIPT not in text and "<script>alert" not in text


PATHS = (
    "/",
    "/runs",
    "/runs/one",
    "/runs/one/files/trades.csv",
    "/runs/one/files/equity.csv",
    "/compare?run=one&run=two",
)
FILES = ("manifest.json", "verdict.json", "metrics.json", "trades.parquet", "equity.parquet", "bars.parquet")


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("how", ["missing", "half", "empty", "foreign", "folder"])
def test_no_broken_folder_is_an_error_of_the_server(site, visited, file, how):
    for name in ("one", "two"):
        write_run(site.runs / name, 200)
    path = site.runs / "one" / file
    content = path.read_bytes()
    path.unlink()
    if how == "folder":
        path.mkdir()
    elif how != "missing":
        path.write_bytes({"half": content[: len(content) // 2], "empty": b"", "foreign": b'{"a": [1, 2]}'}[how])
    guest = visited.guest()
    statuses = {path: guest.get(path).status_code for path in PATHS}
    assert set(statuses.values()) <= {200, 404, 422}, statuses
    assert statuses["/"] == statuses["/runs"] == 200


def test_a_report_that_is_a_link_to_elsewhere_is_not_sent(run, visited, tmp_path):
    (tmp_path / "key").write_text("secret")
    (run / "report.html").unlink(missing_ok=True)
    (run / "report.html").symlink_to(tmp_path / "key")
    assert visited.guest().get("/runs/one/files/report.html").status_code == 404
