"""Verdicts as of now, computed beside the server and kept for as long as nothing was tried since."""

import json
import shutil
import subprocess

import pytest
from tests.report.conftest import write_run

from tradsys.core.errors import DataError
from tradsys.journal.ledger import Ledger
from tradsys.web.runs import judging
from tradsys.web.runs.rejudged import Judge, compared

VERDICT = {"profiles": {}, "n_days": 0, "n_trials": 9, "n_effective_trials": None, "n_compared": 0, "power": ""}
NUMBERS = dict.fromkeys(("detectable_sharpe", "critical_net", "critical_skill", "sharpe_variance"))
SAID = {"verdict": VERDICT | NUMBERS | {"ledger_head": ""}, "sentences": ["nine now"], "lapsed": []}


@pytest.fixture
def judge(tmp_path):
    write_run(tmp_path / "runs" / "one", 200)
    return Judge(tmp_path / "runs", tmp_path / "journal")


def answering(monkeypatch, code=0, stdout="", stderr=""):
    asked = []

    def run(command, **_):
        asked.append(command[-1])
        return subprocess.CompletedProcess(command, code, stdout, stderr)

    monkeypatch.setattr(subprocess, "run", run)
    return asked


def test_it_is_computed_once_until_something_is_tried(judge, monkeypatch):
    asked = answering(monkeypatch, stdout=json.dumps(SAID))
    assert judge.known("one") is None
    assert judge.judge("one").sentences == ("nine now",)
    assert judge.judge("one") is judge.known("one")
    Ledger(judge.journal / "ledger.jsonl").append({"kind": "trial", "blocks": ["b"]})
    assert judge.known("one") is None
    judge.judge("one")
    assert asked == ["one", "one"]


@pytest.mark.parametrize(
    ("code", "stderr", "said"),
    [
        (1, "a warning\nthe ledger does not hold it\n", "^the ledger does not hold it$"),
        (-9, "", "signal 9, most likely for want of memory"),
        (1, "", "failed without a word"),
    ],
)
def test_what_went_wrong_is_said_and_not_kept(judge, monkeypatch, code, stderr, said):
    answering(monkeypatch, code, stderr=stderr)
    with pytest.raises(DataError, match=said):
        judge.judge("one")
    assert judge.known("one") is None


def test_a_run_is_judged_in_a_process_of_its_own(finished, tmp_path):
    run, ledger, root = finished
    journal = shutil.copytree(ledger.path.parent, tmp_path / "journal")
    Ledger(journal / "ledger.jsonl").append({"kind": "trial", "blocks": run.manifest.blocks, "n": 1})
    now = Judge(root / "runs", journal).judge(run.name)
    assert now.verdict.n_trials == run.verdict.n_trials + 1
    assert "More has been tried on this data since" in now.sentences[0]
    assert [row.name for row in compared(run.verdict, now.verdict)] == list(run.verdict.profiles)


def test_a_ledger_that_does_not_know_the_run_ends_it_with_a_sentence(finished, tmp_path, capsys):
    assert judging.main(finished[2] / "runs", tmp_path, finished[0].name) == 1
    assert "does not hold the trials" in capsys.readouterr().err.splitlines()[-1]
