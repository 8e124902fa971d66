"""tests `report/breakdown.py`"""

import polars as pl
import pytest
from tests.report.conftest import PROFILES, changed

from tradsys.report.breakdown import breakdown_card
from tradsys.report.numbers import count, number, percent
from tradsys.runs.tables import FORECASTS, TRADES


@pytest.fixture
def card(run):
    return breakdown_card(run, PROFILES)


def priced(run, fee_quote=10.0):
    """The same run whose trades have sizes, fees and profits: 10,000 quote a trade."""
    trades = run.table(TRADES).with_columns(notional_quote=pl.lit(10_000.0), fees_quote=pl.lit(fee_quote))
    return changed(run, trades=trades.with_columns(pnl_quote=10_000.0 * pl.col("net_return")))


def rows(card, title):
    (table,) = (one for one in card.tables if one.title.startswith(title))
    return dict(table.rows)


def test_only_profiles_that_traded_are_compared(card):
    assert card.names == ("AUDITED", "RECKLESS", "EDGE")


def test_means_of_the_groups_are_those_of_their_trades(run, card):
    trades = run.table(TRADES).filter(profile="RECKLESS")
    for title, group, name in [
        ("Side", pl.col("side") == -1, "short"),
        ("Weekday", pl.col("entry_ts").dt.weekday() == 3, "Wednesday"),
        ("Hour", pl.col("entry_ts").dt.hour() == 5, "05:00"),
    ]:
        own = trades.filter(group)
        cell = rows(card, title)[name][1]
        assert (cell.value, cell.n) == (percent(own["net_return"].mean(), signed=True), count(len(own)))


def test_groups_are_whole(run, card):
    n = len(run.table(TRADES).filter(profile="RECKLESS"))
    for title in ("Side", "Weekday", "Hour"):
        assert sum(int(cells[1].n.replace(",", "")) for cells in rows(card, title).values()) == n


@pytest.mark.parametrize(("n_states", "names"), [(3, ("quiet", "panic")), (4, ("quiet", "regime 2"))])
def test_regimes_are_those_known_at_the_decision(n_states, names, run):
    """Every third trade is decided in the third state, the others in the first; states are named by their number."""
    forecasts = run.table(FORECASTS).with_columns(**{f"regime_{k}": pl.lit(1 / n_states) for k in range(n_states)})
    quiet, other = (forecasts.filter(regime=state)["start"][0] for state in (0, 2))
    is_third = pl.int_range(pl.len()).over("profile") % 3 == 0
    trades = run.table(TRADES).with_columns(decided=pl.when(is_third).then(pl.lit(other)).otherwise(pl.lit(quiet)))
    found = rows(breakdown_card(changed(run, trades=trades, forecasts=forecasts), PROFILES), "Regime")
    n = len(trades.filter(profile="RECKLESS"))
    assert {name: cells[1].n for name, cells in found.items()} == {
        names[0]: count(n - -(-n // 3)),
        names[1]: count(-(-n // 3)),
    }


def test_few_trades_have_a_mean_and_no_interval(run):
    few = changed(run, trades=run.table(TRADES).filter(profile="EDGE").head(5))
    cells = [cells[0] for cells in rows(breakdown_card(few, PROFILES), "Side").values()]
    assert all(cell.interval == "" and cell.side == "across" for cell in cells)


def test_other_costs_move_the_same_trades_by_their_fees(run):
    told = priced(run)
    own = told.table(TRADES).filter(profile="EDGE")
    profit, mean, fees = own["pnl_quote"].sum(), own["net_return"].mean(), 10.0 * len(own)
    card = breakdown_card(told, PROFILES)
    for name, at in [("none", 0.0), ("half", 0.5), ("as simulated", 1.0), ("twice", 2.0)]:
        level = dict(card.levels)[name][2]
        assert level.profit == number(profit + (1 - at) * fees, signed=True)
        assert level.mean.value == percent(mean + (1 - at) * 0.001, signed=True)


@pytest.mark.parametrize(
    ("net", "fee", "sentence"),
    [
        (0.002, 10.0, "EDGE makes nothing at 3.00 times its fees and slippage"),
        (-0.002, 10.0, "EDGE loses before any fee"),
        (0.002, 0.0, "EDGE paid no fees"),
    ],
)
def test_the_costs_that_a_profile_bears(run, net, fee, sentence):
    trades = run.table(TRADES).with_columns(net_return=pl.lit(net))
    assert sentence in breakdown_card(priced(changed(run, trades=trades), fee), PROFILES).even


def test_a_run_without_trades_has_no_card(run):
    assert breakdown_card(changed(run, trades=run.table(TRADES).clear()), PROFILES) is None
