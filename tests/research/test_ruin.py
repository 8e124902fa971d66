"""A run at forty times the equity: ruined accounts are told as such in verdict, metrics, terminal and report."""

import json

import pytest

from tradsys.cli.app import main
from tradsys.cli.summary import summary
from tradsys.journal.ledger import Ledger
from tradsys.report import render
from tradsys.research.judging.rejudge import Replay, rejudge
from tradsys.research.run import run
from tradsys.runs.tables import EQUITY, TRADES


@pytest.fixture(scope="module")
def levered(small_market, quick_config, tmp_path_factory):
    root = tmp_path_factory.mktemp("levered")
    config = quick_config.with_settings({"portfolio.fraction": 40, "portfolio.cap": 40})
    ledger = Ledger(root / "journal" / "ledger.jsonl")
    return run(small_market, config, root=root, ledger=ledger, render=render), ledger


def test_no_equity_is_below_nothing_and_nothing_is_traded_after_a_ruin(levered):
    stored, _ = levered
    equity, trades = stored.table(EQUITY), stored.table(TRADES)
    assert equity["equity"].min() == 0
    assert "liquidation" in trades["reason"].unique()
    for name, one in stored.metrics.profiles.items():
        if one.ruin:
            mine = trades.filter(trades["profile"] == name)
            assert mine["exit_ts"].max() == one.ruin.at
            assert one.exit_reasons["liquidation"] == (mine["reason"] == "liquidation").sum() > 0
            assert equity.filter(equity["profile"] == name)["equity"][-1] == 0


def test_a_ruined_profile_is_never_proven_shows_no_good_ratio_and_says_when_and_by_what(levered):
    stored, _ = levered
    ruined = {name: one for name, one in stored.metrics.profiles.items() if one.ruin}
    assert ruined
    for name, one in ruined.items():
        judged = stored.verdict.profiles[name]
        day = one.ruin.at.date().isoformat()
        assert judged.verdict != "proven"
        assert f"ruined on {judged.ruined_on}: it lost everything with a " in judged.sentence
        assert "times the equity, liquidated" in judged.sentence
        assert abs((one.ruin.at.date() - one.ruin.at.date().fromisoformat(judged.ruined_on)).days) <= 1, day
        assert one.metrics["sharpe"].value < 0
        assert one.metrics["profit_total"].value == -1
        assert one.metrics["profit_total_abs"].value == -10_000
        assert one.metrics["max_drawdown_account"].value == 1
    for one in stored.metrics.profiles.values():
        assert (one.metrics["profit_total"].value > 0) == (one.metrics["profit_total_abs"].value > 0)


def test_looking_at_it_again_says_so_in_words_and_in_json(levered, capsys):
    stored, _ = levered
    name = next(name for name, one in stored.verdict.profiles.items() if one.ruined_on)
    again = ["backtest", "--run", stored.name, "--runs", str(stored.folder.parent), "--profile", name]
    assert main(again) == 0
    assert "  ruined at 20" in capsys.readouterr().out
    assert main([*again, "--json"]) == 0
    assert ": it lost everything with a" in json.loads(capsys.readouterr().out)["ruin"]
    assert any(one.startswith("Positions are liquidated where") for one in stored.metrics.assumptions)


def test_terminal_and_report_say_so_and_a_later_look_says_the_same(levered):
    stored, ledger = levered
    name, judged = next((name, one) for name, one in stored.verdict.profiles.items() if one.ruined_on)
    assert f"{name:<9} {judged.sentence}" in summary(stored)
    assert f"uined on {judged.ruined_on}: it lost everything with a" in stored.report.read_text()
    assert rejudge(Replay(stored.folder), ledger).now == stored.verdict
