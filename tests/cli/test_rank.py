"""`tradsys rank` and the features of ranks in `tradsys run`, through the command line."""

import json

import polars as pl
import pytest

from tradsys.cli.app import main
from tradsys.data.simulate import simulate_universe


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("bars") / "UNIVERSE-1h.parquet"
    simulate_universe(6, 0.03, seed=1, n_bars=5_000).write_parquet(path)
    return path


def test_a_pooled_file_is_ranked_and_judged(file, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["rank", "--bars", str(file), "--k", "2", "--require-proven"]) == 4
    shown = capsys.readouterr().out
    assert "Long 2 strongest, short 2 weakest by the return over 168 bars" in shown
    assert "before costs, long less short:" in shown
    assert main(["rank", "--bars", str(file), "--k", "2", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["verdict"]["n_trials"] == 1
    assert told["verdict"]["profiles"]["RANK"]["leg"] == "history"


def test_too_few_symbols_say_what_to_do(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["rank", "--bars", "simulated:universe:3"]) == 3
    assert "pool more symbols" in capsys.readouterr().err


def test_features_of_ranks_are_attached_where_a_run_names_them(file):
    from tradsys.data import load_market
    from tradsys.research.config import RunConfig
    from tradsys.research.ranks import with_ranks

    market = load_market([file])
    assert with_ranks(market, RunConfig()) is market
    config = RunConfig(features={"names": ["returns", "momentum_rank"]}, universe={"min_listed_days": 5})
    ranked = with_ranks(market, config)
    assert "rank_place_168" in ranked.bars.columns
    assert ranked.bars["rank_place_168"].is_not_nan().mean() > 0.5
    assert ranked.bars.select(pl.exclude("^rank_.*$")).equals(market.bars)


@pytest.mark.slow
def test_a_run_learns_from_ranks(file, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = '["returns", "volatility_ratios", "relative_strength", "momentum_rank"]'
    args = ["run", "--bars", str(file), "--agent", "logistic", "--json", "--set", f"features.names={names}"]
    assert main([*args, "--set", "folds.path_groups=0", "--set", "folds.n_folds=2"]) == 0
    told = json.loads(capsys.readouterr().out)
    manifest = json.loads((tmp_path / told["run"] / "manifest.json").read_text())
    assert manifest["config"]["features"]["names"][-1] == "momentum_rank"
