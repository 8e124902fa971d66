"""Volatility, beta, trend and carry of many symbols: by plain formulas, in a batch and from the last bars alone."""

import numpy as np
import polars as pl
import pytest

from tradsys.core.bars import split_symbols
from tradsys.core.carry import Settlements, settle
from tradsys.core.errors import DataError
from tradsys.core.time import HOUR_MS, ts_ms
from tradsys.data.panel import PricePanel
from tradsys.data.simulate import simulate_universe
from tradsys.features.universe_ranks import total
from tradsys.features.universe_risk import beta_over, funding_paid, trend, volatility_over

AT, WINDOW = 700, 96


@pytest.fixture(scope="module")
def frames():
    """Five symbols on one clock, one of which lacks some bars, each with funding of its own."""
    bars = simulate_universe(30, seed=5, n_bars=2_000)
    longest = {symbol: one for symbol, one in split_symbols(bars).items() if len(one) == 2_000}
    frames = dict(list(longest.items())[:5])
    hole = next(iter(frames))
    frames[hole] = frames[hole].filter(~pl.int_range(pl.len()).is_between(600, 603))
    return {symbol: with_funding(one, seed) for seed, (symbol, one) in enumerate(frames.items())}


def with_funding(bars: pl.DataFrame, seed: int) -> pl.DataFrame:
    times = np.arange(
        int(ts_ms(bars)[0]) + 100 * HOUR_MS, int(ts_ms(bars)[-1]), HOUR_MS * 15 // 2
    )  # at opens and inside bars
    rates = np.random.default_rng(seed).normal(0, 1e-4, len(times))
    funding = settle(ts_ms(bars), HOUR_MS, Settlements.of(times, rates))
    return bars.with_columns(pl.Series(name, values) for name, values in funding.columns().items())


def measures(frames):
    panel = PricePanel.of(frames, HOUR_MS)
    return panel, {
        "volatility": volatility_over(panel, frames, WINDOW),
        "beta": beta_over(panel, frames, WINDOW),
        "trend": trend(panel, frames, 48, WINDOW),
        "carry": funding_paid(panel, frames, 48),
    }


def test_they_are_what_their_formulas_say(frames):
    panel, found = measures(frames)
    symbols = list(frames)
    s = 1
    close = np.log(frames[symbols[s]]["close"].to_numpy())
    returns = np.diff(close)[AT - WINDOW : AT]
    volatility = np.sqrt(np.mean(returns**2))
    assert found["volatility"][AT, s] == pytest.approx(volatility)
    assert found["trend"][AT, s] == pytest.approx(
        np.clip((close[AT] - close[AT - 48]) / volatility / np.sqrt(48), -2, 2)
    )
    every = np.full((2_000, len(symbols)), np.nan)
    for i, bars in enumerate(frames.values()):
        row = panel.row_at[:, i]
        change = np.append(np.nan, np.diff(np.log(bars["close"].to_numpy())))
        every[row >= 0, i] = change[row[row >= 0]]
    market = np.nanmean(every[AT - WINDOW + 1 : AT + 1], axis=1)
    slope = (returns * market).sum() / (market**2).sum()
    assert found["beta"][AT, s] == pytest.approx(1 / 3 + 2 / 3 * slope)
    bars = frames[symbols[s]]
    paid = (bars["funding_due"] + bars["funding_within"]).to_numpy()
    assert found["carry"][AT, s] == pytest.approx(paid[AT - 47 : AT + 1].sum())
    assert np.isnan(found["carry"][:100]).all() and np.isfinite(found["carry"][120, s])


def test_a_trend_is_cut_at_two_and_windows_that_are_not_full_have_no_value(frames):
    _, found = measures(frames)
    assert np.nanmax(np.abs(found["trend"])) == 2.0
    for name in ("volatility", "beta", "trend"):
        assert np.isnan(found[name][:WINDOW]).all() and np.isfinite(found[name][WINDOW, 1]), name


def test_the_last_bars_alone_give_the_same_bits(frames):
    panel, whole = measures(frames)
    end = int(panel.times[AT])
    known = {s: one.filter(ts_ms(one) + HOUR_MS <= end).tail(WINDOW + 8) for s, one in frames.items()}
    for name, values in measures(known)[1].items():
        assert np.array_equal(values[-1], whole[name][AT]), name


def test_bars_without_funding_cannot_be_ranked_by_carry(frames):
    bare = {symbol: bars.drop("funding_rate") if i == 2 else bars for i, (symbol, bars) in enumerate(frames.items())}
    with pytest.raises(DataError, match=f"bars of {list(frames)[2]} do not have"):
        funding_paid(PricePanel.of(bare, HOUR_MS), bare, 48)


def test_a_total_has_the_same_bits_beside_columns_of_zeros():
    values = np.random.default_rng(0).normal(size=(50, 11))
    wider = np.insert(values, [0, 3, 3, 11], 0.0, axis=1)
    assert np.array_equal(total(values), total(wider))
    assert total(values) == pytest.approx(values.sum(axis=1))
