"""Look-ahead check of rank columns: those that a run's bars carry, recomputed without the future."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from tradsys.core.time import interval_ms, ts_ms
from tradsys.features.universe_ranks import rank_columns
from tradsys.research.lookahead.findings import ComputedTable, Search
from tradsys.research.lookahead.without_future import Future, listed, without_future
from tradsys.research.walk.dataset import Dataset
from tradsys.settings.market import RankColumns


def compare_rank_columns(search: Search, data: Dataset, ranks: RankColumns, at: int, future: Future) -> None:
    """Compare the columns of ranks that a run's bars carry with those made again without what came after `at` (ms)."""
    bar_ms = interval_ms(data.interval)

    def recompute(time: int) -> list[ComputedTable]:
        frames = without_future(data.frames, bar_ms, time, future)
        made = rank_columns(
            frames, bar_ms, ranks.universe, lookbacks=ranks.lookbacks, listings=listed(ranks.listings, frames)
        )
        return [_columns(symbol, frames[symbol], columns, bar_ms) for symbol, columns in made.items()]

    names = [f"rank_{what}_{lookback}" for lookback in ranks.lookbacks for what in ("strength", "place")]
    full = [_columns(symbol, bars, [bars[name] for name in names], bar_ms) for symbol, bars in data.frames.items()]
    search.compare(full, recompute, at)


def _columns(symbol: str, bars: pl.DataFrame, columns: Sequence[pl.Series], bar_ms: int) -> ComputedTable:
    closes = ts_ms(bars) + bar_ms
    return ComputedTable(
        "columns of ranks", symbol, tuple(c.name for c in columns), np.column_stack(columns), closes, closes
    )
