from tradsys.cli.beside import beside_lines

SHARPE = {"value": 0.5, "low": -0.25, "high": 1.25}


def test_the_chosen_procedure_and_the_paths_take_a_line_each():
    metrics = {
        "chosen": {"metrics": {"sharpe": SHARPE, "total_trades": {"value": 1_301}}},
        "paths": {
            "n_paths": 5,
            "profiles": {
                "SNIPER": {"mean": None, "interval": None},
                "EDGE": {"mean": -0.5, "interval": [-1.0, 0.0]},
            },
        },
    }
    chosen, paths = beside_lines(metrics)
    assert chosen == "  chosen in each fold: net Sharpe 0.50 [-0.25, 1.25], 1,301 trades; it carries no verdict"
    assert paths.endswith("of 5 cross-validated paths, never judged: SNIPER -, EDGE -0.50 [-1.00, 0.00]")


def test_a_run_without_paths_says_why_and_an_old_one_says_nothing():
    assert beside_lines({"paths": {"reason": "turned off"}}) == ["  no cross-validated paths: turned off"]
    assert beside_lines({}) == []


def test_comparing_shows_both(finished, capsys):
    from tradsys.cli.compare import command

    run, ledger, root = finished
    command(run.folder.name, runs=root / "runs", journal=ledger.path.parent)
    said = capsys.readouterr().out
    assert "chosen in each fold: net Sharpe" in said
    assert "of 3 cross-validated paths, never judged: " in said
