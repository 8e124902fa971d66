"""`tradsys doctor` prints the limits, the plan and what fits into it."""

import json

import pytest

from tradsys.cli.app import main
from tradsys.machine.limits import THREAD_VARIABLES


@pytest.fixture(autouse=True)
def capped(monkeypatch):
    """As the command line itself does before it imports anything."""
    for name in THREAD_VARIABLES:
        monkeypatch.setenv(name, "1")


def test_the_text_names_limits_plan_and_work(capsys, tmp_path):
    assert main(["doctor", "--runs", str(tmp_path), "--journal", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    for words in ("processor", "memory", "threads", "clock", "plan: ", "deciding with a bundle: about"):
        assert words in shown


def test_json_is_one_object(capsys, tmp_path):
    assert main(["doctor", "--json", "--plan", "safe", "--runs", str(tmp_path), "--journal", str(tmp_path)]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["is_well"] and report["plan"].startswith("safe plan")


def test_a_mistyped_plan_is_a_usage_error(capsys):
    assert main(["doctor", "--plan", "saef"]) == 2
    assert "did you mean safe?" in capsys.readouterr().err
