"""What is known from outside joined to bars, against pandas.merge_asof; and order books rebuilt from a day's updates.

python benchmarks/bench_outside.py

Rates are a processor second. A process of its own reads the day, so that its peak memory is that of the rebuilding.
"""

import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
from bench_store import MINUTE, N_BARS, best_of, report

from tradsys.core.bars import TS
from tradsys.data.outside.align import attach
from tradsys.data.outside.book.book import Book, joined, order_flow, top_depth
from tradsys.data.outside.book.book_file import columns_of, measures, with_pieces
from tradsys.data.outside.book.rebuild import LAST, books_from_updates
from tradsys.data.simulate import simulate

START = 1_577_836_800_000
N_UPDATES, N_LEVELS = 864_000, 10
"""A day of one event every 100 ms, and the levels that each of them changes."""

REBUILD = """
import sys, time
from datetime import timedelta
from tradsys.data.outside.book.book_file import BookFile
import polars as pl, resource
def rss(): return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()
list(BookFile.parse(sys.argv[1]).pieces())  # compiles the kernel
before, n = rss(), 0
open("/proc/self/clear_refs", "w").write("5")
cpu = time.process_time()
for piece in BookFile.parse(sys.argv[2]).pieces():
    n += len(piece.received)
cpu = time.process_time() - cpu
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) * 1024
print(n, cpu, (peak - before) / 1e6)
"""


def updates(n_events: int) -> pl.DataFrame:
    """A snapshot of a thousand levels a side, then differences near a mid that stands still, one every 100 ms."""
    rng, n, half = np.random.default_rng(0), n_events * N_LEVELS, N_LEVELS // 2
    depth = np.minimum(rng.geometric(0.03, n), 900)
    is_bid = np.tile(np.repeat([True, False], half), n_events)
    depths = np.arange(1, 1001)
    event = np.repeat(np.arange(1, n_events + 1), N_LEVELS)
    is_gone = (rng.random(n) < 0.3) & (depth > 5)
    changes = pl.DataFrame(
        {
            "ts": START + event * 100,
            "is_snapshot": False,
            "first_id": event + 1,
            "last_id": event + 1,
            "side": pl.select(pl.when(pl.Series(is_bid)).then(pl.lit("bid")).otherwise(pl.lit("ask"))).to_series(),
            "price": np.where(is_bid, 50_000.0 - depth, 50_000.0 + depth),
            "size": np.where(is_gone, 0.0, rng.random(n).round(3) + 0.001),
        }
    )
    snapshot = {
        "ts": START,
        "is_snapshot": True,
        "first_id": pl.Series([1]).new_from_index(0, 2000),
        "last_id": 1,
        "side": ["bid"] * 1000 + ["ask"] * 1000,
        "price": np.concatenate([50_000.0 - depths, 50_000.0 + depths]),
        "size": 1.0,
    }
    return pl.concat([pl.DataFrame(snapshot, schema=changes.schema), changes])


def macro(bars: pl.DataFrame) -> None:
    """Four columns of a daily series at five years of minutes, with tolerance and age."""
    tolerance, names = timedelta(days=4), [f"macro_x_{k}" for k in range(4)]
    out = bars["ts"][::1440] + timedelta(minutes=37)
    rng = np.random.default_rng(0)
    published = pl.DataFrame({"available_at": out.cast(TS), **{name: rng.random(len(out)) for name in names}})

    def ours() -> pl.DataFrame:
        return attach(bars, published, interval=MINUTE, columns=names, tolerance=tolerance, age="macro_x_age_h")

    frame, daily = _pandas(bars), _pandas(published)

    def usual() -> pd.DataFrame:
        left = frame.assign(close_at=frame["ts"] + pd.Timedelta(MINUTE))
        both = pd.merge_asof(
            left, daily, left_on="close_at", right_on="available_at", tolerance=pd.Timedelta(tolerance)
        )
        return both.assign(macro_x_age_h=(both["close_at"] - both["available_at"]).dt.total_seconds() / 3600)

    for name in (*names, "macro_x_age_h"):
        assert np.allclose(ours()[name].to_numpy(), usual()[name].to_numpy(), equal_nan=True), name
    report("macro series joined to minutes", N_BARS, best_of(ours), best_of(usual))


