"""`tradsys lookahead` as a person types it."""

import json
import re

import pytest
from tests.research.leaky import quick_experiment, without_purge

from tradsys.cli.app import main
from tradsys.cli.progress import MARKS
from tradsys.data.simulate import simulate
from tradsys.research.procedures import experiment
from tradsys.runs.at_work import jobs


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch):
    """A folder with a small market, and the flow with its quickest parts."""
    simulate("noise", seed=3, n_bars=1_800).write_parquet(tmp_path / "NOISE-1h.parquet")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tradsys.research.walk.experiment_spec.experiment_from", lambda *_, **__: quick_experiment())


LOOK = ["lookahead", "--bars", "NOISE-1h.parquet", "--points", "2"]


def test_an_honest_flow_ends_with_how_much_was_checked(capsys):
    assert main(LOOK) == 0
    assert "nothing saw the future: " in (shown := capsys.readouterr().out)
    assert "values checked at 2 points" in shown


def test_json_is_one_object_without_findings(capsys):
    assert main([*LOOK, "--json"]) == 0
    looked = json.loads(capsys.readouterr().out)
    assert (looked["n_points"], looked["findings"]) == (2, [])
    assert looked["n_values"] > 100_000


def test_a_leak_is_named_and_ends_with_an_error(capsys, monkeypatch):
    monkeypatch.setattr("tradsys.research.walk.experiment.walk_forward", without_purge)
    assert main(LOOK) == 1
    shown = capsys.readouterr().out
    assert re.search(r"training rows: labels of fold 1 of NOISE saw \d bars ahead, first in row", shown)


def test_it_is_told_of_while_it_lasts_and_leaves_nothing(monkeypatch, tmp_path):
    seen, look_ahead = [], experiment.look_ahead
    monkeypatch.setattr(
        experiment, "look_ahead", lambda *given, **named: (seen.extend(jobs(MARKS)), look_ahead(*given, **named))[1]
    )
    assert main(LOOK) == 0
    assert [one.title for one in seen] == ["lookahead on NOISE"]
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []
