"""A pooled experiment from end to end: what its parts charge is one slippage, and delayed orders are the same late."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from tests.data.test_alignment import market
from tests.research.leaky import quick_experiment

from tradsys.core.costs import Costs
from tradsys.core.slippage import slippage_of
from tradsys.core.time import interval_ms, to_ms, ts_ms
from tradsys.data.simulate import simulate
from tradsys.research.walk.experiment import block_decisions, run_experiment, simulate_decisions
from tradsys.research.walk.experiment_spec import Experiment
from tradsys.research.walk.slippage import slippage_json
from tradsys.runs.slippage import SymbolSlippage, charged_sentence

SPEC: Experiment = quick_experiment()
COARSE = 0.1
"""A step of B's prices, near a thousandth of them, of which half is charged."""


@pytest.fixture(scope="module")
def outcome():
    a, b = (simulate("edge:3", seed=seed, n_bars=4_000) for seed in (1, 2))
    stepped = b.with_columns((pl.col("open", "high", "low", "close") / COARSE).round() * COARSE)
    return run_experiment(market({"A": a, "B": stepped}), SPEC)


def test_a_fold_decides_with_the_slippage_of_each_symbol_when_it_opens(outcome):
    data = outcome.data
    said = [result.predictor.valuation.slippage for result in outcome.results]
    for result, own in zip(outcome.results, said, strict=True):
        for symbol, bars in data.frames.items():
            closed = ts_ms(bars) + interval_ms(data.interval) <= result.fold.opens
            assert own[symbol] == slippage_of(bars.filter(closed), SPEC.costs)[-1]
        assert own["B"] > own["A"]
    assert said[0] != said[1]


def test_a_bot_is_told_what_the_run_decided_with(outcome):
    for result in outcome.results:
        for (symbol, bars), rows in zip(outcome.data.frames.items(), result.fold.test, strict=True):
            told = result.predictor.forecast(bars, symbol).expected_net[rows]
            assert np.allclose(told, result.forecasts[symbol].expected_net, rtol=0, atol=1e-9, equal_nan=True)


def test_the_delayed_record_is_that_of_the_same_decisions_a_bar_later(outcome):
    start, end = outcome.results[0].fold.opens, outcome.data.closes
    for profile in SPEC.profiles:
        decisions = pl.concat(block_decisions(result, profile, SPEC) for result in outcome.results)
        late = simulate_decisions(outcome.data.frames, decisions, SPEC, start=start, end=end, delay=1)
        one = outcome.simulations[profile.name]
        assert np.array_equal(one.delayed, late.daily)
        if one.n_trades:
            assert not np.array_equal(one.delayed, one.daily)
    assert sum(one.n_trades for one in outcome.simulations.values()) > 50


def test_slippage_that_no_month_told_is_not_called_estimated():
    weekly = simulate("noise", seed=1, n_bars=200, interval=timedelta(days=7))
    hourly = simulate("noise", seed=1, n_bars=4_000)
    told = [
        SymbolSlippage(**slippage_json({symbol: bars}, Costs(), (0, to_ms(bars["ts"][-1])))[0])
        for symbol, bars in (("SLOW", weekly), ("FAST", hourly))
    ]
    assert [one.assumed_share for one in told] == [1.0, pytest.approx(1 / told[1].n_months)]
    assert charged_sentence(told[:1]).startswith("slippage of a market order is 2 bp, assumed: ")
    assert charged_sentence(told[1:]).startswith("slippage of a market order, estimated from the bars, is 0.00 bp")
    assert charged_sentence(told).endswith("; SLOW: assumed, as no month of the bars tells a spread")
