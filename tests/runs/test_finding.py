"""A run is found by its name, the beginning of one, "last", a path that was printed, or its name in the ledger."""

import json
import os

import pytest

from tradsys.core.errors import DataError
from tradsys.runs import find_run

NAMES = {"20260101-120000-btc-1h-aaaaaa": "3f9a2c81" * 8, "20260102-120000-eth-1h-bbbbbb": "3f9b0000" * 8}
FIRST, LAST = NAMES


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for when, (name, run) in enumerate(NAMES.items()):
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True)
        (folder / "manifest.json").write_text(json.dumps({"run": run}))
        (folder / "report.html").touch()
        os.utime(folder / "manifest.json", (when, when))
    return tmp_path / "runs"


@pytest.mark.parametrize(
    "name",
    [
        FIRST,
        "20260101",
        f"runs/{FIRST}",
        f"runs/{FIRST}/",
        f"./runs/{FIRST}",
        f"runs/{FIRST}/report.html",
        f"{{here}}/runs/{FIRST}",
        f"elsewhere/{FIRST}",
        "3f9a",
        "3f9a2c81" * 8,
    ],
)
def test_every_way_of_naming_a_run(name, runs):
    assert find_run("runs", name.format(here=runs.parent)).name == FIRST


def test_a_path_needs_no_folder_of_runs(runs):
    assert find_run("nowhere", runs / FIRST) == find_run("nowhere", str(runs / FIRST)) == runs / FIRST


def test_last_is_the_newest(runs):
    assert find_run(runs, "last").name == LAST


@pytest.mark.parametrize(("name", "said"), [("2026010", "fits 2 runs"), ("3f9", "no run '3f9'"), ("runs", "no run")])
def test_what_names_no_run_or_several_is_said(name, said, runs):
    with pytest.raises(DataError, match=said):
        find_run(runs, name)
