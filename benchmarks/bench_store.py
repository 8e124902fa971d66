"""Reading, writing, resampling and joining stored bars against the same in pandas, in one run.

python benchmarks/bench_store.py

Rates are a processor second, of all threads together, since a shared machine's clock says little. A process of its own
loads the 2.6 million rows, so that its peak memory is that of the load.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pandas as pd
import polars as pl
from timing import best_of

from tradsys.core.bars import OHLCV
from tradsys.data.simulate import simulate
from tradsys.data.store import SeriesId, SeriesStore
from tradsys.data.store.manifest import Origin
from tradsys.data.store.resample import resample

N_BARS = 2_629_440  # five years of minutes
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
SERIES = SeriesId.parse("binance:BTC/USDT:1m")
ORIGIN = Origin("benchmark", "simulated", "", 0, 0, 0, "")

LOAD = """
import resource, sys, time
import polars as pl, numpy as np
from tradsys.data import load_bars
from tradsys.data.settings import DataSettings
spec, settings = sys.argv[2], DataSettings(root=sys.argv[1])
load_bars("binance:BTC/USDT:1d", settings=settings, log=lambda line: None)  # imports, and Polars' threads
before = int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()
open("/proc/self/clear_refs", "w").write("5")
start, cpu = time.perf_counter(), time.process_time()
bars = load_bars(spec, settings=settings, log=lambda line: None)
took, cpu = time.perf_counter() - start, time.process_time() - cpu
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) * 1024
print(took, cpu, (peak - before) / 1e6, bars.estimated_size() / 1e6)
"""


def least_cpu(call: Callable[[], object], n: int = 3) -> float:
    """Least processor time of a few runs, in seconds; the first one of several only warms up."""
    return best_of(call, n, warm_up=n > 1, clock=time.process_time)


def report(name: str, n_rows: int, ours: float, usual: float) -> None:
    """One line of the table: million rows a processor second, ours and pandas', and their ratio."""
    rates = f"{n_rows / ours / 1e6:8.2f} M/s   pandas {n_rows / usual / 1e6:8.2f} M/s"
    print(f"{name:<38} {rates}   x{usual / ours:.1f}")


def pandas_write(frame: pd.DataFrame, folder: Path) -> None:
    """A file a year, as a careful notebook keeps them."""
    for year, part in frame.groupby(frame["ts"].dt.year):
        part.to_parquet(folder / f"{year}.parquet", compression="zstd", index=False)


def pandas_read(folder: Path) -> pd.DataFrame:
    """All years joined."""
    return pd.concat([pd.read_parquet(path) for path in sorted(folder.glob("*.parquet"))], ignore_index=True)


def pandas_resample(frame: pd.DataFrame) -> pd.DataFrame:
    """Hours of minutes."""
    how = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
    return frame.set_index("ts").resample("1h").agg(how)


def main() -> None:
    """Print each rate beside pandas'."""
    bars = simulate("noise", n_bars=N_BARS, interval=MINUTE).with_columns(
        pl.col("open", "high", "low", "close").round(2), pl.col("volume").round(3)
    )
    bars = bars.with_columns(high=pl.max_horizontal(*OHLCV[:4]), low=pl.min_horizontal(*OHLCV[:4]))
    frame = pd.DataFrame({name: bars[name].to_numpy() for name in bars.columns})
    other_frame = frame[["ts", "close"]].rename(columns={"close": "other"})[frame.index % 1000 > 0]
    with tempfile.TemporaryDirectory() as name:
        root, plain = Path(name) / "store", Path(name) / "plain"
        plain.mkdir()
        store = SeriesStore(root)
        written = least_cpu(lambda: store.write(SERIES, bars, ORIGIN), 1)
        try:
            usual = least_cpu(lambda: pandas_write(frame, plain), 1)
            report("write, hashed and synced", N_BARS, written, usual)
            report(
                "read, hashes checked",
                N_BARS,
                least_cpu(lambda: store.read(SERIES)),
                least_cpu(lambda: pandas_read(plain)),
            )
        except ImportError:
            print("pandas reads and writes no Parquet here: pip install pyarrow for the first two ratios")
        report(
            "resample minutes to hours",
            N_BARS,
            least_cpu(lambda: resample(bars, MINUTE, HOUR)),
            least_cpu(lambda: pandas_resample(frame)),
        )
        stored = store.read(SERIES)
        other = stored.select("ts", pl.col("close").alias("other")).filter(pl.int_range(pl.len()) % 1000 > 0)
        report(
            "join with a series that has gaps",
            N_BARS,
            least_cpu(lambda: stored.join(other, on="ts")),
            least_cpu(lambda: frame.merge(other_frame, on="ts")),
        )
        store.write(SeriesId.parse("binance:BTC/USDT:1d"), resample(bars, MINUTE, timedelta(days=1)), ORIGIN)
        command = [sys.executable, "-c", LOAD, str(root), str(SERIES)]
        runs = [subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ) for _ in range(3)]
        took, cpu, grown, size = min([float(x) for x in run.stdout.split()] for run in runs)
        spare = f"{size:.0f} MB of bars, {grown - size:.0f} MB over their size"
        print(f"load_bars of {N_BARS:,} rows: {took:.2f} s by the clock, {cpu:.2f} s of processors, {spare}")


if __name__ == "__main__":
    main()
