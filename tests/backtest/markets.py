"""Small markets and decisions for the simulation."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from tests.labels.hand_made import HOUR_MS, random_bars

from tradsys.core.bars import TS


def decide(
    *decisions: tuple[str, int, int], horizon: int = 3, distance: float = 2.0, size: float = 1.0
) -> pl.DataFrame:
    """Decisions (symbol, deciding row of hourly bars from 1970, action), with equal distances to target and stop."""
    n = len(decisions)
    return pl.DataFrame(
        {
            "symbol": pl.Series([d[0] for d in decisions], dtype=pl.String),
            "start": pl.Series([(d[1] + 1) * HOUR_MS for d in decisions], dtype=pl.Int64).cast(TS),
            "action": pl.Series([d[2] for d in decisions], dtype=pl.Int8),
            "size": pl.Series([size] * n, dtype=pl.Float64),
            "stop_distance": pl.Series([distance] * n, dtype=pl.Float64),
            "target_distance": pl.Series([distance] * n, dtype=pl.Float64),
            "horizon": pl.Series([horizon] * n, dtype=pl.Int32),
        }
    )


def random_decisions(
    market: Mapping[str, pl.DataFrame], seed: int, actions: Sequence[int] = (-1, 0, 1)
) -> pl.DataFrame:
    """A decision at every bar of every symbol, without distances: the barriers' spec sets those."""
    rng = np.random.default_rng(seed)
    return pl.concat(
        bars.select(
            symbol=pl.lit(name),
            start=pl.col("ts").dt.offset_by("1h"),
            action=pl.Series(rng.choice(actions, len(bars)).astype(np.int8)),
            size=pl.Series(rng.choice([0.25, 0.5, 1.0], len(bars))),
        )
        for name, bars in market.items()
    )


def ragged_market(n_bars: int = 900) -> dict[str, pl.DataFrame]:
    """Three symbols with holes in different places, one of them listed late."""
    frames = {name: random_bars(n_bars, seed, missing=0.05) for seed, name in enumerate(("A", "B", "C"))}
    frames["C"] = frames["C"].slice(200)
    return frames
