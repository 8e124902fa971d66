"""How often wrong time stamps are found, and honest leads refused: pools and columns on drawn markets and on files.

python benchmarks/bench_alignment.py [N_MARKETS] [FILE ...]

Drawn markets of 2,000, 8,000 or 43,800 bars with fat tails and volatility that drifts. Of files of one interval, each
of one symbol, pools are drawn, as they are and with one symbol moved by some bars.
"""

import sys
from collections.abc import Iterator
from datetime import timedelta

import numpy as np
import polars as pl

from tradsys.core.errors import DataError
from tradsys.data.alignment import check_alignment
from tradsys.data.market import Market, load_market

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
STEPS = 12
"""Moments within a bar at which a rarely traded price may trade."""


def market(frames: dict[str, pl.DataFrame], interval: timedelta) -> Market:
    """A market of one frame a symbol."""
    bars = pl.concat(frame.select(pl.lit(symbol).alias("symbol"), pl.all()) for symbol, frame in frames.items())
    return Market(bars, interval, tuple(frames), tuple(frames), (), "", (), False)


def bars(log_close: np.ndarray, interval: timedelta = HOUR, **columns: np.ndarray) -> pl.DataFrame:
    """Bars that open where the one before closed."""
    close = 100 * np.exp(log_close)
    opens = np.append(100.0, close[:-1])
    start = pl.datetime(2017, 1, 1, time_unit="ms", time_zone="UTC")
    ts = pl.select((start + interval * pl.int_range(len(close))).alias("ts")).to_series()
    prices = {"open": opens, "high": np.maximum(opens, close), "low": np.minimum(opens, close), "close": close}
    return pl.DataFrame({"ts": ts, **prices, "volume": np.ones(len(close)), **columns})


def returns(rng: np.random.Generator, n: int, sd: float = 0.005) -> np.ndarray:
    """Student's t with 4 degrees of freedom, its volatility an exponential AR(1)."""
    level = np.zeros(n)
    for t, shock in enumerate(0.1 * rng.standard_normal(n - 1)):
        level[t + 1] = 0.98 * level[t] + shock
    return np.asarray(sd * np.exp(level - 0.125) * rng.standard_t(4, n) / np.sqrt(2))


def drawn(seed: int) -> Iterator[tuple[str, Market]]:
    """A market of each kind."""
    rng = np.random.default_rng(seed)
    n = int(rng.choice([2_000, 8_000, 43_800]))
    whole = returns(rng, n)
    for rate in (1.5, 0.7, 0.3, 0.1):
        steps = np.repeat(whole[:8_000], STEPS) * rng.standard_normal(STEPS * min(n, 8_000)) / np.sqrt(STEPS)
        price = np.cumsum(steps)
        last = np.maximum.accumulate(np.where(rng.random(len(price)) < rate / STEPS, np.arange(len(price)), 0))
        pool = {"LIQUID": bars(price[STEPS - 1 :: STEPS]), "STALE": bars(price[last][STEPS - 1 :: STEPS])}
        yield f"honest: traded {rate} times a bar, beside a liquid one", market(pool, HOUR)
    for part in (0.1, 0.2, 0.3):
        fast = returns(rng, n, 0.0006)
        slow = 0.9 * ((1 - part) * fast + part * np.append(0.0, fast[:-1])) + returns(rng, n, 0.0004)
        pool = {"FAST": bars(np.cumsum(fast), MINUTE), "SLOW": bars(np.cumsum(slow), MINUTE)}
        yield f"honest: minutes, {part:.0%} of each move a bar late", market(pool, MINUTE)
    yield "honest: six independent symbols", market({f"S{k}": bars(np.cumsum(returns(rng, n))) for k in range(6)}, HOUR)
    for skill in (0.05, 0.1):
        signal, own = rng.standard_normal(n), returns(rng, n)
        own[1:] += skill * own.std() * signal[:-1]
        yield (
            f"honest: a column with a correlation of {skill} with the next bar",
            market({"X": bars(np.cumsum(own), flow_basis=signal)}, HOUR),
        )
    for rho in (0.3, 0.5, 0.8):
        other = rho * whole + np.sqrt(1 - rho**2) * returns(rng, n)
        path = np.cumsum(other)
        early = {"return": np.append(other[1:], np.nan), "price": np.append(path[1:], np.nan)}
        for what, column in early.items():
            table = market({"X": bars(np.cumsum(whole), flow_basis=column)}, HOUR)
            yield f"wrong: a {what} known a bar early, correlation {rho}", table
        late = {"X": bars(np.cumsum(whole)), "Y": bars(np.append(0.0, path[:-1]))}
        yield f"wrong: one of two symbols a bar late, correlation {rho}", market(late, HOUR)
        right = {"X": bars(np.cumsum(whole)), "Y": bars(path)}
        yield f"honest: two symbols, correlation {rho}", market(right, HOUR)


def pooled(files: list[str], seed: int) -> Iterator[tuple[str, Market]]:
    """Pools of files, as they are and with the first symbol moved."""
    rng = np.random.default_rng(seed)
    for size in (2, 3, 4, 12):
        if size <= len(files):
            whole = load_market(rng.choice(files, size, replace=False).tolist())
            frames = whole.frames()
            yield f"honest: {size} files", whole
            moved, lag = next(iter(frames)), int(rng.choice([1, -1, 2, -3, 8]))
            frames[moved] = frames[moved].with_columns(pl.col("ts") + lag * whole.interval)
            yield f"wrong: {size} files, one of them moved", market(frames, whole.interval)


def refused(one: Market) -> bool:
    """Whether a run on this market would be refused."""
    try:
        check_alignment(one)
    except DataError:
        return True
    return False


def main(n_markets: int, files: list[str]) -> None:
    """Print how many markets of each kind were refused."""
    found: dict[str, list[bool]] = {}
    for seed in range(n_markets):
        for kind, one in (*drawn(seed), *pooled(files, seed)):
            found.setdefault(kind, []).append(refused(one))
    for kind, each in found.items():
        print(f"| {kind} | {sum(each)} of {len(each)} |")
    if len(files) > 1:
        print(f"| honest: all {len(files)} files | {int(refused(load_market(files)))} of 1 |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20, sys.argv[2:])
