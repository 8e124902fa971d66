"""Simulated markets as frames of bars, and the truth behind them."""

from datetime import timedelta

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.bars import TS
from tradsys.core.errors import ConfigError
from tradsys.core.kernels import njit
from tradsys.core.seeds import generator
from tradsys.core.time import DAY_MS, HOUR_MS, YEAR_MS, interval_ms, to_ms
from tradsys.data.simulate.kernel import MAX_STEP, draw_market, draw_prices
from tradsys.data.simulate.pools import pooled, printed_pool
from tradsys.data.simulate.printed import QUOTES, START, bars_frame, printed_market, quoting_of
from tradsys.data.simulate.recipes import ANNUAL_VOLATILITY, parse_recipe

N_BARS = 43_800
HOUR = timedelta(hours=1)
EDGE_DIES = timedelta(hours=N_BARS // 2)
"""How long after the first bar the edge of `decay` is gone."""


def simulate(recipe: str, *, seed: int = 0, n_bars: int = N_BARS, interval: timedelta = HOUR) -> pl.DataFrame:
    """Bars of a market with known truth; five hourly years unless told otherwise.

    The same recipe, seed and interval give the same bytes, and fewer bars are the first of more bars.
    """
    if quoting_of(parse_recipe(recipe)):
        return printed_market(recipe, seed=seed, n_bars=n_bars, interval=interval).frame()
    ts, ohlcv, _, _ = _draw(recipe, seed, n_bars, interval)
    return bars_frame(ts, ohlcv)


def simulate_symbols(recipe: str, *, seed: int = 0, n_bars: int = N_BARS) -> pl.DataFrame:
    """Hourly bars of a recipe of several symbols, with a `symbol` column; five years unless told otherwise."""
    made = parse_recipe(recipe)
    if made.family == "universe":
        return simulate_universe(made.n_symbols, made.edge, seed=seed, n_bars=n_bars)
    return pooled({symbol: one.frame() for symbol, one in printed_pool(made, seed=seed, n_bars=n_bars).items()})


def tradable_prices(recipe: str, *, seed: int = 0, n_bars: int = N_BARS) -> pl.DataFrame:
    """What a trader could have bought and sold at: symbol, ts, and bid and ask at each bar's true open and close.

    The bars of some recipes do not show it: that is what a trader can collect there, as opposed to a backtest. Where
    bars are fair prices that anybody can trade at, both are the bar's own.
    """
    made = parse_recipe(recipe)
    if quoting_of(made):
        one = printed_market(recipe, seed=seed, n_bars=n_bars, interval=HOUR)
        return pooled({made.name: one.tradable()})
    if made.n_symbols > 1 and made.family != "universe":
        return pooled({symbol: one.tradable() for symbol, one in printed_pool(made, seed=seed, n_bars=n_bars).items()})
    is_pool = made.n_symbols > 1
    bars = simulate_symbols(recipe, seed=seed, n_bars=n_bars) if is_pool else simulate(recipe, seed=seed, n_bars=n_bars)
    symbol = pl.col("symbol") if is_pool else pl.lit(made.name).alias("symbol")
    prices = (pl.col(name.split("_")[1]).alias(name) for name in QUOTES)
    return bars.select(symbol, "ts", *prices)


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
        raise ConfigError(f"{recipe} has several symbols; draw it with simulate_symbols")
    step = interval_ms(interval)
    ts = to_ms(START) + step * np.arange(n_bars, dtype=np.int64)
    bars_a_year = YEAR_MS / step
    drift = made.drift_sharpe * ANNUAL_VOLATILITY / bars_a_year
    rng = generator(seed, "simulate", made.name, step)
    hour = (ts % DAY_MS) / HOUR_MS
    sd = ANNUAL_VOLATILITY / np.sqrt(bars_a_year)
    ends = int(EDGE_DIES / interval) if made.dies else n_bars
    return ts, *draw_market(rng, hour, sd, made.volatility, drift, made.edge, ends)


MARKET_SD = 0.4 / np.sqrt(8760)
"""Standard deviation of an hour of the common factor; a symbol's own part has that of `OWN_SD`."""
OWN_SD = 0.5 / np.sqrt(8760)
SIGNAL_DECAY = float(np.exp(-1.0 / 168))
"""How fast a shock leaves the signal: by a factor of e in a week."""
RUIN = 0.12
"""A symbol that falls to this share of its highest daily close is delisted two days later."""
NOTICE_BARS = 48
MIN_LIFE_BARS = 90 * 24
_LISTED_FIRST, _LISTED_UNTIL = 0.6, 0.7
"""Share of symbols listed from the first bar on, and share of the time by which the last one is."""


def simulate_universe(n_symbols: int, momentum: float = 0.0, *, seed: int = 0, n_bars: int = N_BARS) -> pl.DataFrame:
    """Hourly bars with a `symbol` column, five years unless told otherwise; the same arguments give the same bytes.

    Each symbol moves with a common factor (its beta in [.6, 1.4]) and by itself. `momentum` is the drift of the next
    hour, in standard deviations of the symbol's own part, for each unit of the past own shocks' decaying sum: symbols
    that rose against the others go on. At 0 every price is a martingale, whatever one may know of the past. Symbols are
    listed over the first part of the time; one that has fallen to an eighth of its top is delisted. That is a stopping
    time, so that prices stay martingales, while those that are left at the end look better than they were.
    """
    rng = generator(seed, "universe", str(n_symbols), f"{momentum:g}")
    late = np.arange(n_symbols) >= int(np.ceil(_LISTED_FIRST * n_symbols))
    listed = np.where(late, rng.integers(1, max(int(_LISTED_UNTIL * n_bars), 2), n_symbols), 0)
    beta = rng.uniform(0.6, 1.4, n_symbols)
    own_sd = OWN_SD * rng.uniform(0.7, 1.5, n_symbols)
    size = np.exp(1.2 * rng.standard_normal(n_symbols))
    ohlcv, last = _draw_prices(rng, n_bars, listed, beta, own_sd, size, momentum)
    ts = to_ms(START) + HOUR_MS * np.arange(n_bars, dtype=np.int64)
    frames = []
    for s in range(n_symbols):
        rows = slice(int(listed[s]), int(last[s]) + 1)
        columns = {name: ohlcv[s, rows, i] for i, name in enumerate(("open", "high", "low", "close", "volume"))}
        frames.append(pl.DataFrame({"symbol": [f"S{s:02d}"] * len(ts[rows]), "ts": ts[rows], **columns}))
    return pl.concat(frames).with_columns(pl.col("ts").cast(TS))


@njit(cache=True)
def _draw_prices(
    rng: np.random.Generator,
    n_bars: int,
    listed: IntArray,
    beta: FloatArray,
    own_sd: FloatArray,
    size: FloatArray,
    momentum: float,
) -> tuple[FloatArray, IntArray]:
    """Open, high, low, close and volume, (n_symbols, n_bars, 5), and each symbol's last bar, (n_symbols,)."""
    n_symbols = len(listed)
    bars = np.zeros((n_symbols, n_bars, 5))
    last = np.full(n_symbols, n_bars - 1)
    price, top, signal = np.full(n_symbols, 100.0), np.full(n_symbols, 100.0), np.zeros(n_symbols)
    busy = np.zeros(n_symbols)
    gain = np.sqrt(1.0 - SIGNAL_DECAY**2)
    garch = 1.0
    for t in range(n_bars):
        pace = np.sqrt(garch)
        z = rng.standard_normal()
        common = MARKET_SD * pace * z
        garch = min(0.01 + 0.05 * garch * z * z + 0.94 * garch, 30.0)
        for s in range(n_symbols):
            if t < listed[s] or t > last[s]:
                continue
            sd = own_sd[s] * pace
            mix = min(np.sqrt(3.0 / rng.chisquare(5.0)), 5.0)  # fat tails, variance one
            shock = mix * rng.standard_normal()
            x = beta[s] * common + sd * (shock + momentum * signal[s])
            x = max(-MAX_STEP, min(MAX_STEP, x))
            spread = np.sqrt(sd * sd + (beta[s] * MARKET_SD * pace) ** 2)
            price[s] = draw_prices(rng, bars[s, t], price[s], x, spread)
            busy[s] = 0.995 * busy[s] + 0.05 * rng.standard_normal()
            bars[s, t, 4] = 1e4 * size[s] * np.exp(busy[s] + 0.4 * rng.standard_normal()) / price[s]
            signal[s] = SIGNAL_DECAY * signal[s] + gain * max(-3.0, min(3.0, shock + momentum * signal[s]))
            if t % 24 == 23:
                top[s] = max(top[s], price[s])
                if price[s] < RUIN * top[s] and t - listed[s] >= MIN_LIFE_BARS and last[s] == n_bars - 1:
                    last[s] = min(t + NOTICE_BARS, n_bars - 1)
    return bars, last
