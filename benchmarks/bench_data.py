"""Loading and checking a million bars against the same in pandas, and simulating a market, in one run.

python benchmarks/bench_data.py
"""

import tempfile
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
from timing import best_of

from tradsys.core.bars import validate_bars
from tradsys.data import load_bars, load_market
from tradsys.data.simulate import simulate

N_BARS = 1_000_000


def pandas_load(path: Path) -> pd.DataFrame:
    """What a careful notebook does: read, settle times, sort, drop copies, check."""
    bars = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    bars["ts"] = pd.to_datetime(bars["ts"], unit="ms", utc=True)
    return pandas_check(bars.sort_values("ts", kind="stable").drop_duplicates("ts", keep="last"))


def pandas_check(bars: pd.DataFrame) -> pd.DataFrame:
    """The defects of `validate_bars`, found with pandas."""
    prices = bars[["open", "high", "low", "close"]]
    steps = bars["ts"].diff().dropna()
    step = steps.mode()[0]
    epoch = bars["ts"] - bars["ts"].iloc[0]
    bad = (
        bars.isna().any(axis=None)
        or not np.isfinite(bars[["open", "high", "low", "close", "volume"]]).all(axis=None)
        or (prices <= 0).any(axis=None)
        or (bars["high"] < prices[["open", "close"]].max(axis=1)).any()
        or (bars["low"] > prices[["open", "close"]].min(axis=1)).any()
        or (bars["volume"] < 0).any()
        or bars["ts"].duplicated().any()
        or not bars["ts"].is_monotonic_increasing
        or (epoch % step != pd.Timedelta(0)).any()
    )
    if bad:
        raise ValueError("bad bars")
    return bars


def report(name: str, ours: float, usual: float) -> None:
    """One line of the table."""
    print(f"{name:<38} {ours * 1e3:8.1f} ms   pandas {usual * 1e3:8.1f} ms   x{usual / ours:.1f}")


def main() -> None:
    """Print each measurement beside the usual library's."""
    simulate("noise", n_bars=10)  # compile
    bars = simulate("noise", n_bars=N_BARS, interval=timedelta(minutes=1))
    as_files = bars.with_columns(pl.col("ts").dt.epoch("ms"))
    with tempfile.TemporaryDirectory() as folder:
        parquet, csv = Path(folder) / "X.parquet", Path(folder) / "X.csv"
        as_files.write_parquet(parquet)
        as_files.write_csv(csv)
        for path in (parquet, csv):
            ours = best_of(lambda path=path: load_bars(path, log=lambda line: None))
            report(f"load and check {N_BARS:,} bars {path.suffix}", ours, best_of(lambda path=path: pandas_load(path)))
        frame = bars.to_pandas()
        report(f"check {N_BARS:,} bars", best_of(lambda: validate_bars(bars)), best_of(lambda: pandas_check(frame)))
        print(f"{'load_market with fingerprint, blocks':<38} {best_of(lambda: load_market([parquet])) * 1e3:8.1f} ms")
    print(f"{'simulate 43,800 hourly bars':<38} {best_of(lambda: simulate('noise')) * 1e3:8.1f} ms")


if __name__ == "__main__":
    main()
