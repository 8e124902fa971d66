"""Results by symbol add up to those of the portfolio, and come with what they rest on."""

import numpy as np
import polars as pl
import pytest
from tests.backtest.markets import ragged_market, random_decisions
from tests.labels.hand_made import HOUR_MS

from tradsys.backtest.metrics import measure
from tradsys.backtest.simulate import simulate
from tradsys.core.costs import Costs
from tradsys.core.time import DAY_MS
from tradsys.labels import BarrierSpec
from tradsys.research.walk.scoring import Scored
from tradsys.research.walk.symbols import symbol_contributions, symbol_skill, symbol_trades, with_evidence
from tradsys.verdict import ForecastOutcomes, Overlap, VerdictSpec


@pytest.fixture(scope="module")
def simulation():
    market = ragged_market(2_000)
    decisions = random_decisions(market, 7).with_columns(
        action=pl.when(pl.col("symbol") == "B").then(0).otherwise(pl.col("action")).cast(pl.Int8)
    )
    return simulate(market, decisions, costs=Costs(), barriers=BarrierSpec(horizon=6), start=0, end=2_000 * HOUR_MS)


def test_symbols_add_up_to_the_portfolio(simulation):
    found = symbol_trades(simulation, seed=0)
    assert [one["symbol"] for one in found] == ["A", "B", "C"]
    for one in found:
        mine = simulation.trades.filter(pl.col("symbol") == one["symbol"])
        assert one["n_trades"] == one["net"]["n"] == len(mine)
        assert one["profit_abs"] == pytest.approx(mine["pnl_quote"].sum())
        if len(mine):
            assert one["net"]["value"] == pytest.approx(mine["net_return"].mean())
            assert one["gross"]["value"] == pytest.approx(mine["gross_return"].mean())
            assert one["net"]["low"] < one["net"]["value"] < one["net"]["high"]
    assert found[1]["net"] == {"value": None, "n": 0, "low": None, "high": None}


def test_a_symbol_alone_has_the_interval_of_the_whole():
    market = {"A": ragged_market(2_000)["A"]}
    done = simulate(
        market, random_decisions(market, 7), costs=Costs(), barriers=BarrierSpec(), start=0, end=2_000 * HOUR_MS
    )
    (one,), whole = symbol_trades(done, seed=3), measure(done, seed=3)
    for key, name in (("net", "profit_mean"), ("gross", "profit_mean_gross")):
        expected = whole[name]
        assert (one[key]["low"], one[key]["high"]) == pytest.approx((expected.low, expected.high))


def test_skill_is_that_of_the_symbols_own_rows():
    """B's forecasts know the truth, A's know nothing, C has none."""
    rng = np.random.default_rng(0)
    truth = rng.beta(5, 5, (4_000, 2))
    symbol = np.repeat([0, 1], 2_000)
    said = np.where(symbol[:, None] == 1, truth, 0.5)
    start = np.tile(np.arange(2_000), 2) * HOUR_MS
    y = (rng.random((4_000, 2)) < truth).astype(float)
    outcomes = ForecastOutcomes(y, np.full((4_000, 2), 0.05), Overlap(start, HOUR_MS, 12))
    scored = Scored(
        np.zeros(4_000, np.int64),
        symbol,
        outcomes,
        {"base_rate": np.full((4_000, 2), 0.5), "decision maker": said},
    )
    a, b, c = symbol_skill(scored, ("A", "B", "C"), seed=0)
    assert (a["n"], b["n"], c["n"]) == (2_000, 2_000, 0)
    assert a["over_base"]["value"] == 0.0
    assert b["over_base"]["low"] > 0
    assert c["over_base"] is None


def test_contributions_are_shares_of_the_equity_of_the_day_before(simulation):
    found = symbol_contributions(simulation)
    worth = np.append(simulation.cash_quote, simulation.cash_quote * np.cumprod(1 + simulation.daily))[:-1]
    assert found.shape == (3, len(simulation.days))
    assert (found * worth).sum(axis=1) == pytest.approx(
        [one["profit_abs"] for one in symbol_trades(simulation, seed=0)]
    )
    first = simulation.trades.row(0, named=True)
    day = (int(first["exit_ts"].timestamp() * 1000) - 1) // DAY_MS - simulation.days[0]
    assert found["ABC".index(first["symbol"]), day] != 0


def test_each_symbols_evidence_stands_in_the_metrics(simulation):
    profiles = {"P": {"symbols": symbol_trades(simulation, seed=0)}}
    with_evidence(profiles, {"P": simulation}, VerdictSpec(n_bootstrap=99, min_days=20, min_trades=20), seed=0)
    a, b, c = profiles["P"]["symbols"]
    assert (b["t"], b["p_own"]) == (None, None)
    assert a["t"] is not None
    assert 0 < min(a["p_own"], c["p_own"]) <= 1
