"""Small made-up markets for the tests of features."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl


def ordinary(n_bars: int, *, seed: int = 1, interval: timedelta = timedelta(hours=1)) -> pl.DataFrame:
    """A random walk with changing volatility and a busy afternoon."""
    random = np.random.default_rng(seed)
    hours = np.arange(n_bars) * (interval / timedelta(hours=1))
    pace = 0.004 * (interval / timedelta(hours=1)) ** 0.5
    sd = pace * np.exp(0.3 * np.sin(np.arange(n_bars) / 70)) * (1 + 0.5 * np.sin(hours * np.pi / 12))
    steps = sd * random.standard_normal(n_bars)
    return _frame(steps, sd, random, np.exp(random.standard_normal(n_bars)), interval)


def nasty(n_bars: int, *, seed: int = 2) -> pl.DataFrame:
    """What real files hold: stretches without trades, bars without range, jumps, and tiny prices."""
    random = np.random.default_rng(seed)
    sd = 0.004 * (random.random(n_bars) > 0.1)
    steps = sd * random.standard_normal(n_bars)
    steps[:: n_bars // 9] = random.choice([-1.5, 1.5], len(steps[:: n_bars // 9]))
    flat = slice(n_bars // 4, n_bars // 4 + 450)  # longer than any lookback
    sd[flat] = steps[flat] = 0.0
    volume = np.exp(3 * random.standard_normal(n_bars)) * (random.random(n_bars) > 0.24)
    volume[n_bars // 2 : n_bars // 2 + 450] = 0.0
    bars = _frame(steps, sd, random, volume, timedelta(hours=1))
    return bars.with_columns(pl.col("open", "high", "low", "close") * 1e-7)


def mirrored(bars: pl.DataFrame) -> pl.DataFrame:
    """Each price replaced by its inverse: up is down, who bought has sold, and nothing else changes."""
    sold = [(pl.col("volume") - pl.col(name)).alias(name) for name in ("taker_buy_volume",) if name in bars.columns]
    return bars.with_columns(
        *sold, open=1 / pl.col("open"), high=1 / pl.col("low"), low=1 / pl.col("high"), close=1 / pl.col("close")
    )


def _frame(
    steps: np.ndarray, sd: np.ndarray, random: np.random.Generator, volume: np.ndarray, interval: timedelta
) -> pl.DataFrame:
    n_bars = len(steps)
    close = 100 * np.exp(np.cumsum(steps))
    open_ = np.concatenate([[100.0], close[:-1]])
    return pl.DataFrame(
        {
            "ts": pl.Series(
                [datetime(2023, 1, 1, tzinfo=UTC) + i * interval for i in range(n_bars)], dtype=pl.Datetime("ms", "UTC")
            ),
            "open": open_,
            "high": np.maximum(open_, close) * np.exp(sd * random.random(n_bars)),
            "low": np.minimum(open_, close) * np.exp(-sd * random.random(n_bars)),
            "close": close,
            "volume": volume,
            "taker_buy_volume": volume * (0.5 + 0.45 * np.sin(np.arange(n_bars) * 1.7)),
            "n_trades": np.ceil(volume * (3.0 + np.sin(np.arange(n_bars) * 0.3))),
        }
    )
