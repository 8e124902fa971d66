from tests.runs.example import METRICS

from tradsys.cli.summary import unjudged_lines
from tradsys.runs.metrics import RunMetrics
from tradsys.runs.section import ALWAYS_MEASURED

SHARPE = {"value": 0.5, "n": 900, "low": -0.25, "high": 1.25}
N_TRADES = {"value": 1_301, "n": 1_301, "low": None, "high": None}
CHOSEN = {"sentence": "", "n_candidates": 36, "rank_thresholds": [0.9], "folds": []}
ALONG = {"sharpes": [], "n_trades": [], "naive_interval": None, "correlation": None}


def lines(**metrics):
    return unjudged_lines(RunMetrics.parse(METRICS | metrics, "test"))


def test_the_chosen_procedure_and_the_paths_take_a_line_each():
    measured = dict.fromkeys(ALWAYS_MEASURED, SHARPE) | {"total_trades": N_TRADES}
    means = {
        "SNIPER": ALONG | {"mean": None, "interval": None},
        "EDGE": ALONG | {"mean": -0.5, "interval": [-1.0, 0.0]},
    }
    chosen, paths = lines(chosen=CHOSEN | {"metrics": measured}, paths={"n_paths": 5, "profiles": means})
    assert chosen == "  chosen in each fold: net Sharpe 0.50 [-0.25, 1.25], 1,301 trades; it carries no verdict"
    assert paths.endswith("of 5 cross-validated paths, never judged: SNIPER -, EDGE -0.50 [-1.00, 0.00]")


def test_a_run_without_paths_says_why_and_an_old_one_says_nothing():
    assert lines(paths={"reason": "turned off"}) == ["  no cross-validated paths: turned off"]
    assert lines() == []


def test_comparing_shows_both(finished, capsys):
    from tradsys.cli.compare import command

    run, ledger, root = finished
    command(run.folder.name, runs=root / "runs", journal=ledger.path.parent)
    shown = capsys.readouterr().out
    assert "chosen in each fold: net Sharpe" in shown
    assert "of 3 cross-validated paths, never judged: " in shown
