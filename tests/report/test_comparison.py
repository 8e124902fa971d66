from datetime import UTC, datetime

import polars as pl
from tests.report.conftest import changed

from tradsys.backtest.metrics import measure
from tradsys.backtest.simulate import buy_and_hold
from tradsys.report.comparison import MetricCell, exit_shares, fold_rows, metric_rows
from tradsys.runs.metrics import FoldTrades
from tradsys.runs.section import ALWAYS_MEASURED
from tradsys.runs.tables import BARS

NOT_MEASURED = {name: {"value": None, "n": 0, "low": None, "high": None} for name in ALWAYS_MEASURED}


def rows(run, held=None, **metrics):
    """The rows of a profile A with these metrics and no others."""
    own = run.metrics.to_json()["profiles"]["AUDITED"] | {"metrics": NOT_MEASURED | metrics}
    run = changed(run, metrics={"profiles": {"A": own}, "buy_and_hold": held or {}})
    return {row.name: row for row in metric_rows(run.metrics, ["A"])}


def test_fractions_read_as_percent_and_ratios_do_not(run):
    found = rows(
        run,
        {"profit_total": 0.41},
        sharpe={"value": 1.234, "n": 900, "low": -0.5, "high": 2.9},
        profit_total={"value": -0.0312, "n": 41, "low": None, "high": None},
    )
    assert found["profit_total"].cells == (MetricCell("−3.12%", "", "41"), MetricCell("+41.0%"))
    assert found["sharpe"].cells == (MetricCell("1.23", "−0.50 to 2.90", "900"), MetricCell(""))


def test_a_metric_that_the_report_does_not_know_is_shown_all_the_same(run):
    row = rows(run, ulcer={"value": 3.0, "n": 4, "low": 1.0, "high": 5.0})["ulcer"]
    assert (row.name, row.label, row.cells[0].value) == ("ulcer", "", "3.00")


def test_every_metric_of_the_backtest_has_its_words(run):
    bars = run.table(BARS).drop("symbol").with_columns(volume=pl.lit(1.0))
    window = bars["ts"].dt.epoch("ms").gather([0, -1])
    simulation = buy_and_hold({"BTCUSDT": bars}, *window)
    measured = dict.fromkeys(measure(simulation, seed=0), NOT_MEASURED["sharpe"])
    assert [row.name for row in rows(run, **measured).values() if not row.label] == []


def test_exits_are_shares_of_all_trades_and_silent_profiles_have_none(run):
    profiles = run.metrics.to_json()["profiles"]
    reasons = {"EDGE": {"target": 1, "stop": 3, "time": 0}, "SNIPER": {"target": 0}}
    profiles = {name: own | {"exit_reasons": reasons.get(name, {})} for name, own in profiles.items()}
    (only,) = exit_shares(changed(run, metrics={"profiles": profiles}).metrics, ["EDGE", "SNIPER"])
    assert only.parts == (("target", "1", 25.0), ("stop", "3", 75.0))


def test_a_fold_without_trades_says_so(run):
    traded = {"A": {"n_trades": 0, "equity_return": 0.0}, "B": {"n_trades": 7, "equity_return": 0.02}}
    fold = run.metrics.folds[1].model_copy(
        update={
            "profiles": {name: FoldTrades(**own) for name, own in traded.items()},
            "test_from": datetime(2024, 1, 2, tzinfo=UTC),
        }
    )
    (row,) = fold_rows(run.metrics.model_copy(update={"folds": (fold,)}), ["A", "B", "C"])
    assert row.profiles == (MetricCell("no trades"), MetricCell("+2.00%", n="7"), MetricCell("–"))
    assert row.span.startswith("2 Jan 2024 to ")
