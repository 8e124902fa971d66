"""Small simulated markets for whole experiments: plain ones, and some that bring out a certain leak."""

import numpy as np
import polars as pl

from tradsys.data.market import Market
from tradsys.data.simulate import simulate as simulated_bars
from tradsys.data.simulate.market import HOUR

N_BARS = 1_800
LONGER = 3_000
"""Bars after which a strong edge shows: without one all forecasts may be equal, and then no profile ever trades."""


def market_of(recipe: str, seed: int, n_bars: int = N_BARS) -> Market:
    """A small hourly market of one symbol, X."""
    return market_from({"X": simulated_bars(recipe, seed=seed, n_bars=n_bars)})


def market_from(frames: dict[str, pl.DataFrame]) -> Market:
    """One frame a symbol."""
    bars = pl.concat(frame.select(pl.lit(symbol).alias("symbol"), pl.all()) for symbol, frame in frames.items())
    return Market(bars, HOUR, tuple(frames), tuple(frames), (), "", (), False)


def bent_market(seed: int) -> Market:
    """A second half that rises without end, so that more of the past must go before it is stationary."""
    rise = np.exp(0.02 * np.maximum(np.arange(N_BARS) - N_BARS // 2, 0))
    bars = simulated_bars("noise", seed=seed, n_bars=N_BARS)
    return market_from({"X": bars.with_columns(pl.col("open", "high", "low", "close") * pl.Series(rise))})


def trading_market(seed: int) -> Market:
    """An edge, and bars enough to see it."""
    return market_of("edge:3", seed, LONGER)


def long_market(seed: int) -> Market:
    """Bars enough for two months in each of two test blocks."""
    return market_of("edge:3", seed, 6_000)


def jumping_market(seed: int) -> Market:
    """Each bar opens anywhere between its low and its high, and not where the one before it closed."""
    share = pl.Series(np.random.default_rng(seed).random(LONGER))
    bars = simulated_bars("edge:3", seed=seed, n_bars=LONGER)
    return market_from({"X": bars.with_columns(open=pl.col("low") + share * (pl.col("high") - pl.col("low")))})


def two_markets(seed: int) -> Market:
    """Two symbols, one listed later than the other and with holes."""
    late = simulated_bars("edge:3", seed=seed + 100, n_bars=N_BARS)[600:].filter(pl.int_range(pl.len()) % 101 > 3)
    return market_from({"X": simulated_bars("noise", seed=seed, n_bars=N_BARS), "Y": late})
