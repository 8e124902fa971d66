"""Equity and drawdown of every profile beside buy-and-hold, on one time axis that a page can carry."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from tradsys.report.packing import Packed, pack, pack_times

MOST_POINTS = 5_000
BUCKETS = ("1h", "4h", "1d", "7d")


def pack_curves(equity: pl.DataFrame, profiles: Sequence[str], benchmark: str = "BUY_AND_HOLD") -> Packed:
    """Change since the start and drawdown from the highest point so far, both as fractions.

    Drawdowns are taken on every point of the run before any are joined, and a joined point keeps its deepest.
    """
    order = [name for name in (*profiles, benchmark) if name in set(equity["profile"])]
    curves = (
        equity.drop_nulls()
        .sort("ts")
        .with_columns(
            (pl.col("equity") / pl.col("equity").first().over("profile") - 1).alias("change"),
            (pl.col("equity") / pl.col("equity").cum_max().over("profile") - 1).alias("drawdown"),
        )
    )
    joined = _join(curves)
    times = joined["ts"].unique().sort()
    packed = []
    for name in order:
        own = pl.DataFrame({"ts": times}).join(joined.filter(pl.col("profile") == name), on="ts", how="left")
        packed.append(
            {
                "name": name,
                "is_benchmark": name == benchmark,
                "change": pack(own["change"].fill_null(np.nan)),
                "drawdown": pack(own["drawdown"].fill_null(np.nan)),
            }
        )
    return {"times": pack_times(times.dt.epoch("ms").to_numpy()), "curves": packed}


def _join(curves: pl.DataFrame) -> pl.DataFrame:
    for bucket in ("", *BUCKETS):
        ts = pl.col("ts").dt.truncate(bucket) if bucket else pl.col("ts")
        if curves.select(ts.n_unique()).item() <= MOST_POINTS:
            break
    return curves.group_by("profile", ts, maintain_order=True).agg(pl.col("change").last(), pl.col("drawdown").min())
