"""Simulated markets as frames of bars, and the truth behind them."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.bars import OHLCV
from tradsys.core.errors import ConfigError
from tradsys.core.seeds import generator
from tradsys.core.time import DAY_MS, HOUR_MS, YEAR_MS, interval_ms, to_ms
from tradsys.data.simulate.kernel import draw_market
from tradsys.data.simulate.recipes import ANNUAL_VOLATILITY, parse_recipe

START = datetime(2019, 1, 1, tzinfo=UTC)
N_BARS = 43_800
HOUR = timedelta(hours=1)


def simulate(recipe: str, *, seed: int = 0, n_bars: int = N_BARS, interval: timedelta = HOUR) -> pl.DataFrame:
    """Bars of a market with known truth; five hourly years unless told otherwise.

    The same recipe, seed and interval give the same bytes, and fewer bars are the first of more bars.
    """
    ts, ohlcv, _, _ = _draw(recipe, seed, n_bars, interval)
    times = pl.Series("ts", ts).cast(pl.Datetime("ms", "UTC"))
    return pl.DataFrame([times, *(pl.Series(name, ohlcv[:, i].copy()) for i, name in enumerate(OHLCV))])


def known_states(
    recipe: str = "regimes", *, seed: int = 0, n_bars: int = N_BARS, interval: timedelta = HOUR
) -> IntArray:
    """The state each bar of a `regimes` market was drawn in: 0 quiet, 1 trend, 2 panic, shape (n_bars,)."""
    if recipe != "regimes":
        raise ConfigError(f"only the recipe 'regimes' has states, asked for those of {recipe!r}")
    return _draw(recipe, seed, n_bars, interval)[3]


def known_signal(recipe: str, *, seed: int = 0, n_bars: int = N_BARS, interval: timedelta = HOUR) -> FloatArray:
    """The signal whose sign the next bar's drift has in `edge` markets, known at each close, shape (n_bars,)."""
    return _draw(recipe, seed, n_bars, interval)[2]


def _draw(
    recipe: str, seed: int, n_bars: int, interval: timedelta
) -> tuple[IntArray, FloatArray, FloatArray, IntArray]:
    if n_bars < 1:
        raise ConfigError(f"a market needs at least one bar, asked for {n_bars}; the default is {N_BARS}")
    made = parse_recipe(recipe)
    if made.n_symbols > 1:
        raise ConfigError(f"{recipe} has several symbols; draw it with simulate_universe")
    step = interval_ms(interval)
    ts = to_ms(START) + step * np.arange(n_bars, dtype=np.int64)
    bars_a_year = YEAR_MS / step
    drift = made.drift_sharpe * ANNUAL_VOLATILITY / bars_a_year
    rng = generator(seed, "simulate", made.name, step)
    hour = (ts % DAY_MS) / HOUR_MS
    sd = ANNUAL_VOLATILITY / np.sqrt(bars_a_year)
    return ts, *draw_market(rng, hour, sd, made.volatility, drift, made.edge)
