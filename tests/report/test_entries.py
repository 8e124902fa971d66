"""What limit entries brought, as the page and the terminal show it."""

from types import SimpleNamespace

from tradsys.cli.summary import entry_lines
from tradsys.report.entries import entry_rows, entry_sentence
from tradsys.runs.metrics import ProfileMetrics


def mean(value, n, low=None, high=None):
    return {"value": value, "n": n, "low": low, "high": high}


MEASURED = dict.fromkeys(("profit_total", "sharpe", "winrate", "max_drawdown_account", "total_trades"), mean(0.1, 3))
PLAIN = {"description": "", "metrics": MEASURED, "exit_reasons": {}, "n_decisions": 9, "highest_confidence": None}
ENTRIES = {
    "gross": mean(0.00125, 300, 0.0005, 0.002),
    "fees": mean(0.0004, 300, 0.00039, 0.00041),
    "slippage": mean(0.00002, 300),
    "carry": mean(0.0, 300),
    "net": mean(0.00083, 300, -0.0001, 0.0017),
    "missed_gross": mean(0.004, 100, 0.002, 0.006),
    "missed_net": mean(0.003, 100, 0.001, 0.005),
    "missed_share": mean(0.25, 400, 0.2, 0.3),
}


def profile(entries=None):
    told = {} if entries is None else {"entries": entries}
    return ProfileMetrics.parse(PLAIN | told, "metrics.json", is_whole=True)


def test_a_row_a_profile_that_sent_limit_orders():
    nobody = ENTRIES | {"missed_share": mean(None, 0)}
    rows = entry_rows({"A": profile(ENTRIES), "B": profile(), "C": profile(nobody)}, ["A", "B", "C"])
    (row,) = rows
    assert (row.profile, row.filled, row.missed, row.share) == ("A", "300", "100", "25.0% (20.0% to 30.0%)")
    assert row.cells[0] == ("12.5", "5.00 to 20.0")
    assert row.cells[2] == ("0.20", "")


def test_the_terminal_says_it_in_a_line():
    (row,) = entry_rows({"A": profile(ENTRIES)}, ["A"])
    told = entry_sentence(row)
    assert told.startswith(
        "300 filled, 100 missed, 25.0% (20.0% to 30.0%); bp a trade: gross 12.5 [5.00 to 20.0], fees"
    )
    assert told.endswith("missed gross 40.0 [20.0 to 60.0], missed net 30.0 [10.0 to 50.0]")


def test_a_run_at_the_market_says_nothing_of_it():
    assert entry_lines(SimpleNamespace(profiles={"B": profile()})) == []
