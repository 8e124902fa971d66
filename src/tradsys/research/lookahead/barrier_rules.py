"""The pace of the barriers, and a rule's own events, computed again at many single rows without what follows."""

from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.seeds import generator
from tradsys.core.time import interval_ms, ts_ms
from tradsys.labels.barriers import BarrierSpec
from tradsys.labels.pace import ChoosesEvents
from tradsys.research.lookahead.cut_rows import outstanding_rows, random_rows, telling_rows
from tradsys.research.lookahead.findings import ComputedTable, RowsChecked, Search
from tradsys.research.lookahead.short_cuts import ShortCuts
from tradsys.research.lookahead.without_future import cut
from tradsys.research.walk.dataset import Dataset

_CLOSE: Final = 1e-6
"""Parts of a pace that it may differ by: an exponential mean forgets its seed to less in its lookback."""

_MOST: Final = 5_000
"""Rows of all symbols together that are drawn at random: each is computed alone."""

_WHOLE_CUTS: Final = 40
"""Rows that are confirmed on all bars before them; the first leak ends the search."""


def check_rule(
    search: Search, data: Dataset, barriers: BarrierSpec, cuts: ShortCuts, checked: RowsChecked, *, seed: int
) -> RowsChecked:
    """Compare single rows of what the rule measures with what it measures on the bars up to that row alone.

    A row that differs is measured once more on all bars before it: what differs then has seen the future and goes to
    the search. Returns `checked` with the rule's name where one of them needs more bars than its lookback.
    """
    each = max(min(cuts.n_random, _MOST) // len(data.symbols), min(cuts.n_random, 50))
    is_settled = True
    for symbol, bars in data.frames.items():
        rng = generator(seed, "barrier rule", symbol)
        values = _measured(barriers, bars)
        telling = [telling_rows(bars, cuts.n_singled, rng), outstanding_rows(values[:, 0], bars, cuts.n_singled // 10)]
        rows = np.unique(np.concatenate([random_rows(bars, each, rng), *telling]))
        rows = rows[rows >= barriers.lookback - 1]
        search.n_values += len(rows) * values.shape[1]
        suspects = _suspects(barriers, bars, values, rows)
        if len(suspects):
            confirmed = rng.permutation(suspects)[:_WHOLE_CUTS]
            is_settled &= _leaks(search, data, barriers, symbol, values, confirmed)
    return checked if is_settled else replace(checked, unsettled=(*checked.unsettled, barriers.pacing.name))


def _measured(barriers: BarrierSpec, bars: pl.DataFrame) -> FloatArray:
    """The pace, and 1 in a second column where the rule chooses an event; (n_bars, n_columns)."""
    pace = barriers.pace(bars)
    if not isinstance(barriers.pacing, ChoosesEvents):
        return pace[:, None]
    is_event = np.zeros(len(bars))
    is_event[barriers.event_rows(bars)] = 1.0
    return np.column_stack([pace, is_event])


def _suspects(barriers: BarrierSpec, bars: pl.DataFrame, values: FloatArray, rows: IntArray) -> IntArray:
    """Rows in which the bars that settle a pace give another one."""
    lookback = barriers.lookback
    alone = np.array([_measured(barriers, bars[row + 1 - lookback : row + 1])[-1] for row in rows.tolist()])
    here, there = values[rows], alone.reshape(len(rows), values.shape[1])
    is_same = np.isclose(here, there, rtol=_CLOSE, atol=0.0, equal_nan=True)
    suspects: IntArray = rows[~is_same.all(axis=1)]
    return suspects


def _leaks(
    search: Search, data: Dataset, barriers: BarrierSpec, symbol: str, values: FloatArray, rows: IntArray
) -> bool:
    """Whether one of these rows differs from what all bars before it say; the first that does is entered."""
    bars = data.frames[symbol]
    closes = ts_ms(bars) + interval_ms(data.interval)
    columns = (f"pace by {barriers.pacing.name}", "is_event")[: values.shape[1]]
    table = partial(ComputedTable, "barriers", symbol, columns)

    def recompute(at: int) -> list[ComputedTable]:
        known = _measured(barriers, cut(bars, data.interval, at))
        return [table(known, closes[: len(known)], closes[: len(known)])]

    for row in rows.tolist():
        search.compare([table(values, closes, closes)], recompute, int(closes[row]))
        if any(("barriers", column, symbol) in search.found for column in columns):
            return True
    return False
