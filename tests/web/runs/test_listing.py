"""The list of runs: what is read, what is kept, and what is said of folders that are no runs."""

import json
import shutil
from datetime import UTC, datetime

import pytest
from tests.report.conftest import write_run

from tradsys.web.runs.listing import RunList
from tradsys.web.runs.row import BrokenRow, RunRow


@pytest.fixture
def run(tmp_path):
    return write_run(tmp_path / "runs" / "one", 400)


def named(rows):
    return {row.name: row for row in rows}


def test_a_line_has_what_the_three_files_say(run):
    (row,) = RunList(run.parent).rows()
    verdict, metrics = (json.loads((run / f"{name}.json").read_text()) for name in ("verdict", "metrics"))
    assert isinstance(row, RunRow)
    assert (row.name, row.n_trials) == ("one", verdict["n_trials"])
    audited = next(one for one in row.verdicts if one.profile == "AUDITED")
    sharpe = metrics["profiles"]["AUDITED"]["metrics"]["sharpe"]
    assert (audited.sharpe, audited.low, audited.high) == (sharpe["value"], sharpe["low"], sharpe["high"])
    assert [one.verdict for one in row.verdicts][-1] == "refuted"


def test_only_what_has_changed_is_read_again(run, monkeypatch):
    shutil.copytree(run, run.with_name("other"))
    listing = RunList(run.parent)
    before = named(listing.rows())
    read = []
    original = RunRow.read
    monkeypatch.setattr(RunRow, "read", lambda folder: read.append(folder.name) or original(folder))
    verdict = json.loads((run / "verdict.json").read_text())
    (run / "verdict.json").write_text(json.dumps(verdict | {"n_trials": 99}, indent=1))
    after = named(listing.rows())
    assert read == ["one"]
    assert after["one"].n_trials == 99 and after["other"] is before["other"]


def test_a_run_that_is_gone_is_listed_no_more(run):
    listing = RunList(run.parent)
    assert len(listing.rows()) == 1
    shutil.rmtree(run)
    assert listing.rows() == []


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("manifest.json", '{"run": ', "is not JSON"),
        ("manifest.json", '{"schema": 99}', "written by schema 99"),
        ("manifest.json", "[]", "must hold an object"),
        ("verdict.json", "{}", "is not what this version reads"),
        ("metrics.json", '{"market": {}}', "is not what this version reads"),
        ("metrics.json", None, "metrics.json is missing"),
        ("manifest.json", None, "manifest.json is missing"),
        ("manifest.json", b"\xff\xfe", "is not JSON"),
    ],
)
def test_a_broken_folder_is_a_line_that_says_what_is_wrong(run, file, content, said):
    (run / file).unlink()
    if content is not None:
        (run / file).write_bytes(content if isinstance(content, bytes) else content.encode())
    (row,) = RunList(run.parent).rows()
    assert isinstance(row, BrokenRow) and said in row.trouble


def test_a_folder_in_the_place_of_a_file_is_a_line_too(run):
    (run / "metrics.json").unlink()
    (run / "metrics.json").mkdir()
    (row,) = RunList(run.parent).rows()
    assert isinstance(row, BrokenRow) and "cannot be read" in row.trouble


def test_a_folder_that_is_being_written_is_called_half_written(run):
    hidden = run.with_name(".20260101-one-x1")
    hidden.mkdir()
    assert "half written" in named(RunList(run.parent).rows())[hidden.name].trouble


def test_files_and_marks_among_the_runs_are_no_lines(run):
    (run.parent / "notes.txt").write_text("mine")
    (run.parent / ".at-work-x").mkdir()
    assert list(named(RunList(run.parent).rows())) == ["one"]


@pytest.mark.parametrize("name", ["..", ".", "one/..", "../runs/one", "/etc", "", ".at-work-x", "absent"])
def test_no_name_leads_out_of_the_folder(run, name):
    (run.parent / ".at-work-x").mkdir()
    assert RunList(run.parent).folder(name) is None
    assert RunList(run.parent).folder("one") == run


def test_no_folder_at_all_is_no_runs(tmp_path):
    assert RunList(tmp_path / "absent").rows() == []


def test_a_time_without_a_zone_is_utc(run):
    manifest = json.loads((run / "manifest.json").read_text())
    (run / "manifest.json").write_text(json.dumps(manifest | {"created": "2026-01-01T00:00:00"}))
    (row,) = RunList(run.parent).rows()
    assert row.created == datetime(2026, 1, 1, tzinfo=UTC)
