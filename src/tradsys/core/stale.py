"""Bars that disagree with the shorter bars they are made of: fetched before they had closed and never fetched again."""

from datetime import timedelta

import numpy as np
import polars as pl

from tradsys.core.arrays import BoolArray
from tradsys.core.time import interval_ms

PRICE_TOLERANCE = 1e-9
VOLUME_TOLERANCE = 1e-3  # venues correct volumes later by less than this


def disagreements(
    bars: pl.DataFrame, parts: pl.DataFrame, interval: timedelta, part_interval: timedelta
) -> tuple[BoolArray, tuple[str, ...]]:
    """Rows that their parts contradict, shape (n_bars,), and the columns in which they do.

    A bar all of whose parts are there must equal them. One with some parts missing must still contain them: a high not
    below theirs, a low not above, a volume not smaller. Bars without parts are left alone.
    """
    step = interval_ms(interval)
    keys = ["symbol", "ts"] if "symbol" in bars.columns and "symbol" in parts.columns else ["ts"]
    phase = int(bars["ts"].dt.epoch("ms")[0]) % step
    opens = (pl.col("ts").dt.epoch("ms") - phase) // step * step + phase
    whole = (
        parts.with_columns(opens.cast(pl.Datetime("ms", "UTC")).alias("ts"), at=pl.col("ts"))
        .sort(*keys, "at")
        .group_by(keys, maintain_order=True)
        .agg(
            pl.col("open").first().alias("p_open"),
            pl.col("high").max().alias("p_high"),
            pl.col("low").min().alias("p_low"),
            pl.col("close").last().alias("p_close"),
            pl.col("volume").sum().alias("p_volume"),
            pl.len().alias("p_n"),
        )
    )
    joined = bars.select(*keys, "open", "high", "low", "close", "volume").join(
        whole, on=keys, how="left", maintain_order="left"
    )
    n_parts = step // interval_ms(part_interval)
    is_whole = (joined["p_n"] == n_parts).fill_null(False).to_numpy()
    rows = np.zeros(len(bars), dtype=bool)
    columns = []
    for name in ("open", "high", "low", "close", "volume"):
        bar, part = joined[name].to_numpy(), joined[f"p_{name}"].to_numpy()  # NaN where a bar has no parts
        slack = np.abs(bar) * (VOLUME_TOLERANCE if name == "volume" else PRICE_TOLERANCE)
        with np.errstate(invalid="ignore"):
            wrong = is_whole & (np.abs(bar - part) > slack)
            if name in ("high", "volume"):
                wrong |= part - bar > slack
            elif name == "low":
                wrong |= bar - part > slack
        if wrong.any():
            columns.append(name)
            rows |= wrong
    return rows, tuple(columns)
