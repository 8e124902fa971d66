"""`tradsys train` writes a bundle that decides, and remembers what was scored."""

import json

import pytest

from tradsys.cli.app import main
from tradsys.data.simulate import simulate
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


def test_its_scores_are_in_the_ledger_and_are_no_trial():
    ledger = Ledger("journal/ledger.jsonl")
    (entry,) = ledger.entries("training")
    assert entry.content["agent"] == "volatility"
    assert ledger.n_trials_on(entry.content["blocks"]) == 0


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
