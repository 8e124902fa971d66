"""The kernel's trades against NautilusTrader's matching engine, to the cent; runs where the extra is installed."""

import numpy as np
import polars as pl
import pytest
from tests.backtest.markets import random_decisions
from tests.backtest.test_no_volume import rarely_traded
from tests.labels.hand_made import HOUR_MS, random_bars

from tradsys.backtest import PortfolioSpec
from tradsys.backtest.nautilus import CENT, SecondOpinion, second_opinion
from tradsys.backtest.simulate import Simulation, simulate
from tradsys.core.costs import Costs, Instrument
from tradsys.core.time import ts_ms
from tradsys.data import load_bars
from tradsys.labels import BarrierSpec
from tradsys.labels.kernel import Walk

HORIZON = 6


def simulated(market, walk: Walk, *, spec=BarrierSpec(upper=0.8, lower=0.6, horizon=HORIZON), tick=0.25) -> Simulation:
    last = max(int(ts_ms(bars)[-1]) for bars in market.values())
    first = min(int(ts_ms(bars)[0]) for bars in market.values())
    return simulate(
        market,
        random_decisions(market, 3),
        costs=Costs(slippage_bps=0.5, funding_bps_per_8h=1.0),
        instrument=Instrument(tick=tick, lot=0.01),
        portfolio=PortfolioSpec(fraction=0.7, cap=1.6, walk=walk),
        barriers=spec,
        start=first + 100 * HOUR_MS,
        end=last + HOUR_MS,
    )


def test_it_says_what_to_install_where_it_is_not():
    from importlib.util import find_spec

    from tradsys.core.errors import ConfigError

    if find_spec("nautilus_trader") is not None:
        pytest.skip("the [nautilus] extra is installed")
    with pytest.raises(ConfigError, match=r"needs nautilus_trader 2.0.0rc6, .*tradsys\[nautilus\]"):
        second_opinion(simulated({"A": random_bars(200, 1)}, "ohlc"), {"A": random_bars(200, 1)}, HORIZON)


def test_a_sentence_says_why_trades_do_not_agree():
    trades = pl.DataFrame(
        {
            "ambiguous": [False, True, False, False],
            "reason": ["stop", "stop", "target", "time"],
            "side": [1, 1, -1, 1],
            "exit_price": [95.0, 95.0, 89.0, 100.0],
            "target": [110.0, 110.0, 90.0, 110.0],
            "stop": [95.0, 95.0, 105.0, 95.0],
            "gross_quote": [1.0, 1.0, 1.0, 1.0],
            "nautilus_quote": [1.004, 2.0, 0.9, float("nan")],
        }
    )
    sentence = SecondOpinion(trades).sentence
    assert sentence.startswith(
        "1 of 4 trades equal NautilusTrader's to the cent before slippage and carry; 1 held both"
    )
    assert "1 opened beyond the target" in sentence and sentence.endswith("1 for no known reason")


class TestInstalled:
    @pytest.fixture(autouse=True)
    def engine(self):
        pytest.importorskip("nautilus_trader", reason="the [nautilus] extra is not installed")

    def test_every_trade_agrees_to_the_cent_where_bars_are_walked_alike(self):
        market = {"A": random_bars(600, 1), "B": random_bars(600, 2)}
        simulation = simulated(market, "ohlc")
        opinion = second_opinion(simulation, market, HORIZON)
        assert opinion.n_agreed == len(opinion.trades) == simulation.n_trades > 300
        assert {"stop", "target", "time"} == set(simulation.trades["reason"])

    def test_the_worse_case_differs_in_bars_that_held_both_barriers_or_opened_beyond_the_target(self):
        market = {"A": random_bars(600, 1)}
        opinion = second_opinion(simulated(market, "pessimistic"), market, HORIZON)
        others = opinion.others
        assert 0 < len(others) < 0.2 * len(opinion.trades)
        assert (others["ambiguous"] | (others["reason"] == "target")).all()
        assert "no known reason" not in opinion.sentence

    def test_bars_in_which_nobody_trades_agree_too(self):
        market = {"A": rarely_traded(600, 1, 0.4)}
        opinion = second_opinion(simulated(market, "ohlc", tick=0.0), market, HORIZON)
        assert len(opinion.others) < 0.05 * len(opinion.trades) and len(opinion.trades) > 60
        assert "no known reason" not in opinion.sentence

    @pytest.mark.slow
    @pytest.mark.needs_data
    def test_two_thousand_real_trades_agree_to_the_cent(self, development_data):
        path = development_data / "market" / "BTCUSDT-1h-binancefut.parquet"
        bars = load_bars(path, log=lambda line: None).drop("symbol", strict=False)
        spec = BarrierSpec(upper=1.5, lower=1.0, horizon=HORIZON)
        simulation = simulated({"BTC": bars}, "ohlc", spec=spec, tick=0.1)
        opinion = second_opinion(simulation, {"BTC": bars}, HORIZON)
        assert len(opinion.trades) > 2_000
        apart = (opinion.trades["gross_quote"] - opinion.trades["nautilus_quote"]).abs().to_numpy()
        assert np.isfinite(apart).all() and (apart < CENT).all(), opinion.sentence