def books() -> None:
    """An hour of updates rebuilt, and joined to bars of a second: last state, mean, flow and age."""
    rows = updates(36_000)

    def rebuilt() -> Book:
        return joined(list(books_from_updates([(rows, LAST)], "benchmark")))

    taken = best_of(rebuilt)
    n = 36_000
    print(f"{'book rebuilt in memory':<38} {n / taken:8,.0f} updates/s, {len(rows) / taken / 1e6:.1f} M levels/s")
    book, step = rebuilt(), timedelta(seconds=1)
    seconds = pl.DataFrame({"ts": pl.Series(START + 1000 * np.arange(3600)).cast(TS)})
    frame, received = _pandas(seconds), pd.to_datetime(book.received, unit="ms").astype("datetime64[us]")

    def measured() -> dict[str, np.ndarray]:
        values = dict(zip(columns_of(book.n_levels)[:-2:2], measures(book), strict=True))
        return values | {"flow": order_flow(book), "depth": top_depth(book)}

    def usual() -> pd.DataFrame:
        states = pd.DataFrame({"received": received, **measured()})
        left = frame.assign(close_at=frame["ts"] + pd.Timedelta(step))
        both = pd.merge_asof(left, states, left_on="close_at", right_on="received", tolerance=pd.Timedelta(step))
        inside = states.groupby(np.searchsorted(left["close_at"], states["received"]))
        means = inside.mean(numeric_only=True).add_suffix("_mean")
        ofi = inside["flow"].sum() / means["depth_mean"]
        age = (both["close_at"] - both["received"]).dt.total_seconds()
        return pd.concat([both, means.reindex(both.index), ofi.rename("ofi")], axis=1).assign(age_s=age)

    def ours() -> pl.DataFrame:
        return with_pieces(seconds, [book], n_levels=book.n_levels, interval=step, tolerance=step)

    for name, theirs in (("book_spread", "book_spread"), ("book_slope_mean", "book_slope_mean"), ("book_ofi", "ofi")):
        assert np.allclose(ours()[name].to_numpy()[1:], usual()[theirs].to_numpy()[1:3600], equal_nan=True), name
    common = best_of(measured)
    report("book joined to seconds, once measured", n, best_of(ours) - common, best_of(usual) - common)
    print(f"{'  its ten measures, shared by both':<38} {n / common / 1e6:8.2f} M/s")


def day() -> None:
    """Speed and peak memory of a day read from a file."""
    with tempfile.TemporaryDirectory() as name:
        small, large = Path(name) / "minute.parquet", Path(name) / "day.parquet"
        updates(600).write_parquet(small)
        updates(N_UPDATES).write_parquet(large)
        command = [sys.executable, "-c", REBUILD, str(small), str(large)]
        run = subprocess.run(command, check=True, capture_output=True, text=True)
    n, cpu, peak = map(float, run.stdout.split())
    rows = f"{N_UPDATES * N_LEVELS / cpu / 1e6:.1f} M levels/s"
    print(f"{'a day of updates from Parquet':<38} {n / cpu:8,.0f} updates/s, {rows}, {peak:.0f} MB at the peak")


def _pandas(frame: pl.DataFrame) -> pd.DataFrame:
    columns = {name: frame[name].to_numpy() for name in frame.columns}
    times = [name for name, kind in frame.schema.items() if kind == TS]
    return pd.DataFrame(columns).astype(dict.fromkeys(times, "datetime64[us]"))


def main() -> None:
    """Print each rate."""
    macro(simulate("noise", n_bars=N_BARS, interval=MINUTE))
    books()
    day()


if __name__ == "__main__":
    main()
