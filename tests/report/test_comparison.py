from dataclasses import replace

import polars as pl

from tradsys.backtest.metrics import measure
from tradsys.backtest.simulate import buy_and_hold
from tradsys.report.comparison import Cell, exit_shares, fold_rows, metric_rows


def with_metrics(run, **metrics):
    return replace(run, metrics={"profiles": {"A": {"metrics": metrics}}, "buy_and_hold": {"profit_total": 0.41}})


def test_fractions_read_as_percent_and_ratios_do_not(run):
    run = with_metrics(
        run,
        sharpe={"value": 1.234, "n": 900, "low": -0.5, "high": 2.9},
        profit_total={"value": -0.0312, "n": 41, "low": None, "high": None},
    )
    total, sharpe = metric_rows(run, ["A"])
    assert total.cells == (Cell("−3.12%", "", "41"), Cell("+41.0%"))
    assert sharpe.cells == (Cell("1.23", "−0.50 to 2.90", "900"), Cell(""))


def test_buy_and_hold_may_carry_intervals_too(run):
    run = with_metrics(run, sharpe={"value": 1.0})
    held = {"sharpe": {"value": 0.61, "n": 900, "low": -0.4, "high": 1.6}}
    (row,) = metric_rows(replace(run, metrics=run.metrics | {"buy_and_hold": held}), ["A"])
    assert row.cells[-1] == Cell("0.61", "−0.40 to 1.60", "900")


def test_a_metric_that_the_report_does_not_know_is_shown_all_the_same(run):
    (row,) = metric_rows(with_metrics(run, ulcer={"value": 3.0, "n": 4, "low": 1.0, "high": 5.0}), ["A"])
    assert (row.name, row.label, row.cells[0].value) == ("ulcer", "", "3.00")


def test_every_metric_of_the_backtest_has_its_words(run):
    bars = run.bars.drop("symbol").with_columns(volume=pl.lit(1.0))
    window = bars["ts"].dt.epoch("ms").gather([0, -1])
    simulation = buy_and_hold({"BTCUSDT": bars}, *window)
    measured = {name: {"value": 1.0} for name in measure(simulation, seed=0)}
    assert [row.name for row in metric_rows(with_metrics(run, **measured), ["A"]) if not row.label] == []


def test_exits_are_shares_of_all_trades_and_silent_profiles_have_none(run):
    reasons = {"A": {"exit_reasons": {"target": 1, "stop": 3, "time": 0}}, "B": {"exit_reasons": {"target": 0}}}
    (only,) = exit_shares(replace(run, metrics={"profiles": reasons}), ["A", "B"])
    assert only.parts == (("target", "1", 25.0), ("stop", "3", 75.0))


def test_a_fold_without_trades_says_so(run):
    folds = [
        {"fold": 2, "profiles": {"A": {"n_trades": 0, "net_return": 0.0}, "B": {"n_trades": 7, "net_return": 0.02}}}
    ]
    (row,) = fold_rows(replace(run, metrics={"folds": folds}), ["A", "B", "C"])
    assert row.profiles == (Cell("no trades"), Cell("+2.00%", n="7"), Cell("–"))
