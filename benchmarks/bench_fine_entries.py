"""What the worse case costs in the bar that fills a limit entry: labels with and without the bars inside it.

python benchmarks/bench_fine_entries.py BARS FINE [BARS FINE ...]

Every bar decides a long and a short trade with the default barriers: what nobody with a forecast would do, and so free
of any. Means of the gross returns in basis points, and how many orders were missed.
"""

import sys
from itertools import batched

import numpy as np
import polars as pl

from tradsys.core.limit_entry import LimitEntry
from tradsys.data.market import load_market
from tradsys.labels import triple_barrier

WAYS = (("market", None), ("at the open, 1 bar", LimitEntry()), ("10% to the stop, 3 bars", LimitEntry(0.1, 3)))


def gross(bars: pl.DataFrame, fine: pl.DataFrame | None, entry: LimitEntry | None) -> tuple[float, float, float]:
    """Mean gross return of the trades that were entered (bp), its standard error over days, and the share missed."""
    sides = [triple_barrier(bars, side=side, fine_bars=fine, entry=entry) for side in (1, -1)]
    found = pl.concat(sides)
    filled = found.filter(pl.col("reason") != "missed")
    daily = filled.group_by(pl.col("start").dt.truncate("1d")).agg(pl.col("ret").sum(), n=pl.len())
    mean = float(filled["ret"].mean()) * 1e4
    spread = (daily["ret"] * 1e4 - mean * daily["n"]).std()
    return mean, float(spread) * np.sqrt(len(daily)) / len(filled), 1 - len(filled) / len(found)


def main() -> None:
    """One table, as Markdown."""
    sys.stdout.write("| bars | entry | gross, bp | with finer bars, bp | missed |\n| --- | --- | --- | --- | --- |\n")
    for name, finer in batched(sys.argv[1:], 2):
        fine = load_market([finer]).bars.drop("symbol")
        bars = load_market([name]).bars.drop("symbol").filter(pl.col("ts") >= fine["ts"].min())
        for way, entry in WAYS:
            coarse, error, missed = gross(bars, None, entry)
            known, _, _ = gross(bars, fine, entry)
            sys.stdout.write(f"| {name} | {way} | {coarse:.2f} ({error:.2f}) | {known:.2f} | {missed:.1%} |\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
