"""The coins of a folder with hourly bars of the whole of a span, pooled as one market, and gains on them in words."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from tradsys.core.time import infer_interval
from tradsys.data.load import load
from tradsys.data.market import Market
from tradsys.research.claims.claims import LossDifference
from tradsys.verdict.skill import Estimate

SINCE = datetime(2020, 10, 23, tzinfo=UTC)
UNTIL = datetime(2024, 7, 1, tzinfo=UTC)
"""Bars from this time on are kept to judge."""

CONTRADICTED = datetime(2023, 11, 10, 15, tzinfo=UTC)
"""A bar of which the exchange's own records say different things."""

FIRST = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "BNBUSDT")
"""The coins on which the defaults were chosen."""


def symbol_of(path: Path) -> str:
    """`BTCUSDT` of `BTCUSDT-1h-binancefut.parquet`."""
    return path.name.partition("-")[0]


def pooled(folder: Path) -> Market:
    """Every coin with bars from the first day on, the four of development first, all others by name."""
    frames: dict[str, pl.DataFrame] = {}
    for path in sorted(folder.glob("*-1h-binancefut.parquet")):
        bars = load(path).bars.drop("symbol", strict=False)
        bars = bars.filter(pl.col("ts").is_between(SINCE, UNTIL, closed="left") & (pl.col("ts") != CONTRADICTED))
        if len(bars) and bars["ts"][0] == SINCE.replace(hour=bars["ts"][0].hour):
            frames[symbol_of(path)] = bars
    ordered = [*(name for name in FIRST if name in frames), *(name for name in frames if name not in FIRST)]
    if not ordered:
        raise SystemExit(
            f"no coin in {folder} has hourly bars from {SINCE:%Y-%m-%d} on, named SYMBOL-1h-binancefut.parquet"
        )
    shared = [name for name in frames[ordered[0]].columns if all(name in frame.columns for frame in frames.values())]
    bars = pl.concat(frames[name].select(pl.lit(name).alias("symbol"), *shared) for name in ordered)
    return Market.of(bars, infer_interval(frames[ordered[0]]), (str(folder),))


def shown(found: Estimate | LossDifference) -> str:
    """`+.37 [-.20, .92]` in millinats."""
    if found.low is None or found.high is None:
        return f"{found.value * 1e3:+.2f}, too short for an interval"
    return f"{found.value * 1e3:+.2f} [{found.low * 1e3:+.2f}, {found.high * 1e3:+.2f}]"
