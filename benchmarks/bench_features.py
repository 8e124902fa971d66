"""The default features, single ones and fractional differencing against pandas, TA-Lib and SciPy, in one run.

python benchmarks/bench_features.py
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import polars as pl
import talib
from scipy.signal import oaconvolve
from timing import best_of

from tradsys.features import FeatureSet, frac_diff, frac_diff_weights
from tradsys.features.momentum import Macd, Rsi

N_BARS = 43_800
N_SERIES = 100_000


def market(n_bars: int) -> pl.DataFrame:
    """A random walk of hourly bars."""
    random = np.random.default_rng(0)
    steps = 0.005 * random.standard_normal(n_bars)
    close = 100 * np.exp(np.cumsum(steps))
    open_ = np.concatenate([[100.0], close[:-1]])
    start = datetime(2019, 1, 1, tzinfo=UTC)
    return pl.DataFrame(
        {
            "ts": pl.datetime_range(start, start + (n_bars - 1) * timedelta(hours=1), "1h", time_unit="ms", eager=True),
            "open": open_,
            "high": np.maximum(open_, close) * np.exp(0.002 * random.random(n_bars)),
            "low": np.minimum(open_, close) * np.exp(-0.002 * random.random(n_bars)),
            "close": close,
            "volume": np.exp(random.standard_normal(n_bars)),
        }
    )


def pandas_features(bars: pd.DataFrame) -> pd.DataFrame:
    """About the same columns as a notebook makes them; the daily rhythm is left out."""
    log = np.log(bars[["open", "high", "low", "close"]])
    r = log["close"].diff()
    vol = (r**2).ewm(span=48).mean() ** 0.5
    z = (r / vol.shift()).clip(-4, 4)
    columns = {f"ret_{h}": z.rolling(h).sum() / h**0.5 for h in (1, 3, 6, 12, 24, 48, 96, 168)}
    columns |= {f"lag_{k}": z.shift(k) for k in (1, 2)}
    gain, loss = r.clip(lower=0).ewm(alpha=1 / 14).mean(), (-r).clip(lower=0).ewm(alpha=1 / 14).mean()
    columns["rsi"] = 1 - 2 / (1 + gain / loss)
    line = log["close"].ewm(span=12).mean() - log["close"].ewm(span=26).mean()
    columns["macd"] = (line - line.ewm(span=9).mean()) / vol
    columns |= {f"average_{s}": (log["close"] - log["close"].ewm(span=s).mean()) / vol for s in (20, 80)}
    size, volume = log["high"] - log["low"], bars["volume"]
    columns["location"] = (2 * log["close"] - log["high"] - log["low"]) / size
    body = log[["open", "close"]]
    columns["wick"] = (log["high"] - body.max(axis=1) - body.min(axis=1) + log["low"]) / size
    typical = (log["high"] + log["low"] + log["close"]) / 3
    columns["vwap"] = log["close"] - (typical * volume).rolling(24).sum() / volume.rolling(24).sum()
    flow = z * np.log1p(volume / volume.rolling(96).mean())
    columns |= {f"flow_{w}": flow.rolling(w).sum() for w in (1, 24)}
    before = log["close"].shift()
    true_range = np.maximum(log["high"], before) - np.minimum(log["low"], before)
    atr = true_range.ewm(alpha=1 / 14).mean()
    columns |= {f"range_{w}": np.log((size**2).rolling(w).mean() ** 0.5 / atr) for w in (1, 4, 12, 48, 168)}
    columns["kind"] = np.log((r**2).rolling(24).mean() / (size**2).rolling(24).mean())
    columns["absolute"] = z.abs()
    for name, x in (("range_z", true_range), ("volume_z", volume)):
        columns[name] = (x - x.rolling(96).mean()) / x.rolling(96).std()
    return pd.DataFrame(columns)


def best_ms(call: Callable[[], object], n: int = 7) -> float:
    """Shortest wall time of a few runs, in milliseconds."""
    return 1e3 * best_of(call, n)


def report(name: str, ours: float, others: dict[str, float]) -> None:
    """One line: our time, and how many times longer the others take."""
    ratios = ", ".join(f"{other} {taken:.1f} ms = {taken / ours:.1f}x" for other, taken in others.items())
    print(f"{name:50} {ours:8.2f} ms   {ratios}")


def main() -> None:
    """Print a line a comparison."""
    bars = market(N_BARS)
    start = time.perf_counter()
    fitted = FeatureSet.default().fit([bars])
    print(f"first use, with compiling where nothing is cached: {time.perf_counter() - start:.2f} s")
    ours, frame = best_ms(lambda: fitted.compute(bars)), bars.to_pandas()
    theirs = best_ms(lambda: pandas_features(frame), 3)
    report(f"default set, {len(fitted.columns)} columns, {N_BARS:,} bars", ours, {"pandas": theirs})
    million = market(1_000_000)
    report("the same, 1,000,000 bars", best_ms(lambda: fitted.compute(million), 2), {})
    last = bars.tail(fitted.lookback)
    report("the same, one row from its last bars", best_ms(lambda: fitted.compute(last)), {})
    close = bars["close"].to_numpy()
    # recursion is cheaper than a finite window, but does not pass the battery
    report("RSI, finite window", best_ms(lambda: Rsi().compute(bars)), {"TA-Lib": best_ms(lambda: talib.RSI(close))})
    report("MACD, finite window", best_ms(lambda: Macd().compute(bars)), {"TA-Lib": best_ms(lambda: talib.MACD(close))})
    x = np.log(market(N_SERIES)["close"].to_numpy())
    for tau in (1e-3, 1e-4, 1e-5):
        weights = frac_diff_weights(0.4, tau)
        others = {
            "NumPy": best_ms(lambda w=weights: np.convolve(x, w, "valid"), 3),
            "SciPy by FFT (later rows' rounding moves earlier ones)": best_ms(lambda w=weights: oaconvolve(x, w), 3),
        }
        taken = best_ms(lambda t=tau: frac_diff(x, 0.4, t))
        report(f"fractional difference, {N_SERIES:,} x {len(weights)} weights", taken, others)


if __name__ == "__main__":
    main()
