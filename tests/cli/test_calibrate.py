"""`tradsys calibrate` as a person types it."""

import json

import pytest

from tradsys.cli.app import main
from tradsys.research.calibration import monte_carlo


@pytest.fixture(autouse=True)
def quick(monkeypatch, tmp_path):
    """The flow is replaced by a market on which nothing was proven."""
    profile = {"verdict": "not proven", "sharpe": 0.1}

    def tried(replication, plan):
        base = {
            "preset": replication.preset,
            "cell": replication.scenario,
            "seed": replication.seed,
            "code": "a",
            "n_days": 1095,
        }
        more = {"silent_folds": 0, "cpu_s": 1.0, "shorter": {"200": {}}, "profiles": {"SNIPER": profile}}
        return base | more

    monkeypatch.setattr(monte_carlo, "replicate", tried)
    monkeypatch.chdir(tmp_path)


def test_rates_are_shown_and_the_second_call_goes_on(capsys):
    options = ["calibrate", "--cell", "noise", "--processes", "1", "--markets"]
    assert main([*options, "2"]) == 0
    assert "n = 2" in capsys.readouterr().out
    assert main([*options, "3", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["cells"]["noise"]["n"] == 3


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--preset", "quick"], "there are fast and full"),
        (["--cell", "noize"], "did you mean noise?"),
        (["--publish", "."], "root of the source tree"),
    ],
)
def test_a_mistyped_name_says_which_are_right(args, message, capsys):
    assert main(["calibrate", "--markets", "1", "--processes", "1", *args]) != 0
    assert message in capsys.readouterr().err
