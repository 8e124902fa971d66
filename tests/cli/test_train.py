"""`tradsys train` writes a bundle that decides, and remembers what was scored."""

import json
from dataclasses import replace

import pytest

from tradsys.cli.app import main
from tradsys.data.simulate import simulate
from tradsys.journal.judged import JudgedData
from tradsys.journal.ledger import Ledger
from tradsys.predictor import Predictor

QUICK = ["--bars", "EDGE-1h.parquet", "--set", "regimes.n_starts=2", "--set", "folds.n_folds=2"]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A folder with eight months of bars with an edge, and a volatility agent trained on them."""
    folder = tmp_path_factory.mktemp("training")
    simulate("edge:3", seed=3, n_bars=6_000).write_parquet(folder / "EDGE-1h.parquet")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(["train", "--agent", "volatility", "--out", "mine", *QUICK]) == 0
    return folder


@pytest.fixture(autouse=True)
def inside(workplace, monkeypatch):
    monkeypatch.chdir(workplace)


def test_the_bundle_holds_the_agent_that_was_asked_for_and_decides():
    import polars as pl

    predictor = Predictor.load("mine/bundle")
    assert predictor.combination.members == ("volatility",)
    bars = pl.read_parquet("EDGE-1h.parquet")
    decision = predictor.decide(bars)
    assert 0 < decision.probability < 1


def test_its_gain_was_shown_and_is_a_trial_on_the_test_blocks():
    ledger = Ledger("journal/ledger.jsonl")
    (entry,) = (one for one in ledger.entries("training") if one.content["agent"] == "volatility")
    tested = JudgedData.of_entry(entry.content)
    assert entry.content["market"] == "EDGE 1h"
    assert tested.is_dated
    assert entry in ledger.trials_on(tested)
    assert entry not in ledger.trials_on(replace(tested, opens=0, closes=tested.opens))


def test_a_run_on_the_same_data_counts_it(capsys):
    n_before = len(Ledger("journal/ledger.jsonl").entries("training"))
    assert main(["run", "--agent", "logistic", "--json", *QUICK, "--set", "folds.path_groups=0"]) == 0
    assert json.loads(capsys.readouterr().out)["verdict"]["n_trials"] == 4 + n_before


def test_a_bundle_is_never_overwritten(capsys):
    assert main(["train", "--agent", "volatility", "--out", "mine", *QUICK]) == 2
    assert "name another folder with --out" in capsys.readouterr().err


def test_all_agents_are_not_one(capsys):
    assert main(["train", "--agent", "all", "--out", "other", *QUICK]) == 2
    assert "one agent is trained at a time" in capsys.readouterr().err


def test_json_tells_what_the_forecasts_were_worth(capsys):
    assert main(["train", "--agent", "logistic", "--out", "third", "--json", *QUICK]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["agent"], shown["skill"]["name"]) == ("logistic", "logistic")
    assert shown["skill"]["over_base"]["n"] > 0
    assert shown["n_trials"] >= 2


def test_it_says_that_the_look_counts(capsys):
    assert main(["train", "--agent", "logistic", "--out", "fourth", *QUICK]) == 0
    assert "the ledger counts this look as a trial: " in capsys.readouterr().out
