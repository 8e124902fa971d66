"""`tradsys rank` and the features of ranks in `tradsys run`, through the command line."""

import json

import numpy as np
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
    from tradsys.settings.config import RunConfig
    from tradsys.settings.market import with_ranks

    market = load_market([file])
    assert with_ranks(market, RunConfig()) is market
    config = RunConfig(features={"names": ["returns", "momentum_rank"]}, universe={"min_listed_days": 5})
    ranked = with_ranks(market, config)
    assert "rank_place_168" in ranked.bars.columns
    assert ranked.bars["rank_place_168"].is_not_nan().mean() > 0.5
    assert ranked.bars.select(pl.exclude("^rank_.*$")).equals(market.bars)


def test_only_what_the_named_features_read_is_attached(file):
    from tradsys.data import load_market
    from tradsys.settings.config import RunConfig
    from tradsys.settings.market import with_ranks

    market = load_market([file])

    def attached(*names):
        config = RunConfig(features={"names": ["returns", *names]}, universe={"min_listed_days": 5})
        return {name.split("_")[1] for name in with_ranks(market, config).bars.columns if name.startswith("rank_")}

    assert attached("momentum_rank") == attached("relative_strength") == {"strength", "place"}
    assert attached("market_momentum") == {"market"}
    assert attached("momentum_dispersion", "momentum_rank") == {"strength", "place", "dispersion"}


@pytest.mark.slow
def test_a_run_learns_from_ranks(file, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = '["returns", "volatility_ratios", "relative_strength", "momentum_rank"]'
    args = ["run", "--bars", str(file), "--agent", "logistic", "--json", "--set", f"features.names={names}"]
    assert main([*args, "--set", "folds.path_groups=0", "--set", "folds.n_folds=2"]) == 0
    told = json.loads(capsys.readouterr().out)
    manifest = json.loads((tmp_path / told["run"] / "manifest.json").read_text())
    assert manifest["config"]["features"]["names"][-1] == "momentum_rank"


def test_compare_journal_deploy_and_the_look_ahead_know_it(file, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["rank", "--bars", str(file), "--k", "2", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (tmp_path / told["report"]).is_file()
    assert main(["compare"]) == 0
    shown = capsys.readouterr().out
    assert "-rank-6-1h-" in shown
    assert "universe: " in shown
    assert main(["journal"]) == 0
    assert "ranks, S00, S01, S02 and 3 more, 1h, 20" in capsys.readouterr().out
    assert main(["backtest", "--run", "last"]) == 3
    assert "ranked symbols and made no forecasts" in capsys.readouterr().err
    place = [part for n in range(6) for part in ("--symbol", f"S0{n}=S0{n}/USDT")]
    assert main(["deploy", "last", "--out", "B", "--venue", "binance", *place, "--json"]) == 0
    deployed = json.loads(capsys.readouterr().out)["deployment"]
    assert (deployed["profile"], deployed["symbols"][0]) == ("RANK", "S00/USDT")
    monkeypatch.setattr("tradsys.cli.trading._play", lambda session: pytest.fail("a venue would be asked"))
    assert main(["trade", "B", "--account", "r"]) == 4
    assert "verdict: RANK is not proven" in capsys.readouterr().err
    assert main(["lookahead", "--rank", "--bars", str(file), "--set", "rank.k=2", "--points", "2"]) == 0
    assert "nothing saw the future: " in capsys.readouterr().out


def test_a_rank_that_sees_the_next_bar_ends_the_look_ahead_with_an_error(file, tmp_path, monkeypatch, capsys):
    from tradsys.predictor import rank_rule

    honest = rank_rule.raw_momentum
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(rank_rule, "raw_momentum", lambda *a: np.roll(honest(*a), -1, axis=0))
    looked = ["lookahead", "--rank", "--bars", str(file), "--set", "rank.k=2", "--points", "2"]
    assert main([*looked, "--processes", "1"]) == 1  # this one, in which the rank was changed
    assert "ranks: signal of S0" in (shown := capsys.readouterr().out)
    assert "saw 1 bar ahead" in shown
