"""Bars small enough to label by hand, and random ones for comparisons with a slow plain version."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from tradsys.core.bars import TS

HOUR_MS = 3_600_000

type Row = tuple[float, float, float, float]


def bars_from(rows: Sequence[Row], *, step_ms: int = HOUR_MS, first_ms: int = 0) -> pl.DataFrame:
    """Bars from (open, high, low, close), hourly from 1970 unless told otherwise."""
    ts = pl.Series("ts", first_ms + step_ms * np.arange(len(rows))).cast(TS)
    prices = pl.DataFrame(np.array(rows, dtype=np.float64), schema=["open", "high", "low", "close"])
    return prices.select(ts, pl.all(), volume=pl.lit(1.0))


def random_bars(n_bars: int, seed: int, *, grid: float = 0.25, missing: float = 0.0) -> pl.DataFrame:
    """A random walk on a coarse price grid, so that gaps, exact touches and bars with both barriers are common."""
    rng = np.random.default_rng(seed)
    close = 100 + np.cumsum(rng.normal(0, 1, n_bars))
    open_ = np.append(100.0, close[:-1]) + rng.normal(0, 0.7, n_bars) * (rng.random(n_bars) < 0.3)
    high = np.maximum(open_, close) + rng.exponential(0.8, n_bars)
    low = np.minimum(open_, close) - rng.exponential(0.8, n_bars)
    open_, high, low, close = (200 + np.round(price / grid) * grid for price in (open_, high, low, close))
    bars = bars_from(list(zip(open_, high, low, close, strict=True)))
    return bars.filter(pl.Series(rng.random(n_bars) >= missing))


def mirrored(bars: pl.DataFrame, about: float = 100.0) -> pl.DataFrame:
    """The same market upside down."""
    return bars.with_columns(
        open=2 * about - pl.col("open"),
        high=2 * about - pl.col("low"),
        low=2 * about - pl.col("high"),
        close=2 * about - pl.col("close"),
    )
